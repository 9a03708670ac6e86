"""`waypost teams`: the parts of an organization."""

from __future__ import annotations

import typer

from waypost.cli.directory import (
    Book,
    new_id,
    open_book,
    print_done,
    print_gone,
    print_list,
    print_one,
    texts,
)
from waypost.cli.directory_options import (
    DEFAULT_ORG,
    Allowed,
    DefaultRoute,
    Named,
    NewName,
    Org,
    Title,
    Which,
)
from waypost.cli.options import DEFAULT_DATA, Data, Json
from waypost.core.people import Organization, Team

app = typer.Typer(
    no_args_is_help=True,
    help="Make, list, change and delete teams.\n\nA team is a part of an organization. Members and keys can be in it, "
    "and budgets and limits can be set on it.",
)


@app.command()
def create(
    name: Named,
    org: Org = DEFAULT_ORG,
    title: Title = None,
    models: Allowed = None,
    route: DefaultRoute = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Make a team.

    Example: waypost teams create web --org acme --title "Web shop"
    """
    book = open_book(data, create=True)
    made = Team(
        id=new_id("team"),
        organization_id=book.organization(org).id,
        name=name,
        title=title or "",
        models=texts(models),
        route=route or None,
        created_at=book.now,
    )
    print_done(view(book, book.put(made)), as_json, "is there")


@app.command("list")
def list_teams(org: Org = DEFAULT_ORG, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """List the teams of an organization.

    Example: waypost teams list --org acme
    """
    book = open_book(data)
    views = [view(book, each) for each in book.of(Team, book.organization(org).id)]
    empty = f"There are no teams in {org} yet. Make one: waypost teams create web --org {org}"
    print_list(views, as_json, ("name", "id", "title", "models"), empty)


@app.command()
def show(team: Which, org: Org = DEFAULT_ORG, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Show a team.

    Example: waypost teams show web --org acme
    """
    book = open_book(data)
    print_one(view(book, book.one(Team, book.organization(org).id, team)), as_json)


@app.command("set")
def set_team(
    team: Which,
    org: Org = DEFAULT_ORG,
    name: NewName = None,
    title: Title = None,
    models: Allowed = None,
    route: DefaultRoute = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Change a team. What is not given stays.

    Example: waypost teams set web --org acme --models "fast,cheap"
    """
    book = open_book(data)
    given = {
        "name": name,
        "title": title,
        "models": None if models is None else texts(models),
        "route": route,
    }
    found = book.one(Team, book.organization(org).id, team)
    changed = book.change(found, given, "waypost teams set web --title TEXT", ("route",))
    print_done(view(book, changed), as_json, "is changed")


@app.command()
def delete(team: Which, org: Org = DEFAULT_ORG, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Delete a team that nobody and no key is in any more.

    Example: waypost teams delete web --org acme
    """
    book = open_book(data)
    found = book.one(Team, book.organization(org).id, team)
    book.delete(found)
    print_gone(found, as_json)


def view(book: Book, found: Team) -> dict[str, object]:
    """What is shown of a team."""
    return {
        "id": found.id,
        "organization": book.name(Organization, found.organization_id),
        "name": found.name,
        "title": found.title,
        "models": found.models,
        "route": found.route,
        "created_at": found.created_at,
        "revision": found.revision,
    }
