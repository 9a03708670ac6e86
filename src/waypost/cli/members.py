"""`waypost members`: who is in an organization, and what they are there."""

from __future__ import annotations

import typer

from waypost.cli.directory import (
    Book,
    new_id,
    open_book,
    print_done,
    print_list,
    print_one,
    shown_teams,
    team_roles,
    texts,
)
from waypost.cli.directory_options import DEFAULT_ORG, Allowed, Email, Org, Role, Teams
from waypost.cli.options import DEFAULT_DATA, Data, Json
from waypost.cli.output import fail
from waypost.core.people import Member, Organization, User

app = typer.Typer(
    no_args_is_help=True,
    help="Take people into an organization, say what they are there, and let them go.\n\nA member has one role in the "
    "organization, and may have others in teams of it.",
)


@app.command()
def create(
    email: Email,
    org: Org = DEFAULT_ORG,
    role: Role = None,
    teams: Teams = None,
    models: Allowed = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Take a person into an organization. They have to be known: see `waypost users create`.

    Examples:

      waypost members create ann@acme.example --org acme --role admin

      waypost members create bob@acme.example --org acme --in-team web:admin --in-team search
    """
    book = open_book(data, create=True)
    home = book.organization(org).id
    made = Member(
        id=new_id("member"),
        organization_id=home,
        name=book.one(User, "", email).id,
        role=role or "developer",
        teams=team_roles(book, home, teams),
        models=texts(models),
        created_at=book.now,
    )
    print_done(view(book, book.put(made)), as_json, f"is in {org} as {made.role}")


@app.command("list")
def list_members(org: Org = DEFAULT_ORG, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """List the members of an organization.

    Example: waypost members list --org acme
    """
    book = open_book(data)
    views = [view(book, each) for each in book.of(Member, book.organization(org).id)]
    views.sort(key=lambda each: str(each["email"]))
    empty = f"Nobody is in {org} yet. Take somebody in: waypost members create ann@acme.example --org {org}"
    print_list(views, as_json, ("email", "id", "role", "teams", "models"), empty)


@app.command()
def show(user: Email, org: Org = DEFAULT_ORG, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Show what a person is in an organization.

    Example: waypost members show ann@acme.example --org acme
    """
    book = open_book(data)
    print_one(view(book, _one(book, org, user)), as_json)


@app.command("set")
def set_member(
    user: Email,
    org: Org = DEFAULT_ORG,
    role: Role = None,
    teams: Teams = None,
    models: Allowed = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Change what a person is in an organization. What is not given stays; teams that are given replace the others.

    Examples:

      waypost members set ann@acme.example --org acme --role billing

      waypost members set bob@acme.example --org acme --in-team ""
    """
    book = open_book(data)
    found = _one(book, org, user)
    given = {
        "role": role,
        "teams": None if teams is None else team_roles(book, found.organization_id, teams),
        "models": None if models is None else texts(models),
    }
    changed = book.change(found, given, "waypost members set ann@acme.example --role viewer")
    print_done(view(book, changed), as_json, "is changed")


@app.command()
def delete(user: Email, org: Org = DEFAULT_ORG, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Let a person go from an organization. Their keys in it stop working; the person stays known.

    Example: waypost members delete ann@acme.example --org acme
    """
    from waypost.cli.output import OK, people, print_json, visible

    book = open_book(data)
    found = _one(book, org, user)
    email = book.name(User, found.name)
    book.delete(found)
    if as_json:
        print_json({"id": found.id, "email": email, "deleted": True})
    else:
        people().print(OK, visible(f"{email} is not in {org} any more"))


def view(book: Book, found: Member) -> dict[str, object]:
    """What is shown of a member."""
    user = book.directory.find(User, found.name)
    return {
        "id": found.id,
        "organization": book.name(Organization, found.organization_id),
        "user": found.name,
        "email": found.name if user is None else user.name,
        "role": found.role,
        "teams": shown_teams(book, found.teams),
        "models": found.models,
        "created_at": found.created_at,
        "revision": found.revision,
    }


def _one(book: Book, org: str, user: str) -> Member:
    home, person = book.organization(org).id, book.find(User, "", user)
    found = book.directory.member(home, person.id) if person else book.find(Member, home, user)
    if found is None:
        fail(f"{user} is no member of {org}.", hint=f"waypost members list --org {org} shows them.")
    return found
