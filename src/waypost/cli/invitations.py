"""`waypost invitations`: links by which people join an organization."""

from __future__ import annotations

from typing import Annotated

import typer

from waypost.cli.directory import (
    Book,
    open_book,
    print_gone,
    print_issued,
    print_list,
    shown_teams,
    team_roles,
)
from waypost.cli.directory_options import DEFAULT_ORG, Org, Role, Teams
from waypost.cli.options import DEFAULT_DATA, Data, Json
from waypost.cli.output import fail
from waypost.core import people
from waypost.core.people import ROLES, Invitation, Organization, User

app = typer.Typer(
    no_args_is_help=True,
    help="Invite people, list who is invited, and take invitations back.\n\nWhoever has the text of an invitation can "
    "join the organization with it, once: they choose a password and can then sign in.",
)

Address = Annotated[str, typer.Argument(metavar="EMAIL", help="Whom it is for: what they will sign in with.")]
Which = Annotated[str, typer.Argument(metavar="EMAIL", help="Whom it is for, or its id.")]
Days = Annotated[
    int,
    typer.Option(
        "--days", envvar="WAYPOST_INVITATION_DAYS", metavar="N", min=1, max=30, help="How many days it lasts."
    ),
]

_DAY_S = 86_400.0


@app.command()
def create(
    email: Address,
    org: Org = DEFAULT_ORG,
    role: Role = None,
    teams: Teams = None,
    days: Days = 7,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Invite somebody, in place of an earlier invitation for the same address. Its text is shown once.

    Examples:

      waypost invitations create ann@acme.example --org acme --role admin

      waypost invitations create bob@acme.example --org acme --in-team web --days 2 --json
    """
    import secrets

    from waypost.core.objects import PREFIXES
    from waypost.core.tokentext import issue_text
    from waypost.policy.checks import check

    book = open_book(data, create=True)
    home, name = book.organization(org).id, email.lower()
    user = book.find(User, "", name)
    if user is not None and book.directory.member(home, user.id) is not None:
        fail(f"{name} is a member of {org} already.", hint=f"waypost members set {name} --org {org}")
    issued = issue_text("inv", secrets.token_bytes)
    made = Invitation(
        id=f"{PREFIXES['invitation']}_{issued.text_id}",
        organization_id=home,
        name=name,
        digest=issued.digest,
        role=role or "developer",
        teams=team_roles(book, home, teams),
        made_by="operator",
        expires_at=book.now + days * _DAY_S,
        created_at=book.now,
    )
    # The earlier one goes only for one that can be there.
    check(made)
    for named in {made.role, *(each.role for each in made.teams)} - set(ROLES):
        book.one(people.Role, home, named)
    earlier = book.find(Invitation, home, name)
    if earlier is not None:
        book.delete(earlier)
    stored = book.put(made)
    done = "is invited. Whoever has this text can join; it is shown only now."
    print_issued(view(book, stored), issued.text, as_json, done)


@app.command("list")
def list_invitations(org: Org = DEFAULT_ORG, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """List who is, and was, invited to an organization.

    Example: waypost invitations list --org acme
    """
    book = open_book(data)
    views = [view(book, each) for each in book.of(Invitation, book.organization(org).id)]
    empty = f"Nobody is invited to {org}. Invite: waypost invitations create ann@acme.example --org {org}"
    print_list(views, as_json, ("email", "id", "state", "role", "teams", "made_by", "expires_at"), empty)


@app.command()
def revoke(email: Which, org: Org = DEFAULT_ORG, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Take an invitation back: its text opens nothing any more.

    Example: waypost invitations revoke ann@acme.example --org acme
    """
    book = open_book(data)
    home = book.organization(org).id
    found = book.find(Invitation, home, email.lower()) or book.one(Invitation, home, email)
    book.delete(found)
    print_gone(found, as_json)


def view(book: Book, found: Invitation) -> dict[str, object]:
    """What is shown of an invitation: never its text."""
    kind, _, maker_id = found.made_by.partition(":")
    return {
        "id": found.id,
        "organization": book.name(Organization, found.organization_id),
        "email": found.name,
        "state": _state(found, book.now),
        "role": found.role,
        "teams": shown_teams(book, found.teams),
        "made_by": book.name(User, maker_id) if kind == "user" else found.made_by,
        "expires_at": found.expires_at,
        "accepted_at": found.accepted_at,
        "created_at": found.created_at,
        "revision": found.revision,
    }


def _state(found: Invitation, now: float) -> str:
    if found.accepted_at is not None:
        return "accepted"
    return "expired" if found.expires_at <= now else "open"
