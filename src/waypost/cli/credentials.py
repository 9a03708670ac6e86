"""`waypost credentials`: providers' keys that an organization, a team or a person brings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from waypost.cli.amounts import parse_end
from waypost.cli.directory import Book, new_id, open_book, print_done, print_gone, print_list, print_one
from waypost.cli.directory_options import DEFAULT_ORG, Named, Org, Which
from waypost.cli.exits import Exit
from waypost.cli.options import DEFAULT_DATA, ConfigFile, Data, Json, chosen_config
from waypost.cli.output import fail
from waypost.cli.secret_input import read_secret
from waypost.core.credentials import Credential, CredentialOwner, CredentialUse
from waypost.core.people import Organization, Team, User

if TYPE_CHECKING:
    from waypost.config.targets import Provider

app = typer.Typer(
    no_args_is_help=True,
    help="Set, list and delete credentials that people bring.\n\nA credential is a provider's key of an organization's "
    "own, or of a team's or a member's. It is used for their requests, before the operator's keys or after them, and "
    "for nobody else's. It is stored sealed and shown nowhere.",
)

ForProvider = Annotated[
    str | None,
    typer.Option(
        "--provider",
        envvar="WAYPOST_CREDENTIAL_PROVIDER",
        metavar="NAME",
        help="The provider of the configuration that it is for. Needed at first.",
    ),
]
Secret = Annotated[
    str | None,
    typer.Option(
        "--secret",
        envvar="WAYPOST_CREDENTIAL_SECRET",
        metavar="WHERE",
        help="Where the provider's key is: env:NAME, file:PATH, or - for the standard input. Never the key itself. "
        "Without it, what makes a credential asks for it.",
    ),
]
OfTeam = Annotated[
    str | None,
    typer.Option(
        "--team", envvar="WAYPOST_CREDENTIAL_TEAM", metavar="NAME", help="The team whose own it is."
    ),
]
OfUser = Annotated[
    str | None,
    typer.Option(
        "--user", envvar="WAYPOST_CREDENTIAL_USER", metavar="EMAIL", help="The member whose own it is."
    ),
]
Use = Annotated[
    CredentialUse | None,
    typer.Option(
        "--use",
        envvar="WAYPOST_CREDENTIAL_USE",
        help="Before the operator's own keys, after them, or only it. At first: first.",
    ),
]
Weight = Annotated[
    int | None,
    typer.Option(
        "--weight",
        envvar="WAYPOST_CREDENTIAL_WEIGHT",
        metavar="NUMBER",
        help="Its share among those with the same owner, use and provider. At first: 1.",
    ),
]
Disable = Annotated[
    bool | None,
    typer.Option("--disable/--enable", envvar="WAYPOST_CREDENTIAL_DISABLE", help="Use it no more, or again."),
]
Expires = Annotated[
    str | None,
    typer.Option(
        "--expires",
        envvar="WAYPOST_CREDENTIAL_EXPIRES",
        metavar="TIME",
        help="When it is not used any more: 30d, 12h, or a date such as 2027-01-31. An empty text: never.",
    ),
]


@app.command("set")
def set_credential(
    name: Named,
    org: Org = DEFAULT_ORG,
    provider: ForProvider = None,
    secret: Secret = None,
    team: OfTeam = None,
    user: OfUser = None,
    use: Use = None,
    weight: Weight = None,
    disable: Disable = None,
    expires: Expires = None,
    config: ConfigFile = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Make a credential, or change it. What is not given stays; a new secret takes the place of the old one.

    The secret is bound to the address that the provider has in the configuration now, and is sent nowhere else.

    Examples:

      waypost credentials set openai --org acme --provider openai --secret env:ACME_OPENAI_KEY

      waypost credentials set openai --org acme --team web --provider openai --use only --secret - < key.txt

      waypost credentials set openai --org acme --disable
    """
    book = open_book(data)
    home = book.organization(org).id
    old = book.find(Credential, home, name)
    if old is None and provider is None:
        fail("A new credential is for a provider.", Exit.USAGE, "Name it with --provider.")
    text = read_secret(secret, "The provider's key", needed=old is None)
    owner, owner_id = _owner(book, home, team, user, old)
    like = old or Credential(new_id("credential"), home, name, "", "", created_at=book.now)
    ends = like.expires_at
    if expires is not None:
        ends = parse_end(expires, "--expires", book.now) if expires else None
    made = Credential(
        id=like.id,
        organization_id=home,
        name=like.name,
        provider=provider or like.provider,
        origin="",
        owner=owner,
        owner_id=owner_id,
        use=use or like.use,
        weight=like.weight if weight is None else weight,
        disabled=like.disabled if disable is None else disable,
        expires_at=ends,
        created_at=like.created_at,
        revision=like.revision,
    )
    providers = _providers(config)
    stored = book.put(_sealed(data, providers, made, text, old, book.now))
    done = "is set" if text is not None else "is changed"
    print_done(view(book, providers, stored), as_json, f"{done}. It is sent to {stored.origin} only")


