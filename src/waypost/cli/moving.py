"""What `waypost db copy` does: both databases opened, both kept still, everything copied."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from waypost.cli.exits import Exit
from waypost.cli.long_work import progressing
from waypost.cli.output import fail

if TYPE_CHECKING:
    from waypost.stores.sql.moving import Moved


def move(data: Path, url: str, environ: Mapping[str, str] = os.environ) -> tuple[tuple[Moved, ...], str]:
    """Copy the SQLite database of a data folder to the PostgreSQL database at `url`: what was copied, and where to.

    Raises ConfigError, StoreUnavailable and Bug; then nothing is changed.
    """
    from waypost.stores.node import node_of
    from waypost.stores.sql.address import parse_address, secret_from
    from waypost.stores.sql.moving import STATEMENT_S, copy_rows
    from waypost.stores.sql.opening import open_database
    from waypost.stores.sql.postgres_link import Connector
    from waypost.stores.sql.sqlite_file import FILE_NAME
    from waypost.stores.sql.variables import URL
    from waypost.stores.stopped import StoppedFolder

    if environ.get(URL):
        fail(f"{URL} is set, so this gateway works on PostgreSQL already.", Exit.USAGE, hint=f"unset {URL}")
    address = parse_address(url)
    if not (data / FILE_NAME).is_file():
        fail(f"There is no database in the folder {data}.", hint="Name the folder with --data.")
    with closing(StoppedFolder(data)):
        source = open_database(data, {})
        assert source is not None  # noqa: S101 - it makes one
        with closing(source):
            target = open_database(
                data, {**environ, URL: url}
            )  # its tables are made, and the node gets a name
            assert target is not None  # noqa: S101 - it makes one
            target.close()
            connector = Connector(address, secret_from(environ), statement_s=STATEMENT_S)
            with progressing("Copying", "rows") as told:
                moved = copy_rows(
                    source,
                    connector,
                    node_of(data),
                    lambda name, done, total: told.at(done, total, f"Copying {name}"),
                )
    return moved, address.label
