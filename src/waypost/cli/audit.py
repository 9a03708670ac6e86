"""`waypost audit`: who changed what, and whether anybody changed the record of it."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from waypost.cli.amounts import parse_moment, parse_span
from waypost.cli.exits import Exit
from waypost.cli.long_work import progressing
from waypost.cli.options import DEFAULT_DATA, Data, Json
from waypost.cli.output import OK, WRONG, fail, people, print_json, show_time, table, visible
from waypost.cli.surroundings import open_database

if TYPE_CHECKING:
    from pathlib import Path

    from waypost.core.deed import Kept, Wanted
    from waypost.stores.sql.chain import Fault, Head, Verified
    from waypost.stores.sql.engine import Database

app = typer.Typer(
    no_args_is_help=True,
    help="Read the audit log, and verify that nobody changed it.\n\n"
    "Every change from the control API and from the command line has a row, written together with the change.",
)

_HEAD = re.compile(r"(?:(\d{1,18}):)?([0-9a-f]{64})")
_WORDS = {
    "altered": "row {seq}, or the one before it, is not what was written",
    "missing": "{count} rows from {seq} on are not there",
    "cut": "the log ends elsewhere than it was written to: {count} rows differ, from {seq} on",
    "anchor": "no row tells that rows up to {seq} were dropped",
    "head": "the head that was kept elsewhere is not in the log: rows were cut off, or all of it was made anew",
    "dropped_head": "the head that was kept elsewhere, {seq}, is of a row that was dropped by now: take a newer one",
}
_COLUMNS = ("seq", "at", "actor", "via", "organization", "action", "kind", "id", "name", "outcome", "changes",
            "request_id", "address", "hash")  # fmt: skip

Since = Annotated[
    str | None,
    typer.Option(
        "--since", envvar="WAYPOST_AUDIT_SINCE", metavar="TIME", help="From then on: 7d, or 2027-01-31."
    ),
]
Until = Annotated[
    str | None,
    typer.Option(
        "--until",
        envvar="WAYPOST_AUDIT_UNTIL",
        metavar="TIME",
        help="Before then: 1h ago as 1h, or 2027-01-31.",
    ),
]
Actor = Annotated[
    str | None,
    typer.Option(
        "--actor",
        envvar="WAYPOST_AUDIT_ACTOR",
        metavar="ACTOR",
        help="Who did it: user:ID, service:ID, operator.",
    ),
]
Action = Annotated[
    str | None,
    typer.Option(
        "--action",
        envvar="WAYPOST_AUDIT_ACTION",
        metavar="ACTION",
        help="Operation or command, such as create_key.",
    ),
]
Of = Annotated[
    str | None,
    typer.Option(
        "--object", envvar="WAYPOST_AUDIT_OBJECT", metavar="OBJECT", help="Id or name of what was changed."
    ),
]
Home = Annotated[
    str | None,
    typer.Option(
        "--org", envvar="WAYPOST_AUDIT_ORG", metavar="ORG", help="Of this organization, by its id or name."
    ),
]


@app.command("list")
def list_rows(
    since: Since = None,
    until: Until = None,
    actor: Actor = None,
    action: Action = None,
    of: Of = None,
    org: Home = None,
    limit: Annotated[
        int,
        typer.Option(
            "--limit",
            envvar="WAYPOST_AUDIT_LIMIT",
            min=1,
            max=10_000,
            metavar="N",
            help="At most so many, the newest.",
        ),
    ] = 50,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """List what was done, newest first.

    Examples:

      waypost audit list --since 7d --actor operator

      waypost audit list --object app --json
    """
    from waypost.stores.sql.audit_log import AuditRows

    database = _opened(data)
    found = AuditRows(database).page(_wanted(data, since, until, actor, action, of, org), None, limit)
    if as_json:
        for kept in found:
            print_json(_view(kept))
        return
    if not found:
        people().print("Nothing was done that fits.", markup=False)
        return
    shown = table("row", "at (UTC)", "who", "via", "action", "what", "outcome", "changed", right=("row",))
    for kept in found:
        entry = kept.entry
        what = f"{entry.kind} {entry.name or entry.object_id}".strip()
        cells = (entry.actor or "–", entry.via or "–", entry.action, what, entry.outcome, entry.changes)
        shown.add_row(str(entry.seq), show_time(entry.at_us / 1e6), *map(visible, cells))
    people().print(shown)


@app.command()
def export(
    form: Annotated[
        Literal["jsonl", "csv"],
        typer.Option(
            "--format", envvar="WAYPOST_AUDIT_FORMAT", help="A JSON document a line, or a CSV table."
        ),
    ] = "jsonl",
    since: Since = None,
    until: Until = None,
    actor: Actor = None,
    action: Action = None,
    of: Of = None,
    org: Home = None,
    data: Data = DEFAULT_DATA,
) -> None:
    """Print the log, oldest row first, for a file or another system.

    Examples:

      waypost audit export > audit.jsonl

      waypost audit export --format csv --since 2027-01-01 --until 2027-02-01 > january.csv
    """
    from waypost.stores.sql.audit_log import AuditRows

    database = _opened(data)
    found = AuditRows(database).oldest_first(_wanted(data, since, until, actor, action, of, org))
    if form == "jsonl":
        for kept in found:
            print_json(_view(kept))
        return
    import csv

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for kept in found:
        view = {**_view(kept), "changes": kept.entry.changes}
        writer.writerow([_cell(view[column]) for column in _COLUMNS])


@app.command()
def verify(
    from_head: Annotated[
        str | None,
        typer.Option(
            "--from-head",
            envvar="WAYPOST_AUDIT_HEAD",
            metavar="HEAD",
            help="A head that an earlier verify printed, and that was kept elsewhere: NUMBER:HASH, or HASH.",
        ),
    ] = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Verify that no row was altered, removed or moved. Exit code 1: one was, and is named.

    Whoever can write to the database could make all of it anew. Keep the head elsewhere, and show it the next time.

    Examples:

      waypost audit verify

      waypost audit verify --from-head 1042:5f0c… --json
    """
    from waypost.stores.sql import chain

    head = None if from_head is None else _head(from_head)
    database = _opened(data)
    try:
        with progressing("Verifying", "rows") as progress:
            found = chain.verify(database, head, progress.at)
    finally:
        database.close()
    if as_json:
        print_json(_told(found))
    else:
        _print(found, head is not None)
    raise typer.Exit(Exit.REFUSED if found.wrong else Exit.OK)


