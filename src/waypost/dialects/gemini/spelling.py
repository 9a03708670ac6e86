"""Field names: Google reads each in camelCase and in snake_case.

https://protobuf.dev/programming-guides/json/#field-names (2026-11-25).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import msgspec

from waypost.dialects.fields import Fields
from waypost.errors import InvalidRequest

_SNAKE = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+")
_HUMP = re.compile(r"(?<!^)(?=[A-Z])")

#: Camel-case names by what is left of them without underscores and case.
Governed = Mapping[str, str]


def camel(name: str) -> str:
    """`max_output_tokens` as `maxOutputTokens`; any other name as it is."""
    if not _SNAKE.fullmatch(name):
        return name
    first, *rest = name.split("_")
    return first + "".join(word[0].upper() + word[1:] for word in rest)


def snake(name: str) -> str:
    """`maxOutputTokens` as `max_output_tokens`."""
    return _HUMP.sub("_", name).lower()


def govern(names: Iterable[str]) -> Governed:
    """The table for `check_spelling`, from camel-case names."""
    return {name.casefold(): name for name in names}


def check_spelling(fields: Fields, governed: Governed, where: str = "") -> None:
    """Refuses a governed field in any but its two spellings, and one that is given in both: which of the two a server
    takes is not known, so a rule could have read the other one. Raises InvalidRequest."""
    seen: set[str] = set()
    for name in fields:
        wanted = governed.get(name.replace("_", "").casefold())
        if wanted is None:
            continue
        if name not in (wanted, snake(wanted)):
            raise InvalidRequest(
                f"The field {name[:64]!r} has to be spelt {wanted!r} or {snake(wanted)!r}.",
                param=f"{where}{name[:64]}",
            )
        if wanted in seen:
            raise InvalidRequest(
                f"`{where}{wanted}` is given twice, once in each of its spellings. Send one of them.",
                param=f"{where}{wanted}",
            )
        seen.add(wanted)


def spelt(fields: Fields, name: str) -> str:
    """The spelling of a camel-case field that is used; the name itself when it is not there."""
    return name if name in fields else other if (other := snake(name)) in fields else name


def find(fields: Fields, name: str) -> msgspec.Raw | None:
    """The value of a field, by its camel-case name."""
    return fields.get(spelt(fields, name))
