"""What is of this dialect alone: its name, its signatures, and which extras are its own."""

from __future__ import annotations

from typing import ClassVar

from waypost.core.request import Extras, Maker
from waypost.dialects import taking
from waypost.dialects.fields import Fields
from waypost.dialects.gemini.spelling import camel
from waypost.dialects.taking import Json, form_of, put_extras

NAME = "gemini_generate"
#: Whose signatures these models take back.
MAKER: Maker = "google-gemini-v1"


class Taking(taking.Taking):
    """See `dialects.taking`. Fields are known by their camel-case names, in whichever spelling they came."""

    __slots__ = ()

    dialect: ClassVar[str] = NAME

    def __init__(self, fields: Fields) -> None:
        if any("_" in name for name in fields):
            fields = {camel(name): raw for name, raw in fields.items()}
        super().__init__(fields)


def own_words(extras: Extras | None) -> list[str]:
    """How this dialect wrote it, as the words that parsing left; none when it came from another."""
    return form_of(extras, NAME).split()


def keep(taking: Taking, *words: str) -> Extras | None:
    """What was not taken, and the words for how the rest was written."""
    return taking.extras(" ".join(word for word in words if word))


def with_extras(out: Json, extras: Extras | None) -> Json:
    """`out` with the fields of this dialect that the core does not model; modelled ones win."""
    return put_extras(out, extras, NAME)


def own_signature(signature: str | None, maker: Maker | None) -> str | None:
    """A signature that Google's models take back, or None."""
    return signature if maker == MAKER and signature else None
