"""What the headers of an answer tell of a provider's rate limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple

import msgspec

from waypost.core.wait import parse_moment, seconds_until
from waypost.providers.spec import RateHeaders

Dimension = Literal["requests", "tokens", "input", "output"]
Names = Mapping[bytes, int]
"""Header names in lower case, and where the value of each goes."""

#: Where no reset is told: per minute is what nearly every limit is for.
_USUAL_S: Final = 60.0
#: The longest that is believed.
_LONGEST_S: Final = 86_400.0
_DIMENSIONS: Final[tuple[Dimension, ...]] = ("requests", "tokens", "input", "output")
_PARTS: Final = ("limit", "remaining", "reset")
_PLACES: Final = len(_DIMENSIONS) * len(_PARTS)


class Told(NamedTuple):
    """One limit. `limit`: None where it is not told. `reset_s`: from when the answer came in."""

    dimension: Dimension
    limit: int | None
    left: int
    reset_s: float


def names_of(headers: RateHeaders) -> Names:
    """The names as they are looked up, from a provider's row."""
    fields = msgspec.structs.asdict(headers)
    places = (f"{dimension}_{part}" for dimension in _DIMENSIONS for part in _PARTS)
    return {name.encode(): place for place, field in enumerate(places) if (name := fields[field])}


def read(names: Names, headers: Sequence[tuple[bytes, bytes]], wall: float) -> list[Told]:
    """Every limit of which the headers tell what is left.

    Header names are in lower case, as the upstream client gives them. A reset given as a moment is read against `wall`,
    the Unix time when the answer came in. Values that make no sense count as not told: some providers send -1 for no
    limit.
    """
    found: list[bytes | None] = [None] * _PLACES
    find = names.get
    for name, value in headers:
        place = find(name)
        if place is not None:
            found[place] = value
    told = []
    for place, dimension in enumerate(_DIMENSIONS):
        limit, remaining, reset = found[3 * place : 3 * place + 3]
        left = None if remaining is None else _count(remaining)
        if left is not None:
            most = None if limit is None else _count(limit)
            told.append(Told(dimension, most, left, _USUAL_S if reset is None else _reset_s(reset, wall)))
    return told


def _count(value: bytes) -> int | None:
    try:
        count = int(value)
    except ValueError:
        return _odd_count(value)
    return count if count >= 0 else None


def _odd_count(value: bytes) -> int | None:
    """`59.5`, or `100, 100;w=60` as in drafts of RateLimit headers."""
    first = value.partition(b",")[0].partition(b";")[0].partition(b".")[0].strip()
    return int(first) if first.isdigit() and len(first) < 16 else None


def _reset_s(value: bytes, wall: float) -> float:
    text = value.decode("latin-1")
    # The three forms that nearly all answers have.
    if text[-2:] == "ms" and text[:-2].isdecimal() and len(text) < 12:
        return int(text[:-2]) / 1000
    if text.isdecimal() and len(text) < 9:
        return min(int(text), _LONGEST_S)
    if text[4:5] == "-":
        moment = parse_moment(text)
        wait = None if moment is None else max(0.0, moment - wall)
    else:
        wait = seconds_until(text.strip(), wall)
    return _USUAL_S if wait is None else min(wait, _LONGEST_S)
