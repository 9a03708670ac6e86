"""`waypost projects`: use cases and cost centres, across teams."""

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
    texts,
)
from waypost.cli.directory_options import DEFAULT_ORG, Allowed, Named, NewName, Org, Title, Which
from waypost.cli.options import DEFAULT_DATA, Data, Json
from waypost.core.people import Organization, Project

app = typer.Typer(
    no_args_is_help=True,
    help="Make, list, change and delete projects.\n\nA project is a use case or a cost centre, across teams. Keys can "
    "belong to one, and budgets and limits can be set on it.",
)

CostCentre = Annotated[
    str | None,
    typer.Option(
        "--cost-centre",
        envvar="WAYPOST_COST_CENTRE",
        metavar="TEXT",
        help="Under what accounting knows it, such as 4711.",
    ),
]


@app.command()
def create(
    name: Named,
    org: Org = DEFAULT_ORG,
    title: Title = None,
    cost_centre: CostCentre = None,
    models: Allowed = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Make a project.

    Example: waypost projects create search --org acme --cost-centre 4711
    """
    book = open_book(data, create=True)
    made = Project(
        id=new_id("project"),
        organization_id=book.organization(org).id,
        name=name,
        title=title or "",
        cost_centre=cost_centre or "",
        models=texts(models),
        created_at=book.now,
    )
    print_done(view(book, book.put(made)), as_json, "is there")


@app.command("list")
def list_projects(org: Org = DEFAULT_ORG, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """List the projects of an organization.

    Example: waypost projects list --org acme
    """
    book = open_book(data)
    views = [view(book, each) for each in book.of(Project, book.organization(org).id)]
    empty = f"There are no projects in {org} yet. Make one: waypost projects create search --org {org}"
    print_list(views, as_json, ("name", "id", "title", "cost_centre", "models"), empty)


@app.command()
def show(project: Which, org: Org = DEFAULT_ORG, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Show a project.

    Example: waypost projects show search --org acme
    """
    book = open_book(data)
    print_one(view(book, book.one(Project, book.organization(org).id, project)), as_json)


@app.command("set")
def set_project(
    project: Which,
    org: Org = DEFAULT_ORG,
    name: NewName = None,
    title: Title = None,
    cost_centre: CostCentre = None,
    models: Allowed = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Change a project. What is not given stays.

    Example: waypost projects set search --org acme --cost-centre 4712
    """
    book = open_book(data)
    given = {
        "name": name,
        "title": title,
        "cost_centre": cost_centre,
        "models": None if models is None else texts(models),
    }
    found = book.one(Project, book.organization(org).id, project)
    changed = book.change(found, given, "waypost projects set search --title TEXT")
    print_done(view(book, changed), as_json, "is changed")


@app.command()
def delete(project: Which, org: Org = DEFAULT_ORG, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Delete a project that no key belongs to any more.

    Example: waypost projects delete search --org acme
    """
    book = open_book(data)
    found = book.one(Project, book.organization(org).id, project)
    book.delete(found)
    print_gone(found, as_json)


def view(book: Book, found: Project) -> dict[str, object]:
    """What is shown of a project."""
    return {
        "id": found.id,
        "organization": book.name(Organization, found.organization_id),
        "name": found.name,
        "title": found.title,
        "cost_centre": found.cost_centre,
        "models": found.models,
        "created_at": found.created_at,
        "revision": found.revision,
    }
