"""`waypost orgs`: the tenants of the gateway."""

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
from waypost.cli.directory_options import Allowed, DefaultRoute, Named, NewName, Title, Which
from waypost.cli.options import DEFAULT_DATA, Data, Json
from waypost.core.people import DEFAULT, Organization

app = typer.Typer(
    no_args_is_help=True,
    help="Make, list, change and delete organizations.\n\nAn organization is a tenant: teams, projects, members, keys, "
    "budgets and limits belong to one, and nothing of one is ever shown to another. Keys that name none belong to "
    "`default`, which is always there.",
)

Keys = Annotated[
    int | None,
    typer.Option(
        "--member-keys",
        envvar="WAYPOST_ORG_MEMBER_KEYS",
        metavar="N",
        min=0,
        help="How many keys each member may make for themselves. At first: 10.",
    ),
]


@app.command()
def create(
    name: Named,
    title: Title = None,
    models: Allowed = None,
    route: DefaultRoute = None,
    member_keys: Keys = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Make an organization.

    Examples:

      waypost orgs create acme --title "Acme Ltd."

      waypost orgs create trial --models "fast,openai/*" --member-keys 2 --json
    """
    book = open_book(data, create=True)
    made = Organization(
        id=new_id("organization"),
        name=name,
        title=title or "",
        models=texts(models),
        route=route or None,
        member_keys_max=10 if member_keys is None else member_keys,
        created_at=book.now,
    )
    print_done(view(book.put(made)), as_json, "is there. Next: waypost teams create, waypost members create")


@app.command("list")
def list_orgs(data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """List the organizations. `default` is always among them.

    Example: waypost orgs list
    """
    book = open_book(data)
    found = {each.id: each for each in (book.organization(DEFAULT), *book.of(Organization, ""))}
    views = [view(each) for each in sorted(found.values(), key=lambda each: each.name)]
    print_list(views, as_json, ("name", "id", "title", "suspended", "models", "member_keys_max"), "")


@app.command()
def show(org: Which, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Show an organization.

    Example: waypost orgs show acme
    """
    print_one(view(open_book(data).organization(org)), as_json)


@app.command("set")
def set_org(
    org: Which,
    name: NewName = None,
    title: Title = None,
    models: Allowed = None,
    route: DefaultRoute = None,
    member_keys: Keys = None,
    suspend: Annotated[
        bool | None,
        typer.Option(
            "--suspend/--resume",
            envvar="WAYPOST_ORG_SUSPEND",
            help="Let none of its keys work, or let them work again.",
        ),
    ] = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Change an organization. What is not given stays.

    Examples:

      waypost orgs set acme --suspend

      waypost orgs set acme --models "" --title "Acme & Sons"
    """
    book = open_book(data)
    given = {
        "name": name,
        "title": title,
        "models": None if models is None else texts(models),
        "member_keys_max": member_keys,
        "suspended": suspend,
        "route": route,
    }
    changed = book.change(book.organization(org), given, "waypost orgs set acme --title TEXT", ("route",))
    print_done(view(changed), as_json, "is changed")


@app.command()
def delete(org: Which, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Delete an organization that nothing belongs to any more.

    Example: waypost orgs delete trial
    """
    book: Book = open_book(data)
    found = book.organization(org)
    book.delete(found)
    print_gone(found, as_json)


def view(found: Organization) -> dict[str, object]:
    """What is shown of an organization."""
    return {
        "id": found.id,
        "name": found.name,
        "title": found.title,
        "models": found.models,
        "route": found.route,
        "suspended": found.suspended,
        "member_keys_max": found.member_keys_max,
        "created_at": found.created_at,
        "revision": found.revision,
    }
