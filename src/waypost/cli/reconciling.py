"""What `waypost ledger reconcile` does: a bill read, the ledger added up, the two compared and shown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

import msgspec

from waypost.cli.exits import Exit
from waypost.cli.long_work import progressing
from waypost.cli.output import NOTE, OK, WRONG, fail, people, show_usd, table, visible
from waypost.cli.surroundings import open_database
from waypost.ledger.bills import Bill, Layout, parse_columns, read_bill
from waypost.ledger.reconcile import Booked, By, Compared, Reconciled, reconcile

if TYPE_CHECKING:
    from waypost.stores.sql.engine import Database


class Asked(msgspec.Struct, frozen=True):
    """A comparison, and what it was of."""

    providers: tuple[str, ...]
    bill: Bill
    first: date
    last: date
    found: Reconciled


def compare(
    data: Path,
    providers: Sequence[str],
    csv: Path,
    columns: str | None,
    days: tuple[str | None, str | None],
    by: str,
    tolerance: str,
) -> Asked:
    """Ends the command for an option that is wrong. Raises ConfigError and StoreUnavailable."""
    if by not in get_args(By):
        fail(f"--by {by!r} is not one of {', '.join(get_args(By))}.", Exit.USAGE)
    share = _share(tolerance)
    first, last = _day(days[0], "--from"), _day(days[1], "--to")
    bill = _read(csv, None if columns is None else parse_columns(columns))
    billed = bill.days
    first, last = first or (billed[0] if billed else None), last or (billed[-1] if billed else None)
    if first is None or last is None:
        fail(f"Nothing is charged in {csv}.", hint="Say which days to compare: --from and --to.")
    if first > last:
        fail(f"--from {first} is after --to {last}.", Exit.USAGE)
    charges = [charge for charge in bill.charges if first <= charge.day <= last]
    database = open_database(data, create=False)
    if database is None:
        fail(f"There are no books in the folder {data}.", hint="Name the folder with --data.")
    try:
        lines = _booked(database, providers, first, last)
    finally:
        database.close()
    found = reconcile(charges, lines, tolerance=share, by=cast(By, by))
    return Asked(tuple(providers), bill, first, last, found)


def view(asked: Asked) -> dict[str, object]:
    """The comparison as JSON."""
    found = asked.found
    return {
        "ok": found.within,
        "providers": asked.providers,
        "layout": asked.bill.layout,
        "from": asked.first,
        "to": asked.last,
        "bill_rows": asked.bill.rows,
        "bill_rows_without_cost": asked.bill.without_cost,
        "bill_names_models": found.models_told,
        "total": _row(found.total),
        "rows": [_row(row) for row in found.rows],
    }


def print_compared(asked: Asked) -> None:
    """The comparison for people."""
    console, found = people(), asked.found
    right = ("billed", "ledger", "difference", "%", "lines", "unpriced")
    shown = table("", "day", "model", *right, right=right)
    for row in (*found.rows, found.total):
        day = "all" if row is found.total else str(row.day or "all")
        shown.add_row(OK if row.within else WRONG, day, visible(row.model or "–"), *_figures(row))
    console.print(shown)
    total = found.total
    if not found.models_told:
        console.print(f"{NOTE} The bill names no models: only days are compared.")
    if total.unpriced:
        console.print(
            f"{NOTE} {total.unpriced:,} of {total.lines:,} lines have no known price, and count as nothing here."
        )
    if total.guessed_nusd:
        console.print(f"{NOTE} {show_usd(total.guessed_nusd)} of the ledger is estimated, not reported.")
    if asked.bill.without_cost:
        console.print(f"{NOTE} {asked.bill.without_cost:,} rows of the bill say no amount.")


def _figures(row: Compared) -> tuple[str, ...]:
    share = "–" if not row.billed_nusd else f"{row.difference_nusd / row.billed_nusd:+.2%}"
    return (
        _usd(row.billed_nusd),
        _usd(row.booked_nusd),
        _usd(row.difference_nusd),
        share,
        f"{row.lines:,}",
        f"{row.unpriced:,}" if row.unpriced else "–",
    )


def _usd(nano: int) -> str:
    """To the hundredth of a cent."""
    return f"{'-' if nano < 0 else ''}${abs(Decimal(nano)) / 10**9:,.4f}"


def _row(row: Compared) -> dict[str, object]:
    from waypost.core.money import render_usd

    return {
        "day": row.day,
        "model": row.model,
        "billed_usd": render_usd(row.billed_nusd),
        "ledger_usd": render_usd(row.booked_nusd),
        "difference_usd": render_usd(row.difference_nusd),
        "estimated_usd": render_usd(row.guessed_nusd),
        "lines": row.lines,
        "unpriced_lines": row.unpriced,
        "ok": row.within,
    }


def _booked(database: Database, providers: Sequence[str], first: date, last: date) -> Sequence[Booked]:
    from waypost.stores.sql.booked import booked

    with progressing("Adding up", "lines") as told:
        return booked(database, frozenset(providers), first, last, told.at)


def _read(csv: Path, columns: Layout | None) -> Bill:
    import os

    try:
        with csv.open(encoding="utf-8-sig", newline="") as file:
            return read_bill(file, columns)
    except OSError as error:
        fail(f"{csv} can not be read ({os.strerror(error.errno or 5)}).")


def _day(text: str | None, option: str) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        fail(f"{option} {text!r} is not a date.", Exit.USAGE, "Write it like 2026-11-26.")


def _share(text: str) -> Decimal:
    try:
        share = Decimal(text.removesuffix("%")) / 100
    except InvalidOperation:
        share = Decimal(-1)
    if not 0 <= share <= 1:
        fail(f"--tolerance {text!r} is not a per cent from 0 to 100.", Exit.USAGE, "Write it like 1%.")
    return share