def _opened(data: Path) -> Database:
    database = open_database(data, create=False)
    if database is None:
        fail(f"There is no gateway data in the folder {data}.", hint="Name the folder with --data.")
    return database


def _wanted(
    data: Path,
    since: str | None,
    until: str | None,
    actor: str | None,
    action: str | None,
    of: str | None,
    org: str | None,
) -> Wanted:
    from waypost.cli.directory import open_book
    from waypost.core.deed import Wanted

    return Wanted(
        organization_id=None if org is None else open_book(data).organization(org).id,
        since_us=_us(since, "--since"),
        until_us=_us(until, "--until"),
        actor=actor,
        action=action,
        of=of,
    )


def _us(text: str | None, option: str) -> int | None:
    """A date, or so long ago."""
    from waypost.app.clock import SystemClock

    if text is None:
        return None
    at = parse_moment(text, option) if "-" in text else SystemClock.wall() - parse_span(text, option)
    return int(at * 1_000_000)


def _head(text: str) -> Head:
    from waypost.stores.sql.chain import Head

    match = _HEAD.fullmatch(text.lower())
    if match is None:
        fail(
            f"--from-head {text!r} is not a head.",
            Exit.USAGE,
            "It is what `waypost audit verify` prints: NUMBER:HASH.",
        )
    return Head(bytes.fromhex(match[2]), None if match[1] is None else int(match[1]))


def _view(kept: Kept) -> dict[str, object]:
    import msgspec

    entry = kept.entry
    return {
        "seq": entry.seq,
        "at": entry.at_us / 1e6,
        "at_us": entry.at_us,
        "actor": entry.actor,
        "via": entry.via,
        "organization": entry.organization_id,
        "action": entry.action,
        "kind": entry.kind,
        "id": entry.object_id,
        "name": entry.name,
        "outcome": entry.outcome,
        "changes": msgspec.Raw(entry.changes.encode()),
        "request_id": entry.request_id,
        "address": entry.address,
        "hash": kept.hash.hex(),
    }


def _cell(value: object) -> object:
    """A spreadsheet takes some beginnings of a text for a formula."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value


def _told(found: Verified) -> dict[str, object]:
    return {
        "ok": not found.wrong,
        "rows": found.rows,
        "first": found.first,
        "last": found.last,
        "head": f"{found.last}:{found.head.hex()}",
        "dropped_up_to": found.anchor,
        "wrong": found.wrong,
        "faults": [
            {"kind": each.kind, "seq": each.seq, "count": each.count, "says": _says(each)}
            for each in found.faults
        ],
    }


def _says(fault: Fault) -> str:
    return _WORDS[fault.kind].format(seq=fault.seq, count=fault.count)


def _print(found: Verified, with_head: bool) -> None:
    console = people()
    dropped = f"; those up to {found.anchor} were dropped" if found.anchor else ""
    console.print(f"{WRONG if found.wrong else OK} {found.rows:,} rows, up to {found.last}{dropped}")
    for each in found.faults:
        console.print(f"  {WRONG} {_says(each)}", markup=True)
    if found.wrong > len(found.faults):
        console.print(f"  and {found.wrong - len(found.faults):,} more")
    if found.wrong:
        return
    end = "and the head that was kept elsewhere is among them" if with_head else "and none is missing"
    console.print(f"  Every row is what was written, {end}.")
    console.print(f"  head {found.last}:{found.head.hex()}")
    console.print("  → Keep the head elsewhere, and show it with --from-head the next time.", style="dim")