@app.command("list")
def list_credentials(
    org: Org = DEFAULT_ORG, config: ConfigFile = None, data: Data = DEFAULT_DATA, as_json: Json = False
) -> None:
    """List the credentials of an organization. How their secrets end is shown, and no more of them.

    Whether each is used is told by the configuration: name the gateway's own with --config.

    Example: waypost credentials list --org acme
    """
    book = open_book(data)
    found = book.of(Credential, book.organization(org).id)
    providers = _providers(config) if found else {}
    views = [view(book, providers, each) for each in found]
    empty = (
        f"There are no credentials in {org}. Set one: waypost credentials set NAME --org {org} --provider …"
    )
    columns = ("name", "provider", "origin", "owner", "use", "state", "ends_in", "changed_at", "expires_at")
    print_list(views, as_json, columns, empty)


@app.command()
def show(
    credential: Which,
    org: Org = DEFAULT_ORG,
    config: ConfigFile = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Show a credential, without its secret.

    Example: waypost credentials show openai --org acme
    """
    book = open_book(data)
    found = book.one(Credential, book.organization(org).id, credential)
    print_one(view(book, _providers(config), found), as_json)


@app.command()
def delete(
    credential: Which, org: Org = DEFAULT_ORG, data: Data = DEFAULT_DATA, as_json: Json = False
) -> None:
    """Delete a credential, and its secret with it.

    Example: waypost credentials delete openai --org acme
    """
    book = open_book(data)
    found = book.one(Credential, book.organization(org).id, credential)
    book.delete(found)
    print_gone(found, as_json)


def view(book: Book, providers: Mapping[str, Provider], found: Credential) -> dict[str, object]:
    """What is shown of a credential: never its secret."""
    from waypost.policy.credentials import state_of

    return {
        "id": found.id,
        "organization": book.name(Organization, found.organization_id),
        "name": found.name,
        "provider": found.provider,
        "origin": found.origin,
        "owner": _shown_owner(book, found),
        "use": found.use,
        "weight": found.weight,
        "state": state_of(found, providers, book.now),
        "ends_in": found.ends_in,
        "version": found.version,
        "changed_at": found.changed_at,
        "expires_at": found.expires_at,
        "created_at": found.created_at,
        "revision": found.revision,
    }


def _sealed(
    data: Path,
    providers: Mapping[str, Provider],
    made: Credential,
    text: str | None,
    old: Credential | None,
    now: float,
) -> Credential:
    import os

    from waypost.policy.credentials import given
    from waypost.stores.root_key import root_keys
    from waypost.stores.sealing import Seals

    return given(Seals(root_keys(data, os.environ), os.urandom), providers, made, text, old, now)


def _providers(config: Path | None) -> Mapping[str, Provider]:
    """Those of the configuration; what the gateway finds by itself on its machine is not looked for."""
    from waypost.cli.surroundings import load_config, resolve_config

    return resolve_config(load_config(chosen_config(config)), stand_ins=True).providers


def _owner(
    book: Book, home: str, team: str | None, user: str | None, old: Credential | None
) -> tuple[CredentialOwner, str]:
    if team is not None and user is not None:
        fail("A credential is a team's or a person's, not both's.", Exit.USAGE, "Leave one of them out.")
    if team is not None:
        return "team", book.one(Team, home, team).id
    if user is not None:
        return "user", book.one(User, "", user).id
    return ("organization", home) if old is None else (old.owner, old.owner_id)


def _shown_owner(book: Book, found: Credential) -> str:
    if found.owner == "team":
        return f"team {book.name(Team, found.owner_id)}"
    return f"user {book.name(User, found.owner_id)}" if found.owner == "user" else "organization"
