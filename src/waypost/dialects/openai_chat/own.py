"""What is of this dialect alone: its name, and which extras are its own."""

from __future__ import annotations

from typing import ClassVar

from waypost.core.request import Extras
from waypost.dialects import taking
from waypost.dialects.taking import Json, form_of, put_extras

NAME = "openai_chat"


class Taking(taking.Taking):
    """See `dialects.taking`."""

    __slots__ = ()

    dialect: ClassVar[str] = NAME


def own_form(extras: Extras | None) -> str:
    """How this dialect wrote it; "" when it came from another."""
    return form_of(extras, NAME)


def with_extras(out: Json, extras: Extras | None) -> Json:
    """`out` with the fields of this dialect that the core does not model; modelled ones win."""
    return put_extras(out, extras, NAME)
