"""What was used and spent, added up: who asks for it how, and what they are told."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final, Literal, get_args

import msgspec

from waypost.core.money import render_usd

By = Literal[
    "key",
    "user",
    "service_account",
    "team",
    "project",
    "organization",
    "model",
    "provider",
    "tag",
    "end_user",
    "day",
    "hour",
]
BY: Final[tuple[By, ...]] = get_args(By)
#: Only one of these at a time: what has several tags is told under each.
PARTS: Final[frozenset[By]] = frozenset(("tag", "end_user"))
TIMES: Final[frozenset[By]] = frozenset(("day", "hour"))
BY_MOST: Final = 4
_HOURS: Final = 24
#: What a spreadsheet would take for the beginning of a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class Wanted(msgspec.Struct, frozen=True):
    """What is to be added up. Hours are counted since 1970, in UTC."""

    by: tuple[By, ...] = ()
    organization_id: str | None = None
    user_id: str | None = None
    """Only of this person's own keys."""
    service_id: str | None = None
    """Only of this service account's own keys."""
    since_hour: int | None = None
    until_hour: int | None = None
    """Before this hour."""


class Spend(msgspec.Struct, frozen=True):
    """Sums. Money in nano-dollars."""

    requests: int = 0
    errors: int = 0
    """Requests that did not end well, for whatever reason."""
    attempts: int = 0
    """Attempts that were or may have been billed."""
    unpriced: int = 0
    """Attempts among them whose price nobody knows; they are not in the cost."""
    cost_nusd: int = 0
    input_tokens: int = 0
    """Those that were read from a cache, or written to one, among them."""
    output_tokens: int = 0
    """Those of reasoning among them."""
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    audio_ms: int = 0
    """What is not counted in tokens: see `core.usage.Units`."""
    characters: int = 0
    images: int = 0
    searches: int = 0


class Group(msgspec.Struct, frozen=True):
    """One line: the ids of what it is of, in the order of `Wanted.by`, and what that is called where its key tells."""

    ids: tuple[str | int, ...]
    spend: Spend
    key_name: str = ""


class Named(msgspec.Struct, frozen=True):
    """A line as it is shown: what it is of by name."""

    ids: tuple[str, ...]
    names: tuple[str, ...]
    spend: Spend


def moment(by: By, number: int) -> str:
    """A day or an hour, as its number since 1970, as text."""
    hours = number * _HOURS if by == "day" else number
    at = datetime.fromtimestamp(hours * 3600, UTC)
    return at.strftime("%Y-%m-%d" if by == "day" else "%Y-%m-%dT%H:00:00Z")


def as_csv(by: Sequence[By], lines: Iterable[Named]) -> str:
    """A table: the ids and names of what each line is of, then its sums."""
    into = io.StringIO()
    out = csv.writer(into, lineterminator="\r\n")
    heads = [head for each in by for head in ((each,) if each in TIMES else (f"{each}_id", each))]
    out.writerow([*heads, *Spend.__struct_fields__, "cost"])
    for line in lines:
        cells: list[object] = []
        for each, found, name in zip(by, line.ids, line.names, strict=True):
            cells += [found] if each in TIMES else [_plain(found), _plain(name)]
        out.writerow([*cells, *msgspec.structs.astuple(line.spend), render_usd(line.spend.cost_nusd)])
    return into.getvalue()


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
