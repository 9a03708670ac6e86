"""What is of this dialect alone: its name, and which extras are its own."""

from __future__ import annotations

from typing import ClassVar, Final

from waypost.core.request import Extras, Maker
from waypost.dialects import taking
from waypost.dialects.taking import Json, form_of, put_extras

NAME: Final = "bedrock_converse"
#: Of the models on Bedrock, only Claude signs its reasoning.
CLAUDE: Final[Maker] = "anthropic-claude-v1"


class Taking(taking.Taking):
    """See `dialects.taking`."""

    __slots__ = ()

    dialect: ClassVar[str] = NAME


def own_form(extras: Extras | None) -> str:
    """How this dialect wrote it; "" when it came from another."""
    return form_of(extras, NAME)


def is_own(extras: Extras | None) -> bool:
    """It came in this dialect."""
    return extras is not None and extras.dialect == NAME


def with_extras(out: Json, extras: Extras | None) -> Json:
    """`out` with the fields of this dialect that the core does not model; modelled ones win."""
    return put_extras(out, extras, NAME)
