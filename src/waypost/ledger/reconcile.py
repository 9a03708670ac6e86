"""A provider's bill against the ledger's lines: what differs, by day and model."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Final, Literal, TypeAlias

import msgspec

from waypost.ledger.bills import Charge, folded

By = Literal["day", "model", "both"]
#: A difference up to this is none: bills are rounded to cents.
CENT: Final = 10_000_000
_Group: TypeAlias = tuple[date | None, str | None]


class Booked(msgspec.Struct, frozen=True):
    """What the ledger has for a model on a day in UTC."""

    day: date
    model: str
    cost_nusd: int
    lines: int
    unpriced: int = 0
    """Of the lines, those whose price is not known."""
    guessed_nusd: int = 0
    """Of the cost, what was counted here and not reported by the provider."""


class Compared(msgspec.Struct, frozen=True):
    """One row of the comparison. `day` and `model` are None where all of them are added up."""

    day: date | None
    model: str | None
    billed_nusd: int
    booked_nusd: int
    guessed_nusd: int
    lines: int
    unpriced: int
    within: bool

    @property
    def difference_nusd(self) -> int:
        """What the bill has above the ledger."""
        return self.billed_nusd - self.booked_nusd


class Reconciled(msgspec.Struct, frozen=True):
    """A bill against the ledger."""

    rows: tuple[Compared, ...]
    total: Compared
    models_told: bool
    """Whether the bill tells models; else only days are compared."""

    @property
    def within(self) -> bool:
        """Whether nothing differs by more than is tolerated."""
        return self.total.within and all(row.within for row in self.rows)


def reconcile(
    charges: Iterable[Charge], booked: Iterable[Booked], *, tolerance: Decimal, by: By = "both"
) -> Reconciled:
    """Compare. A row is within the `tolerance`, a share of what was billed, or within a cent."""
    charged = tuple(charges)
    models_told = any(charge.model for charge in charged) or not charged
    if not models_told:
        by = "day"
    rows: dict[_Group, _Row] = {}
    total = _Row()
    for charge in charged:
        row = _of(rows, _group(charge.day, charge.model, by))
        row.name = row.name or charge.model
        row.billed += charge.cost_nusd
        total.billed += charge.cost_nusd
    for each in booked:
        row = _of(rows, _group(each.day, each.model, by))
        row.name = each.model  # as it is called here
        row.add(each)
        total.add(each)
    compared = tuple(
        rows[group].compared(group[0], None if group[1] is None else rows[group].name, tolerance)
        for group in sorted(rows, key=_order)
    )
    return Reconciled(compared, total.compared(None, None, tolerance), models_told)


class _Row:
    __slots__ = ("billed", "booked", "guessed", "lines", "name", "unpriced")

    def __init__(self) -> None:
        self.billed = self.booked = self.guessed = self.lines = self.unpriced = 0
        self.name = ""

    def add(self, booked: Booked) -> None:
        self.booked += booked.cost_nusd
        self.guessed += booked.guessed_nusd
        self.lines += booked.lines
        self.unpriced += booked.unpriced

    def compared(self, day: date | None, model: str | None, tolerance: Decimal) -> Compared:
        allowed = max(Decimal(CENT), abs(self.billed) * tolerance)
        within = abs(self.billed - self.booked) <= allowed
        return Compared(day, model, self.billed, self.booked, self.guessed, self.lines, self.unpriced, within)


def _of(rows: dict[_Group, _Row], group: _Group) -> _Row:
    row = rows.get(group)
    if row is None:
        row = rows[group] = _Row()
    return row


def _order(group: _Group) -> tuple[date, str]:
    return group[0] or date.min, group[1] or ""


def _group(day: date, model: str, by: By) -> _Group:
    return (None if by == "model" else day, None if by == "day" else folded(model))
