"""`waypost machines`: service accounts, for programs that have keys and tokens of their own."""

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
    shown_teams,
    team_roles,
)
from waypost.cli.directory_options import DEFAULT_ORG, Named, NewName, Org, Role, Teams, Title, Which
from waypost.cli.options import DEFAULT_DATA, Data, Json
from waypost.core.people import MachineAccount, Organization

app = typer.Typer(
    no_args_is_help=True,
    help="Make, list, change and delete service accounts.\n\nA service account is a program that has keys and "
    "tokens of its own. It has a role as a member has, and when it is disabled none of its keys works.",
)


@app.command()
def create(
    name: Named,
    org: Org = DEFAULT_ORG,
    title: Title = None,
    role: Role = None,
    teams: Teams = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Make a service account.

    Example: waypost machines create ci --org acme --in-team web
    """
    book = open_book(data, create=True)
    home = book.organization(org).id
    made = MachineAccount(
        id=new_id("service"),
        organization_id=home,
        name=name,
        title=title or "",
        role=role or "developer",
        teams=team_roles(book, home, teams),
        created_at=book.now,
    )
    print_done(view(book, book.put(made)), as_json, "is there. Next: waypost keys create --machine")


@app.command("list")
def list_machines(org: Org = DEFAULT_ORG, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """List the service accounts of an organization.

    Example: waypost machines list --org acme
    """
    book = open_book(data)
    views = [view(book, each) for each in book.of(MachineAccount, book.organization(org).id)]
    empty = f"There are no service accounts in {org} yet. Make one: waypost machines create ci --org {org}"
    print_list(views, as_json, ("name", "id", "title", "role", "teams", "disabled"), empty)


@app.command()
def show(machine: Which, org: Org = DEFAULT_ORG, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Show a service account.

    Example: waypost machines show ci --org acme
    """
    book = open_book(data)
    print_one(view(book, book.one(MachineAccount, book.organization(org).id, machine)), as_json)


@app.command("set")
def set_machine(
    machine: Which,
    org: Org = DEFAULT_ORG,
    name: NewName = None,
    title: Title = None,
    role: Role = None,
    teams: Teams = None,
    disable: Annotated[
        bool | None,
        typer.Option(
            "--disable/--enable",
            envvar="WAYPOST_MACHINE_DISABLE",
            help="Let none of its keys and tokens work, or let them again.",
        ),
    ] = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Change a service account. What is not given stays; teams that are given replace the others.

    Example: waypost machines set ci --org acme --disable
    """
    book = open_book(data)
    home = book.organization(org).id
    given = {
        "name": name,
        "title": title,
        "role": role,
        "teams": None if teams is None else team_roles(book, home, teams),
        "disabled": disable,
    }
    found = book.one(MachineAccount, home, machine)
    changed = book.change(found, given, "waypost machines set ci --role viewer")
    print_done(view(book, changed), as_json, "is changed")


@app.command()
def delete(machine: Which, org: Org = DEFAULT_ORG, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Delete a service account that has no key any more.

    Example: waypost machines delete ci --org acme
    """
    book = open_book(data)
    found = book.one(MachineAccount, book.organization(org).id, machine)
    book.delete(found)
    print_gone(found, as_json)


def view(book: Book, found: MachineAccount) -> dict[str, object]:
    """What is shown of a service account."""
    return {
        "id": found.id,
        "organization": book.name(Organization, found.organization_id),
        "name": found.name,
        "title": found.title,
        "role": found.role,
        "teams": shown_teams(book, found.teams),
        "disabled": found.disabled,
        "created_at": found.created_at,
        "revision": found.revision,
    }
