"""`waypost keys`: the keys that clients use. Works with and without a running gateway on the data folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from waypost.cli.amounts import parse_end, parse_span, parse_usd
from waypost.cli.directory import Book, open_book, print_done, print_one, require_changes, texts
from waypost.cli.directory_options import DEFAULT_ORG, NewName, Org
from waypost.cli.key_options import (
    Budget,
    Endpoints,
    Expires,
    Machine,
    Models,
    Name,
    Networks,
    NewPer,
    NewRpm,
    NewUrgency,
    OfOrg,
    Operator,
    Per,
    Project,
    RequiredTags,
    Route,
    Rpm,
    Tags,
    Team,
    Urgency,
    User,
    Which,
)
from waypost.cli.options import DEFAULT_DATA, Data, Json
from waypost.cli.output import OK, fail, people, print_json, print_secret, show_time, show_usd, table, visible
from waypost.core import people as people_of

if TYPE_CHECKING:
    from waypost.core.key import Key
    from waypost.core.keytext import IssuedKey
    from waypost.core.objects import Object
    from waypost.stores.sql.keys import KeyRows

app = typer.Typer(
    no_args_is_help=True,
    help="Make, list, revoke and rotate the keys that clients use.\n\n"
    "They are stored as hashes in the data folder. A running gateway sees a change within a second.",
)


@app.command()
def create(
    name: Name,
    budget: Budget = None,
    per: Per = "total",
    rpm: Rpm = None,
    models: Models = None,
    expires: Expires = None,
    route: Route = None,
    priority: Urgency = "normal",
    operator: Operator = False,
    org: Org = DEFAULT_ORG,
    team: Team = None,
    project: Project = None,
    user: User = None,
    machine: Machine = None,
    tags: Tags = None,
    required_tags: RequiredTags = None,
    endpoints: Endpoints = None,
    networks: Networks = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Make a key. It is shown once, and stored only as a hash.

    Examples:

      waypost keys create --name app

      waypost keys create --name app --budget 5.00 --per day --rpm 60 --models fast --expires 30d --json

      waypost keys create --name shop --org acme --team web --project search --tag prod --network 10.0.0.0/8
    """
    import secrets

    from waypost.stores.sql.keys import NewKey

    book = open_book(data, create=True)
    now, home = book.now, book.organization(org).id
    new = NewKey(
        name=name,
        expires_at=None if expires is None else parse_end(expires, "--expires", now),
        models=texts(models),
        rpm=rpm,
        budget_nusd=None if budget is None else parse_usd(budget, "--budget"),
        budget_per=per,
        route=route,
        priority=priority,
        operator=operator,
        organization_id=home,
        team_id=_id_of(book, people_of.Team, home, team),
        project_id=_id_of(book, people_of.Project, home, project),
        user_id=_id_of(book, people_of.User, "", user),
        service_id=_id_of(book, people_of.MachineAccount, home, machine),
        tags=texts(tags),
        required_tags=texts(required_tags),
        endpoints=texts(endpoints),
        networks=texts(networks),
        made_by="operator",
    )
    _print_issued(book, *book.keys.create(new, now, secrets.token_bytes), as_json)


