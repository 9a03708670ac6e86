"""`waypost usage`: what was used and spent, added up by whatever is asked for."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, cast

import typer

from waypost.cli.amounts import parse_moment, parse_span
from waypost.cli.directory import Book, open_book, texts
from waypost.cli.exits import Exit
from waypost.cli.options import DEFAULT_DATA, Data, Json
from waypost.cli.output import fail, people, print_json, show_usd, table, visible
from waypost.cli.surroundings import open_database
from waypost.core.spend import BY, BY_MOST, PARTS, TIMES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from waypost.core.spend import By, Named, Wanted

_SLICE = 5000
_HOUR_S = 3600
_FIGURES = ("requests", "errors", "input", "cached", "output", "reasoning")
#: What is not counted in tokens, where there is any of it.
_UNITS = {"audio_ms": "minutes heard", "characters": "characters", "images": "images", "searches": "searches"}


What = Annotated[
    list[str] | None,
    typer.Option(
        "--by",
        envvar="WAYPOST_USAGE_BY",
        metavar="WHAT",
        help=f"Add up by this: {', '.join(BY)}. Again, or with commas, for more. Default: all in one line.",
    ),
]
Since = Annotated[
    str | None,
    typer.Option(
        "--since",
        envvar="WAYPOST_USAGE_SINCE",
        metavar="TIME",
        help="From then on, to the hour: 7d, or 2027-01-31. Default: the first of this month.",
    ),
]
Until = Annotated[
    str | None,
    typer.Option(
        "--until",
        envvar="WAYPOST_USAGE_UNTIL",
        metavar="TIME",
        help="Before then, to the hour: 1d, or 2027-01-31. Default: now.",
    ),
]
Home = Annotated[
    str | None,
    typer.Option(
        "--org",
        envvar="WAYPOST_USAGE_ORG",
        metavar="ORG",
        help="Of this organization, by its id or name. Default: of all.",
    ),
]
Csv = Annotated[
    bool, typer.Option("--csv", envvar="WAYPOST_CSV", help="Print a CSV table, and nothing else.")
]


def usage(
    by: What = None,
    since: Since = None,
    until: Until = None,
    org: Home = None,
    as_table: Csv = False,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Show what was used and spent: requests, errors, tokens and cost.

    Days and hours are those in which attempts began, in UTC. What is settled is counted within a second.

    Examples:

      waypost usage --by team --since 7d

      waypost usage --by day,model --org acme --csv > usage.csv

      waypost usage --by key --since 2027-01-01 --until 2027-02-01 --json
    """
    if as_json and as_table:
        fail("--json and --csv are two ways to print the same.", Exit.USAGE, "Choose one.")
    asked = _asked(by)
    book = open_book(data)
    wanted = _wanted(book, asked, since, until, org)
    lines = _lines(data, book, wanted)
    if as_table:
        from waypost.core.spend import as_csv

        sys.stdout.write(as_csv(asked, lines))
    elif as_json:
        for line in lines:
            print_json(_view(asked, line))
    else:
        _print(asked, lines)


def _asked(by: Sequence[str] | None) -> tuple[By, ...]:
    told = texts(by)
    for each in told:
        if each not in BY:
            fail(f"--by {each!r} is nothing to add up by.", Exit.USAGE, f"Known: {', '.join(BY)}.")
    if len(set(told)) < len(told) or len(told) > BY_MOST or len(PARTS & set(told)) > 1:
        fail(f"--by takes up to {BY_MOST} different ones, and of tag and end_user only one.", Exit.USAGE)
    return cast("tuple[By, ...]", told)


def _wanted(book: Book, by: tuple[By, ...], since: str | None, until: str | None, org: str | None) -> Wanted:
    from datetime import datetime, time

    from waypost.core.spend import Wanted
    from waypost.core.statement import month_of

    if since is None:
        begin = parse_moment(datetime.combine(month_of(book.now)[0], time()).isoformat(), "--since")
    else:
        begin = _moment(book, since, "--since")
    return Wanted(
        by=by,
        organization_id=None if org is None else book.organization(org).id,
        since_hour=int(begin // _HOUR_S),
        until_hour=None if until is None else int(_moment(book, until, "--until") // _HOUR_S),
    )


def _moment(book: Book, text: str, option: str) -> float:
    return parse_moment(text, option) if "-" in text else book.now - parse_span(text, option)


def _lines(data: Path, book: Book, wanted: Wanted) -> list[Named]:
    """All of them: by time, and what cost most first."""
    from waypost.admin.usage import named
    from waypost.stores.sql.usage import UsageRows

    database = open_database(data, create=False)
    assert database is not None  # noqa: S101 - the directory was read from it
    rows, found, after = UsageRows(database), [], None
    try:
        while True:
            page = rows.page(wanted, after, _SLICE)
            found += [named(book.directory, wanted.by, each) for each in page]
            if len(page) < _SLICE or not wanted.by:
                break
            after = page[-1].ids
    finally:
        database.close()
    times = [place for place, each in enumerate(wanted.by) if each in TIMES]
    found.sort(key=lambda line: ([line.ids[place] for place in times], -line.spend.cost_nusd, line.names))
    return found


def _view(by: Sequence[By], line: Named) -> dict[str, object]:
    import msgspec

    from waypost.core.money import render_usd

    group: dict[str, object] = {}
    for each, found, name in zip(by, line.ids, line.names, strict=True):
        group[each] = name
        if each not in TIMES:
            group[f"{each}_id"] = found
    return {
        **group,
        **msgspec.structs.asdict(line.spend),
        "cost_usd": render_usd(line.spend.cost_nusd),
    }


def _print(by: Sequence[By], lines: Sequence[Named]) -> None:
    console = people()
    if not lines or (not by and not lines[0].spend.requests and not lines[0].spend.attempts):
        console.print("Nothing was used in this time.", markup=False)
        return
    units = [name for name in _UNITS if any(getattr(line.spend, name) for line in lines)]
    heads = (*_FIGURES, *(_UNITS[name] for name in units), "cost")
    shown = table(*(each.replace("_", " ") for each in by), *heads, right=heads)
    unpriced = 0
    for line in lines:
        spend = line.spend
        unpriced += spend.unpriced
        tokens = (spend.input_tokens, spend.cache_read_tokens, spend.output_tokens, spend.reasoning_tokens)
        figures = (spend.requests, spend.errors, *tokens)
        beside = (
            f"{spend.audio_ms / 60_000:,.2f}" if name == "audio_ms" else f"{getattr(spend, name):,}"
            for name in units
        )
        cells = [visible(name or "–") for name in line.names]
        unknown = spend.unpriced == spend.attempts > 0
        cost = show_usd(None if unknown else spend.cost_nusd)
        shown.add_row(*cells, *(f"{each:,}" for each in figures), *beside, cost)
    console.print(shown)
    if unpriced:
        console.print(f"{unpriced:,} attempts have no known price, and are not in the cost.", markup=False)
