"""A statement of an organization's prepaid credit: what it had, what came and went, and what it has."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final

import msgspec

from waypost.core.credit import Credit, given_id
from waypost.core.money import render_usd

_DAY_S: Final = 86_400
_FIRST: Final = date(1970, 1, 1)
#: Programs that calculate take what begins so for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
COLUMNS: Final = ("date", "kind", "id", "amount", "balance", "reason", "made_by")


class Item(msgspec.Struct, frozen=True):
    """An entry, or what was used in one day."""

    day: date
    kind: str
    """That of the entry, or `used`."""
    entry_id: str
    signed_nusd: int
    balance_nusd: int
    """After it."""
    reason: str = ""
    made_by: str = ""


class Statement(msgspec.Struct, frozen=True):
    """From a day on, until another one, which is not in it. `opening + items = closing`, always."""

    since: date
    until: date
    opening_nusd: int
    closing_nusd: int
    items: tuple[Item, ...]


def number_of(day: date) -> int:
    """A day's number since 1970."""
    return (day - _FIRST).days


def statement(entries: Iterable[Credit], used: Mapping[int, int], since: date, until: date) -> Statement:
    """The statement of these days, by all entries of an organization and what it used each day. What was used in a
    day comes after the day's entries."""
    opening = 0
    told: list[tuple[int, int, float, str, Credit | int]] = []
    first, last = number_of(since), number_of(until)
    for each in entries:
        day = int(each.at // _DAY_S)
        if day < first:
            opening += each.signed_nusd
        elif day < last:
            told.append((day, 0, each.at, each.entry_id, each))
    for day, amount in used.items():
        if day < first:
            opening -= amount
        elif day < last:
            told.append((day, 1, 0.0, "", amount))
    items, balance = [], opening
    for day, _, _, _, what in sorted(told, key=lambda each: each[:4]):
        on = _FIRST + timedelta(days=day)
        if isinstance(what, Credit):
            balance += what.signed_nusd
            items.append(
                Item(on, what.kind, given_id(what), what.signed_nusd, balance, what.reason, what.made_by)
            )
        else:
            balance -= what
            items.append(Item(on, "used", "", -what, balance))
    return Statement(since, until, opening, balance, tuple(items))


def as_csv(told: Statement) -> str:
    """A line for each item, between one for the opening balance and one for the closing balance."""
    into = io.StringIO()
    lines = csv.writer(into, lineterminator="\r\n")
    lines.writerow(COLUMNS)
    lines.writerow((told.since.isoformat(), "opening", "", "", render_usd(told.opening_nusd), "", ""))
    for each in told.items:
        amount, balance = render_usd(each.signed_nusd), render_usd(each.balance_nusd)
        texts = (_plain(each.reason), _plain(each.made_by))
        lines.writerow((each.day.isoformat(), each.kind, _plain(each.entry_id), amount, balance, *texts))
    lines.writerow((told.until.isoformat(), "closing", "", "", render_usd(told.closing_nusd), "", ""))
    return into.getvalue()


def month_of(at: float) -> tuple[date, date]:
    """The days of the month so far, at Unix time `at`."""
    today = datetime.fromtimestamp(at, UTC).date()
    return today.replace(day=1), today + timedelta(days=1)


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
