"""`waypost db`: the database behind a gateway: brought up to date, backed up, restored, moved."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from waypost.cli.exits import Exit
from waypost.cli.long_work import progressing
from waypost.cli.options import DEFAULT_DATA, Data, Json, Yes
from waypost.cli.output import NOTE, OK, fail, people, print_json, show_time, show_usd, table, visible

if TYPE_CHECKING:
    from waypost.stores.sql.engine import Database
    from waypost.stores.sql.status import Status

app = typer.Typer(no_args_is_help=True, help="Upgrade, back up, restore and move the database.")
nodes = typer.Typer(no_args_is_help=True, help="Gateways that share a database.")
app.add_typer(nodes, name="nodes")

Replace = Annotated[
    bool, typer.Option("--replace", envvar="WAYPOST_DB_REPLACE", help="Replace what is there already.")
]


@app.command()
def upgrade(data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Bring the tables up to date for this version. `waypost serve` does the same when it starts.

    Where several gateways share a database, it may be run while those of the version before still serve.

    Example: waypost db upgrade
    """
    from waypost.cli.surroundings import open_database
    from waypost.stores.sql.schema import HEAD, revision_of

    with _opened(data) as database, database.read() as connection:
        before = revision_of(connection)
    changed = open_database(data, create=False)
    assert changed is not None  # noqa: S101 - it was there
    changed.close()
    if as_json:
        print_json({"from": before, "to": HEAD})
    elif before == HEAD:
        people().print(f"{OK} The database is at revision {HEAD}, the newest.")
    else:
        people().print(f"{OK} The database was at revision {before or 'none'}, and is at {HEAD} now.")


