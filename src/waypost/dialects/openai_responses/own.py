"""What is of this dialect alone: its name, which extras are its own, and how it notes the way things were written."""

from __future__ import annotations

from typing import ClassVar

from waypost.core.request import Extras
from waypost.dialects import taking
from waypost.dialects.fields import Fields, parse_object
from waypost.dialects.taking import Json, form_of, object_raw, put_extras

NAME = "openai_responses"


class Taking(taking.Taking):
    """See `dialects.taking`."""

    __slots__ = ()

    dialect: ClassVar[str] = NAME


class Form:
    """`Extras.form` of this dialect: words, and then the fields that only say how a thing was written (`id`, `status`),
    as they came. Another dialect has no use for those, so leaving them out is no loss that is worth a name."""

    __slots__ = ("kept", "words")

    def __init__(self, words: str = "", kept: Fields | None = None) -> None:
        self.words = words
        self.kept: Fields = kept if kept is not None else {}

    def __str__(self) -> str:
        return f"{self.words}{bytes(object_raw(self.kept)).decode()}" if self.kept else self.words


def read_form(extras: Extras | None) -> Form:
    """How this dialect wrote it; an empty form when it came from another."""
    words, brace, rest = form_of(extras, NAME).partition("{")
    return Form(words, parse_object((brace + rest).encode()) if brace else None)


def is_own(extras: Extras | None) -> bool:
    """It came from this dialect."""
    return extras is not None and extras.dialect == NAME


def with_extras(out: Json, extras: Extras | None) -> Json:
    """`out` with the fields of this dialect that the core does not model; modelled ones win."""
    return put_extras(out, extras, NAME)


def keep(taking: taking.Taking, *names: str) -> Fields:
    """Takes these fields out, as they are, for a form."""
    return {name: taking.rest.pop(name) for name in names if name in taking.rest}
