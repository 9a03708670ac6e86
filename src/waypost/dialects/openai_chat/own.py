"""What is of this dialect alone: its name, which extras are its own, and what the other end takes beyond it."""

from __future__ import annotations

from typing import ClassVar, get_args

import msgspec

from waypost.core.loss import Loss
from waypost.core.quirks import Quirks, Taken
from waypost.core.request import Extras
from waypost.dialects import taking
from waypost.dialects.taking import Json, form_of, put_extras

NAME = "openai_chat"


class Taking(taking.Taking):
    """See `dialects.taking`."""

    __slots__ = ()

    dialect: ClassVar[str] = NAME


class Saying(msgspec.Struct, frozen=True):
    """To whom a message is rendered: what it takes beyond OpenAI's own format, and where is named what it can not be
    told. `answer`: it is a client that gets an answer."""

    takes: frozenset[str]
    loss: Loss
    answer: bool = False


def to_target(quirks: Quirks, loss: Loss) -> Saying:
    """For a request."""
    return Saying(frozenset(quirks.takes), loss)


def to_client() -> Saying:
    """For an answer: clients take what they know of it, and leave the rest alone."""
    return Saying(frozenset(get_args(Taken)), Loss(), answer=True)


def own_form(extras: Extras | None) -> str:
    """How this dialect wrote it; "" when it came from another."""
    return form_of(extras, NAME)


def with_extras(out: Json, extras: Extras | None) -> Json:
    """`out` with the fields of this dialect that the core does not model; modelled ones win."""
    return put_extras(out, extras, NAME)
