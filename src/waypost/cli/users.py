"""`waypost users`: the people whom the gateway knows."""

from __future__ import annotations

from typing import Annotated

import typer

from waypost.cli.directory import (
    Book,
    new_id,
    open_book,
    print_done,
    print_gone,
    print_list,
    print_one,
)
from waypost.cli.directory_options import Email, Title
from waypost.cli.options import DEFAULT_DATA, Data, Json
from waypost.core.people import Member, Organization, User

app = typer.Typer(
    no_args_is_help=True,
    help="Make, list, change and delete people.\n\nA person is known to the whole gateway by their e-mail address; "
    "what they may do in an organization is in their membership of it (`waypost members`).",
)

Operator = Annotated[
    bool | None,
    typer.Option(
        "--operator/--no-operator",
        envvar="WAYPOST_USER_OPERATOR",
        help="Whether they may do everything in every organization.",
    ),
]


@app.command()
def create(
    email: Email,
    title: Title = None,
    operator: Operator = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Make a person known. They may nothing until they are a member of an organization.

    Examples:

      waypost users create ann@acme.example --title "Ann Example"

      waypost users create root@acme.example --operator --json
    """
    book = open_book(data, create=True)
    made = User(
        id=new_id("user"),
        name=email.lower(),
        title=title or "",
        operator=bool(operator),
        created_at=book.now,
    )
    print_done(view(book, book.put(made)), as_json, "is known. Next: waypost members create")


@app.command("list")
def list_users(data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """List the people, with the organizations that they are in.

    Example: waypost users list
    """
    book = open_book(data)
    views = [view(book, each) for each in book.of(User, "")]
    empty = "Nobody is known yet. Make somebody known: waypost users create ann@acme.example"
    print_list(views, as_json, ("email", "id", "title", "operator", "disabled", "organizations"), empty)


@app.command()
def show(user: Email, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Show a person.

    Example: waypost users show ann@acme.example
    """
    book = open_book(data)
    print_one(view(book, book.one(User, "", user)), as_json)


@app.command("set")
def set_user(
    user: Email,
    email: Annotated[
        str | None,
        typer.Option(
            "--email",
            envvar="WAYPOST_USER_EMAIL",
            metavar="EMAIL",
            help="Another e-mail address to sign in with.",
        ),
    ] = None,
    title: Title = None,
    operator: Operator = None,
    disable: Annotated[
        bool | None,
        typer.Option(
            "--disable/--enable",
            envvar="WAYPOST_USER_DISABLE",
            help="Let them not sign in, and none of their keys and tokens work; or let them again.",
        ),
    ] = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Change a person. What is not given stays.

    Examples:

      waypost users set ann@acme.example --disable

      waypost users set ann@acme.example --email ann@new.example
    """
    book = open_book(data)
    given = {
        "name": None if email is None else email.lower(),
        "title": title,
        "operator": operator,
        "disabled": disable,
    }
    found = book.one(User, "", user)
    changed = book.change(found, given, "waypost users set ann@acme.example --title TEXT")
    print_done(view(book, changed), as_json, "is changed")


@app.command()
def delete(user: Email, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Delete a person who is in no organization and has no key any more, with their password and sessions.

    Example: waypost users delete ann@acme.example
    """
    book = open_book(data)
    found = book.one(User, "", user)
    book.delete(found)
    print_gone(found, as_json)


def view(book: Book, found: User) -> dict[str, object]:
    """What is shown of a person."""
    memberships = (each for each in book.directory.all(Member) if each.name == found.id)
    return {
        "id": found.id,
        "email": found.name,
        "title": found.title,
        "operator": found.operator,
        "disabled": found.disabled,
        "organizations": sorted(book.name(Organization, each.organization_id) for each in memberships),
        "created_at": found.created_at,
        "revision": found.revision,
    }
