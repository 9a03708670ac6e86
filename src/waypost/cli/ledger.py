"""`waypost ledger`: whether the books are right, by themselves and against a provider's bill."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from waypost.cli.bill_options import BillFile, Columns, First, Last, Providers, Rows, Tolerance
from waypost.cli.exits import Exit
from waypost.cli.long_work import progressing
from waypost.cli.options import DEFAULT_DATA, Data, Json
from waypost.cli.output import OK, WRONG, fail, people, print_json, show_usd, table, visible
from waypost.cli.surroundings import open_database

if TYPE_CHECKING:
    from waypost.stores.sql.audit import Audited, Difference

app = typer.Typer(no_args_is_help=True, help="Check the books: accounts against lines, lines against bills.")

_WORDS = {
    "posted": "posted is not the sum of its lines",
    "lines": "counts other lines than it has",
    "leased": "leased is not the sum of its leases",
    "lost_lease": "is leased, and is no account",
    "negative": "is below zero",
    "negative_cost": "costs less than nothing",
    "no_line": "may have been billed, and has no line",
    "no_exchange": "has a line, and the request log does not know it",
}
_COUNTS = ("lines",)


@app.command()
def verify(data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Add up every line, and compare: accounts with their lines and their leases, lines with the request log.

    It reads in short slices, so it can be run beside a gateway. Exit code 1: something differs, and is named.

    Examples:

      waypost ledger verify

      waypost ledger verify --json | jq .differences
    """
    from waypost.stores.sql.audit import Audit

    database = open_database(data, create=False)
    if database is None:
        fail(f"There are no books in the folder {data}.", hint="Name the folder with --data.")
    try:
        with progressing("Adding up", "rows") as progress:
            found = Audit(database).run(progress.at)
    finally:
        database.close()
    if as_json:
        print_json(_view(found))
    else:
        _print(found)
    raise typer.Exit(Exit.REFUSED if found.wrong else Exit.OK)


@app.command()
def reconcile(
    provider: Providers,
    csv: BillFile,
    columns: Columns = None,
    first: First = None,
    last: Last = None,
    by: Rows = "both",
    tolerance: Tolerance = "1%",
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Compare a provider's bill with the ledger, per day and model. Exit code 1: a row, or all of it, differs by more.

    Days are those on which attempts began, in UTC. Models are compared without the day of their snapshot, whatever the
    order of the words: "Claude Haiku 4.5" is claude-haiku-4-5-20251001. Where requests at midnight fall on another day
    than on the bill, use --by model.

    Examples:

      waypost ledger reconcile --provider openai --csv cost_2026-11-01_2026-11-30.csv

      waypost ledger reconcile --provider anthropic --csv bill.csv --by model --tolerance 0.5%

      waypost ledger reconcile --provider lab --csv bill.csv --columns date=Day,model=SKU,cost=USD
    """
    from waypost.cli.reconciling import compare, print_compared, view

    asked = compare(data, provider, csv, columns, (first, last), by, tolerance)
    if as_json:
        print_json(view(asked))
    else:
        print_compared(asked)
    raise typer.Exit(Exit.OK if asked.found.within else Exit.REFUSED)


def _view(found: Audited) -> dict[str, object]:
    from waypost.core.money import render_usd

    return {
        "ok": not found.wrong,
        "accounts": found.accounts,
        "lines": found.lines,
        "cost_usd": render_usd(found.cost_nusd),
        "unpriced_lines": found.unpriced,
        "leased_usd": render_usd(found.leased_nusd),
        "wrong": found.wrong,
        "differences": [
            {"kind": each.kind, "subject": each.subject, "kept": each.kept, "counted": each.counted}
            for each in found.differences
        ],
    }


def _print(found: Audited) -> None:
    console = people()
    sign = WRONG if found.wrong else OK
    unpriced = f", {found.unpriced:,} of them at an unknown price" if found.unpriced else ""
    console.print(f"{sign} {found.lines:,} lines{unpriced}: {show_usd(found.cost_nusd)}")
    console.print(f"  {found.accounts:,} accounts, {show_usd(found.leased_nusd)} leased to nodes")
    if not found.wrong:
        console.print("  Every account is the sum of its lines and leases, and every line is known.")
        return
    shown = table("account or attempt", "what is wrong", "kept", "counted", right=("kept", "counted"))
    for each in found.differences:
        shown.add_row(visible(each.subject), _WORDS[each.kind], *_figures(each))
    console.print(shown)
    if found.wrong > len(found.differences):
        console.print(f"  and {found.wrong - len(found.differences):,} more")
    console.print("  → Keep a copy of the database (waypost db backup) and report this.", style="dim")


def _figures(each: Difference) -> tuple[str, str]:
    def shown(figure: int | None) -> str:
        if figure is None:
            return "–"
        return f"{figure:,}" if each.kind in _COUNTS else show_usd(figure)

    return shown(each.kept), shown(each.counted)