@app.command("list")
def list_keys(
    org: OfOrg = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """List the keys, with what each may do. Secrets are not stored, so only their ends are shown.

    Examples:

      waypost keys list

      waypost keys list --org acme --json
    """
    book = open_book(data)
    home = None if org is None else book.organization(org).id
    found = [key for key in book.keys.list() if home in (None, key.organization_id)]
    now = book.now
    if as_json:
        for key in found:
            print_json(_view(book, key, now))
        return
    console = people()
    if not found:
        console.print("There are no keys yet. Make one: waypost keys create --name app")
        return
    columns = (
        "id",
        "name",
        "key",
        "state",
        "of",
        "models",
        "route",
        "priority",
        "rpm",
        "budget",
        "expires (UTC)",
    )
    shown = table(*columns, right=("rpm",))
    for key in found:
        budget = f"{show_usd(key.budget_nusd)} per {key.budget_per}" if key.budget_nusd is not None else "–"
        shown.add_row(
            key.key_id,
            visible(f"{key.name} (operator)" if key.operator else key.name),
            key.hint,
            _state(key, now),
            visible(_whose(book, key)),
            visible(", ".join(key.models) or "all"),
            visible(key.route or "–"),
            key.priority,
            str(key.rpm or "–"),
            budget.replace(" per total", " in total"),
            show_time(key.expires_at),
        )
    console.print(shown)


@app.command()
def show(key: Which, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Show a key: what it may do, and to whom it belongs.

    Example: waypost keys show app
    """
    book = open_book(data)
    print_one(_view(book, _one(book.keys, key, book.now), book.now), as_json)


@app.command("set")
def set_key(
    key: Which,
    name: NewName = None,
    budget: Budget = None,
    per: NewPer = None,
    rpm: NewRpm = None,
    models: Models = None,
    expires: Expires = None,
    route: Route = None,
    priority: NewUrgency = None,
    team: Team = None,
    project: Project = None,
    tags: Tags = None,
    required_tags: RequiredTags = None,
    endpoints: Endpoints = None,
    networks: Networks = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Change what a key may do. What is not given stays; an empty text, or 0 for --rpm, takes it away.

    Examples:

      waypost keys set app --budget 10.00 --per day --rpm 120

      waypost keys set app --expires "" --models "" --team web
    """
    from waypost.core.key import KeyChanges

    book = open_book(data)
    found = _one(book.keys, key, book.now)
    home = found.organization_id
    given: dict[str, object | None] = {"name": name, "budget_per": per, "priority": priority}
    lists = {
        "models": models,
        "tags": tags,
        "required_tags": required_tags,
        "endpoints": endpoints,
        "networks": networks,
    }
    given |= {field: None if value is None else texts(value) for field, value in lists.items()}
    changes = {field: value for field, value in given.items() if value is not None}
    if budget is not None:
        changes["budget_nusd"] = parse_usd(budget, "--budget") if budget else None
    if rpm is not None:
        changes["rpm"] = rpm or None
    if expires is not None:
        changes["expires_at"] = parse_end(expires, "--expires", book.now) if expires else None
    if route is not None:
        changes["route"] = route or None
    if team is not None:
        changes["team_id"] = _id_of(book, people_of.Team, home, team)
    if project is not None:
        changes["project_id"] = _id_of(book, people_of.Project, home, project)
    require_changes(changes, "waypost keys set app --rpm 120")
    changed = book.keys.update(found.key_id, KeyChanges(**changes), revision=found.revision)  # type: ignore[arg-type]
    print_done(_view(book, changed, book.now), as_json, "is changed")


@app.command()
def revoke(key: Which, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """End a key now, with all of its secrets. This can not be undone.

    Example: waypost keys revoke app
    """
    book = open_book(data)
    now = book.now
    ended = book.keys.revoke(_one(book.keys, key, now).key_id, now)
    if as_json:
        print_json(_view(book, ended, now))
    else:
        people().print(OK, visible(f"{ended.name} ({ended.key_id}) is revoked"))


@app.command()
def rotate(
    key: Which,
    overlap: Annotated[
        str,
        typer.Option(
            envvar="WAYPOST_KEY_OVERLAP",
            metavar="TIME",
            help="How long the old secret goes on working: 0s, 1h, 7d.",
        ),
    ] = "0s",
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Give a key a new secret. Its limits, budget and history stay.

    Examples:

      waypost keys rotate app

      waypost keys rotate app --overlap 1h --json
    """
    import secrets

    book = open_book(data)
    now = book.now
    issued, changed = book.keys.rotate(
        _one(book.keys, key, now).key_id, now, secrets.token_bytes, overlap_s=parse_span(overlap, "--overlap")
    )
    _print_issued(book, issued, changed, as_json)


def _id_of(book: Book, kind: type[Object], home: str, text: str | None) -> str | None:
    return book.one(kind, home, text).id if text else None


def _one(rows: KeyRows, name_or_id: str, now: float) -> Key:
    found = rows.find(name_or_id)
    if not found:
        fail(f"There is no key {name_or_id!r}.", hint="waypost keys list shows them.")
    living = [key for key in found if _state(key, now) == "active"] or list(found)
    if len(living) > 1:
        ids = ", ".join(key.key_id for key in living)
        fail(f"{len(living)} keys are named {name_or_id!r}.", hint=f"Say which by its id: {ids}")
    return living[0]


def _state(key: Key, now: float) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= now else "active"


def _whose(book: Book, key: Key) -> str:
    """To whom a key belongs, from the organization down."""
    parts = (
        book.name(people_of.Organization, key.organization_id),
        book.name(people_of.Team, key.team_id),
        book.name(people_of.Project, key.project_id),
        book.name(people_of.User, key.user_id),
        book.name(people_of.MachineAccount, key.service_id),
    )
    return "/".join(part for part in parts if part)


def _view(book: Book, key: Key, now: float) -> dict[str, object]:
    from waypost.core.money import render_usd

    return {
        "id": key.key_id,
        "name": key.name,
        "hint": key.hint,
        "state": _state(key, now),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "models": key.models,
        "rpm": key.rpm,
        "budget": None if key.budget_nusd is None else render_usd(key.budget_nusd),
        "budget_per": key.budget_per,
        "route": key.route,
        "priority": key.priority,
        "operator": key.operator,
        "organization": book.name(people_of.Organization, key.organization_id),
        "team": book.name(people_of.Team, key.team_id) or None,
        "project": book.name(people_of.Project, key.project_id) or None,
        "user": book.name(people_of.User, key.user_id) or None,
        "service_account": book.name(people_of.MachineAccount, key.service_id) or None,
        "tags": key.tags,
        "required_tags": key.required_tags,
        "endpoints": key.endpoints,
        "networks": key.networks,
        "revision": key.revision,
    }


def _print_issued(book: Book, issued: IssuedKey, key: Key, as_json: bool) -> None:
    if as_json:
        print_json({"key": issued.text, **_view(book, key, key.created_at)})
        return
    print_secret(issued.text)
    people().print(OK, visible(f"{key.name} ({key.key_id}). The key is shown only now; keep it safe."))
