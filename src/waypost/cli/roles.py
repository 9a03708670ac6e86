"""`waypost roles`: what members and service accounts may do."""

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
from waypost.cli.directory_options import DEFAULT_ORG, Named, NewName, Org, Which
from waypost.cli.options import DEFAULT_DATA, Data, Json
from waypost.core.people import PERMISSIONS, ROLES, Organization, Role

app = typer.Typer(
    no_args_is_help=True,
    help="Make, list, change and delete an organization's own roles.\n\nEvery organization has owner, admin, billing, "
    "developer, viewer and auditor, which never change; its own roles stand beside them.",
)

Allow = Annotated[
    list[str] | None,
    typer.Option(
        "--allow",
        envvar="WAYPOST_ROLE_ALLOW",
        metavar="PERMISSION",
        help="A permission, such as keys:read. Again for more, or with commas. Known: "
        + ", ".join(each for each in PERMISSIONS if not each.startswith("gateway:"))
        + ".",
    ),
]


@app.command()
def create(
    name: Named,
    org: Org = DEFAULT_ORG,
    allow: Allow = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Make a role.

    Example: waypost roles create key-keeper --org acme --allow keys:read,keys:write,members:read
    """
    book = open_book(data, create=True)
    made = Role(
        id=new_id("role"),
        organization_id=book.organization(org).id,
        name=name,
        permissions=texts(allow),  # type: ignore[arg-type]  # checked where it is written
        created_at=book.now,
    )
    print_done(view(book, book.put(made)), as_json, "is there")


@app.command("list")
def list_roles(org: Org = DEFAULT_ORG, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """List the roles of an organization, with what each allows.

    Example: waypost roles list --org acme
    """
    book = open_book(data)
    home = book.organization(org).id
    built_in: list[dict[str, object]] = [
        {
            "id": None,
            "organization": book.name(Organization, home),
            "name": name,
            "permissions": sorted(allowed),
            "built_in": True,
            "created_at": None,
            "revision": None,
        }
        for name, allowed in ROLES.items()
    ]
    views = [*built_in, *(view(book, each) for each in book.of(Role, home))]
    print_list(views, as_json, ("name", "id", "permissions"), "")


@app.command()
def show(role: Which, org: Org = DEFAULT_ORG, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Show one of an organization's own roles.

    Example: waypost roles show key-keeper --org acme
    """
    book = open_book(data)
    print_one(view(book, book.one(Role, book.organization(org).id, role)), as_json)


@app.command("set")
def set_role(
    role: Which,
    org: Org = DEFAULT_ORG,
    name: NewName = None,
    allow: Allow = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Change a role: all who have it may at once what it allows now. Permissions that are given replace the others.

    Example: waypost roles set key-keeper --org acme --allow keys:read
    """
    book = open_book(data)
    given = {"name": name, "permissions": None if allow is None else texts(allow)}
    found = book.one(Role, book.organization(org).id, role)
    changed = book.change(found, given, "waypost roles set key-keeper --allow keys:read")
    print_done(view(book, changed), as_json, "is changed")


@app.command()
def delete(role: Which, org: Org = DEFAULT_ORG, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Delete a role that nobody has any more.

    Example: waypost roles delete key-keeper --org acme
    """
    book = open_book(data)
    found = book.one(Role, book.organization(org).id, role)
    book.delete(found)
    print_gone(found, as_json)


def view(book: Book, found: Role) -> dict[str, object]:
    """What is shown of a role."""
    return {
        "id": found.id,
        "organization": book.name(Organization, found.organization_id),
        "name": found.name,
        "permissions": found.permissions,
        "built_in": False,
        "created_at": found.created_at,
        "revision": found.revision,
    }