@app.command()
def status(data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Show kind, revision, size and rows of the database, and the nodes that share it. Nothing is changed.

    Examples:

      waypost db status

      waypost db status --json | jq .rows.lines
    """
    from waypost.stores.sql.status import status_of

    with _opened(data) as database:
        found = status_of(database)
    if as_json:
        print_json(found)
        return
    _print_status(found)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it.")],
    replace: Replace = False,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Copy the SQLite database to one file, consistent and for your eyes only, while the gateway goes on.

    Its SHA-256 is written beside it, in FILE.sha256. A PostgreSQL server is backed up by its own tools: the command is
    printed, and nothing is done.

    Examples:

      waypost db backup /backups/waypost-2026-11-26.db

      waypost db backup /backups/latest.db --replace --json
    """
    from waypost.stores.sql.backup import write_backup

    _only_sqlite(f"pg_dump --format=custom --file={file} {{label}}")
    with progressing("Copying", "pages") as told:
        made = write_backup(data, file, replace=replace, progress=told.at)
    if as_json:
        print_json(made)
        return
    console = people()
    console.print(OK, visible(f"{made.file}: {_size(made.size)}, revision {made.revision}"))
    console.print("  Clients' files and batches are in the folders files/ and batches/: copy them along.")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `waypost db backup` wrote.")],
    replace: Replace = False,
    without_sum: Annotated[
        bool,
        typer.Option(
            "--without-sum", envvar="WAYPOST_DB_WITHOUT_SUM", help="Take a backup whose FILE.sha256 is lost."
        ),
    ] = False,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Put a backup into a data folder that no gateway serves from. It is checked first, whole.

    A database that is there is left alone, or with --replace kept beside the restored one. Keys that were revoked after
    the backup was made are valid again.

    Examples:

      waypost db restore /backups/waypost-2026-11-26.db --data ./data

      waypost db restore /backups/latest.db --replace
    """
    from datetime import UTC, datetime

    from waypost.app.clock import SystemClock
    from waypost.stores.sql.backup import restore_backup

    _only_sqlite(f"pg_restore --clean --if-exists --single-transaction --dbname={{label}} {file}")
    stamp = datetime.fromtimestamp(SystemClock.wall(), UTC).strftime("%Y%m%dT%H%M%SZ")
    found, aside = restore_backup(file, data, stamp=stamp, replace=replace, without_sum=without_sum)
    if as_json:
        print_json({"file": found.file, "revision": found.revision, "kept": aside and str(aside)})
        return
    console = people()
    console.print(OK, visible(f"{found.file} is restored to {data}. Start: waypost serve --data {data}"))
    if aside is not None:
        console.print(NOTE, visible(f"What was there is kept as {aside}. Delete it when nobody misses it."))
    console.print(f"{NOTE} Keys that were revoked after the backup are valid again: waypost keys list")


@app.command()
def copy(
    to: Annotated[
        str,
        typer.Option(
            envvar="WAYPOST_DB_COPY_TO",
            metavar="URL",
            help="postgresql://user@host/database, as WAYPOST_DATABASE_URL. The password's variables hold for it, too.",
        ),
    ],
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Move from SQLite to PostgreSQL: copy every row to a new database there, and compare. Stop the gateway first.

    It is all or nothing, and the SQLite file is not changed. Afterwards, start the gateway on the same data folder with
    WAYPOST_DATABASE_URL set.

    Example: waypost db copy --to postgresql://waypost@db.internal/waypost
    """
    from waypost.cli.moving import move

    moved, label = move(data, to)
    if as_json:
        print_json({"to": label, "tables": {each.table: each.rows for each in moved}})
        return
    console = people()
    shown = table("table", "rows", right=("rows",))
    for each in moved:
        shown.add_row(each.table, f"{each.rows:,}")
    console.print(shown)
    console.print(OK, visible(f"Everything is in {label}, and the sums are the same."))
    console.print(f"  Go on with: WAYPOST_DATABASE_URL={label} waypost serve --data {data}", markup=False)


@nodes.command()
def forget(
    node: Annotated[str, typer.Argument(metavar="NODE", help="Its name, from `waypost db status`.")],
    yes: Yes = False,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Give back what a node had leased of budgets that will never come back. What it had spent and not posted is lost.

    A node whose data folder is still there is better started once more: then its intents files are posted.

    Example: waypost db nodes forget 3f2a9c1b7d04
    """
    from waypost.app.clock import SystemClock
    from waypost.stores.sql.status import forget_node

    if not yes:
        typer.confirm(f"Is the node {node} gone for good, with its data folder?", abort=True, err=True)
    with _opened(data) as database:
        back = forget_node(database, node, SystemClock.wall())
    if as_json:
        print_json({"node": node, "accounts": len(back), "given_back_nano_usd": dict(back)})
    else:
        told = f"{node} is forgotten. What it had leased of {len(back)} accounts is free again."
        people().print(OK, visible(told))


@app.command()
def reseal(data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Seal all secrets with the newest root key, after it was put before the older ones. A running gateway does the
    same once an hour; when none is left, the older keys can go.

    Example: WAYPOST_ROOT_KEY="NEW OLD" waypost db reseal
    """
    from waypost.app.clock import SystemClock
    from waypost.stores.root_key import root_keys
    from waypost.stores.sealing import Seals
    from waypost.stores.sql.credentials import reseal_credentials
    from waypost.stores.sql.objects import ObjectRows
    from waypost.stores.sql.people import PasswordRows

    with _opened(data) as database:
        seals = Seals(root_keys(data, os.environ), os.urandom)
        factors = PasswordRows(database, seals).reseal()
        credentials = reseal_credentials(ObjectRows(database, SystemClock.wall), seals)
    if as_json:
        left = list(credentials.left)
        print_json({"second_factors": factors, "credentials": credentials.done, "left": left})
    elif not credentials.left:
        told = (
            f"{factors} second factors and {credentials.done} credentials were sealed anew. Nothing is left."
        )
        people().print(OK, told)
    if credentials.left:
        fail(
            f"{len(credentials.left)} credentials are sealed with a root key that is not here, or were changed "
            f"meanwhile: {', '.join(credentials.left[:5])}.",
            hint="Add the older root key behind the newest one, and run it again; or set these credentials again.",
        )


def _opened(data: Path) -> _Closing:
    """The database as it is, without a change to its tables; ends the command when there is none."""
    from waypost.stores.sql.address import address_from, secret_from
    from waypost.stores.sql.engine import open_sqlite
    from waypost.stores.sql.sqlite_file import FILE_NAME

    address = address_from(os.environ)
    if address is not None:
        from waypost.stores.sql.postgres import open_postgres

        return _Closing(open_postgres(address, secret_from(os.environ)))
    if not (data / FILE_NAME).exists():
        fail(f"There is no database in the folder {data}.", hint="Name the folder with --data.")
    return _Closing(open_sqlite(data))


class _Closing:
    """A database for the length of a `with`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> Database:
        return self._database

    def __exit__(self, *_: object) -> None:
        self._database.close()


def _only_sqlite(command: str) -> None:
    from waypost.stores.sql.address import address_from

    address = address_from(os.environ)
    if address is not None:
        told = command.format(label=address.label)
        fail("A PostgreSQL server is backed up and restored by its own tools.", Exit.USAGE, hint=told)


def _print_status(found: Status) -> None:
    console = people()
    kind = "SQLite" if found.kind == "sqlite" else "PostgreSQL"
    sign = OK if found.revision == found.newest else NOTE
    console.print(f"{sign} {kind}, revision {found.revision or 'none'}, {_size(found.size)}")
    if found.revision != found.newest:
        console.print(f"  This version works with revision {found.newest}: waypost db upgrade")
    shown = table("table", "rows", right=("rows",))
    for name, rows in found.rows.items():
        shown.add_row(name, f"{rows:,}")
    console.print(shown)
    if found.nodes:
        shown = table("node", "host", "version", "started (UTC)", "seen (UTC)", "leased", right=("leased",))
        for node in found.nodes:
            times = show_time(node.started_at), show_time(node.seen_at)
            shown.add_row(node.node, visible(node.name), node.version, *times, show_usd(node.leased_nusd))
        console.print()
        console.print(shown)


def _size(size: int) -> str:
    return f"{size / 1024**2:,.1f} MiB"
