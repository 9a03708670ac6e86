"""Where organizations are that a command reads or changes: in the data folder, or at a gateway elsewhere."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from waypost.cli.org_book import Orgs

Elsewhere = Annotated[
    str | None,
    typer.Option(
        "--url",
        envvar="WAYPOST_CONTROL_URL",
        metavar="URL",
        help="Base URL of a gateway to do this at, over its control API, in place of the data folder.",
    ),
]
ApiToken = Annotated[
    str | None,
    typer.Option(
        "--token",
        envvar="WAYPOST_CONTROL_TOKEN",
        metavar="TOKEN",
        help="Token of the control API for --url: wp-api-…. Better set by its variable.",
    ),
]


@contextmanager
def open_orgs(data: Path, url: str | None, token: str | None, *, create: bool) -> Iterator[Orgs | None]:
    """The organizations there; None when the data folder has nothing, and nothing is to be made in it."""
    if url is None:
        from waypost.cli.directory import find_book
        from waypost.cli.org_book import OrgBook

        book = find_book(data, create=create)
        yield None if book is None else OrgBook(book, secrets.token_bytes)
        return
    from waypost.app.clock import SystemClock
    from waypost.cli.control import Counter, Door
    from waypost.cli.org_remote import RemoteOrgs

    with Counter(Door(url, token)) as counter:
        yield RemoteOrgs(counter.answer, SystemClock.wall())
