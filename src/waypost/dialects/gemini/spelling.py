"""Field names: Google reads each in camelCase and in snake_case.

https://protobuf.dev/programming-guides/json/#field-names (2026-11-25).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from waypost.dialects.fields import Fields
from waypost.errors import InvalidRequest

_SNAKE = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+")
_HUMP = re.compile(r"(?<!^)(?=[A-Z])")


class Governed(msgspec.Struct, frozen=True):
    """Fields that a rule or the meter reads, by their camel-case names."""

    snakes: dict[str, str]
    """The other spelling of each."""
    folded: dict[str, str]
    """The name by what is left of it without underscores and case."""


class Known:
    """The governed fields of one object, whichever way they are spelt. Owned by one parse."""

    __slots__ = ("_keys", "fields")

    def __init__(self, fields: Fields, keys: dict[str, str]) -> None:
        self.fields = fields
        self._keys = keys

    def get(self, name: str) -> msgspec.Raw | None:
        """The value of a governed field."""
        key = self._keys.get(name)
        return None if key is None else self.fields[key]

    def key(self, name: str) -> str:
        """The spelling that is used; the name itself when the field is not there."""
        return self._keys.get(name, name)


def camel(name: str) -> str:
    """`max_output_tokens` as `maxOutputTokens`; any other name as it is."""
    if "_" not in name or not _SNAKE.fullmatch(name):
        return name
    first, *rest = name.split("_")
    return first + "".join(word[0].upper() + word[1:] for word in rest)


def snake(name: str) -> str:
    """`maxOutputTokens` as `max_output_tokens`."""
    return _HUMP.sub("_", name).lower()


def govern(names: Iterable[str]) -> Governed:
    """The tables for `know`, from camel-case names."""
    listed = tuple(names)
    return Governed({name: snake(name) for name in listed}, {name.casefold(): name for name in listed})


def know(fields: Fields, governed: Governed, where: str = "") -> Known:
    """Refuses a governed field in any but its two spellings, and one that is given in both: which of the two a server
    takes is not known, so a rule could have read the other one. Raises InvalidRequest."""
    snakes = governed.snakes
    keys: dict[str, str] = {}
    for name in fields:
        wanted = name if name in snakes else governed.folded.get(name.replace("_", "").casefold())
        if wanted is None:
            continue
        if name != wanted and name != snakes[wanted]:
            raise InvalidRequest(
                f"The field {name[:64]!r} has to be spelt {wanted!r} or {snakes[wanted]!r}.",
                param=f"{where}{name[:64]}",
            )
        if wanted in keys:
            raise InvalidRequest(
                f"`{where}{wanted}` is given twice, once in each of its spellings. Send one of them.",
                param=f"{where}{wanted}",
            )
        keys[wanted] = name
    return Known(fields, keys)


def spelt(fields: Fields, name: str) -> str:
    """The spelling of a camel-case field that is used; the name itself when it is not there."""
    return name if name in fields else other if (other := snake(name)) in fields else name
