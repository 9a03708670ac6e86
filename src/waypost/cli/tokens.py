"""`waypost tokens`: what programs show to the control API."""

from __future__ import annotations

from typing import Annotated

import typer

from waypost.cli.amounts import parse_end
from waypost.cli.directory import Book, open_book, print_gone, print_issued, print_list, texts
from waypost.cli.directory_options import DEFAULT_ORG, Org
from waypost.cli.exits import Exit
from waypost.cli.options import DEFAULT_DATA, Data, Json, end_option
from waypost.cli.output import fail
from waypost.core.people import MachineAccount, Organization, Token, User

app = typer.Typer(
    no_args_is_help=True,
    help="Make, list and revoke tokens of the control API.\n\nA token may what its maker may at the moment: the "
    "operator of the gateway, unless it is made for a member or a service account. It opens no model; keys do.",
)

Called = Annotated[
    str, typer.Argument(metavar="NAME", help="What it is called. No other token there has this name.")
]
Which = Annotated[str, typer.Argument(metavar="TOKEN", help="Its name or its id, as the list shows them.")]
Everywhere = Annotated[
    bool,
    typer.Option(
        "--gateway",
        envvar="WAYPOST_TOKEN_GATEWAY",
        help="A token for the whole gateway, in place of one that works in --org only.",
    ),
]
Allow = Annotated[
    list[str] | None,
    typer.Option(
        "--allow",
        envvar="WAYPOST_TOKEN_ALLOW",
        metavar="PERMISSION",
        help="A permission, such as keys:read. Again for more, or with commas. Default: all that its maker has.",
    ),
]
Person = Annotated[
    str | None,
    typer.Option(
        "--user",
        envvar="WAYPOST_TOKEN_USER",
        metavar="EMAIL",
        help="It may what this person may, and no more.",
    ),
]
Machine = Annotated[
    str | None,
    typer.Option(
        "--machine",
        envvar="WAYPOST_TOKEN_MACHINE",
        metavar="NAME",
        help="It may what this service account of the organization may, and no more.",
    ),
]
Expires = Annotated[str | None, end_option("WAYPOST_TOKEN_EXPIRES")]


@app.command()
def create(
    name: Called,
    org: Org = DEFAULT_ORG,
    gateway: Everywhere = False,
    allow: Allow = None,
    user: Person = None,
    machine: Machine = None,
    expires: Expires = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Make a token. It is shown once, and stored only as a hash.

    Examples:

      waypost tokens create terraform --org acme --allow teams:read,teams:write --expires 90d

      waypost tokens create nightly --org acme --machine reporter

      waypost tokens create ops --gateway --json
    """
    import secrets

    from waypost.core.objects import PREFIXES
    from waypost.core.tokentext import issue_text

    book = open_book(data, create=True)
    home = "" if gateway else book.organization(org).id
    issued = issue_text("api", secrets.token_bytes)
    made = Token(
        id=f"{PREFIXES['token']}_{issued.text_id}",
        organization_id=home,
        name=name,
        digest=issued.digest,
        hint=issued.hint,
        made_by=_maker(book, home, user, machine),
        permissions=tuple(dict.fromkeys(texts(allow))),  # type: ignore[arg-type]  # checked where it is written
        expires_at=None if expires is None else parse_end(expires, "--expires", book.now),
        created_at=book.now,
    )
    stored = book.put(made)
    print_issued(
        view(book, stored), issued.text, as_json, "is there. Its text is shown only now; keep it safe."
    )


@app.command("list")
def list_tokens(
    org: Org = DEFAULT_ORG, gateway: Everywhere = False, data: Data = DEFAULT_DATA, as_json: Json = False
) -> None:
    """List the tokens of an organization, or of the gateway. Only their ends are shown.

    Examples:

      waypost tokens list --org acme

      waypost tokens list --gateway --json
    """
    book = open_book(data)
    home = "" if gateway else book.organization(org).id
    views = [view(book, each) for each in book.of(Token, home)]
    where = "--gateway" if gateway else f"--org {org}"
    empty = f"There are no tokens yet. Make one: waypost tokens create terraform {where}"
    columns = ("name", "id", "hint", "state", "made_by", "permissions", "expires_at")
    print_list(views, as_json, columns, empty)


@app.command()
def revoke(
    token: Which,
    org: Org = DEFAULT_ORG,
    gateway: Everywhere = False,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """End a token: it works no more, and its name is free. This can not be undone.

    Example: waypost tokens revoke terraform --org acme
    """
    book = open_book(data)
    found = book.one(Token, "" if gateway else book.organization(org).id, token)
    book.delete(found)
    print_gone(found, as_json)


def view(book: Book, found: Token) -> dict[str, object]:
    """What is shown of a token: never what opens something."""
    return {
        "id": found.id,
        "organization": book.name(Organization, found.organization_id) or None,
        "name": found.name,
        "hint": found.hint,
        "state": _state(found, book.now),
        "made_by": _shown_maker(book, found.made_by),
        "permissions": found.permissions,
        "expires_at": found.expires_at,
        "created_at": found.created_at,
        "revision": found.revision,
    }


def _maker(book: Book, home: str, user: str | None, machine: str | None) -> str:
    if user is not None and machine is not None:
        fail("A token is a person's or a service account's, not both.", Exit.USAGE, "Leave one of them out.")
    if user is not None:
        return f"user:{book.one(User, '', user).id}"
    if machine is None:
        return "operator"
    if not home:
        fail("A service account belongs to an organization.", Exit.USAGE, "Say --org in place of --gateway.")
    return f"service:{book.one(MachineAccount, home, machine).id}"


def _shown_maker(book: Book, text: str) -> str:
    kind, _, maker_id = text.partition(":")
    if kind == "user":
        return book.name(User, maker_id)
    return book.name(MachineAccount, maker_id) if kind == "service" else text


def _state(found: Token, now: float) -> str:
    if found.revoked_at is not None:
        return "revoked"
    return "expired" if found.expires_at is not None and found.expires_at <= now else "active"
