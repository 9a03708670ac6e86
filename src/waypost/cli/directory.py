"""The directory of a data folder as commands see it: opened, searched by names or ids, changed, and shown."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from waypost.cli.exits import Exit
from waypost.cli.output import OK, fail, people, print_json, print_secret, table, visible
from waypost.core.objects import KIND_OF, PREFIXES, Kind, Object, home_of
from waypost.core.people import DEFAULT, Organization, TeamRole, User
from waypost.errors import Conflict

if TYPE_CHECKING:
    from waypost.policy.directory import Directory
    from waypost.stores.sql.credits import CreditRows
    from waypost.stores.sql.keys import KeyRows
    from waypost.stores.sql.objects import ObjectRows

T = TypeVar("T", bound=Object)

#: What people call the kinds, and the group of commands of each.
_WORDS: dict[Kind, tuple[str, str]] = {
    "organization": ("organization", "orgs"),
    "team": ("team", "teams"),
    "project": ("project", "projects"),
    "role": ("role", "roles"),
    "user": ("user", "users"),
    "member": ("member", "members"),
    "service": ("service account", "machines"),
    "token": ("token", "tokens"),
    "invitation": ("invitation", "invitations"),
    "budget": ("budget", "budgets"),
    "limit": ("limit", "limits"),
    "credential": ("credential", "credentials"),
    "route": ("route", "routes"),
}
_ID_DIGITS = 16


class Book:
    """What the data folder holds of the directory, read once. Changes are checked again where they are written."""

    def __init__(self, rows: ObjectRows, keys: KeyRows, credits: CreditRows, now: float) -> None:
        from waypost.policy.directory import Directory

        self.directory: Directory = Directory()
        self.directory.apply(*rows.changed(0))
        self.keys = keys
        self.credits = credits
        self.now = now
        self._rows = rows

    def organization(self, text: str) -> Organization:
        """The organization with this id or name."""
        own = self.directory.find(Organization, DEFAULT)
        if own is not None and text in (own.id, own.name):
            return own
        return self.one(Organization, "", text)

    def one(self, kind: type[T], home: str, text: str) -> T:
        """The object of an organization with this id, else with this name."""
        found = self.find(kind, home, text)
        if found is None:
            word, group = _WORDS[KIND_OF[kind]]
            where = f" in the organization {self.name(Organization, home)!r}" if home else ""
            hint = f" --org {self.name(Organization, home)}" if home else ""
            fail(f"There is no {word} {text!r}{where}.", hint=f"waypost {group} list{hint} shows them.")
        return found

    def find(self, kind: type[T], home: str, text: str) -> T | None:
        """As `one`; None when there is none."""
        found = self.directory.find(kind, text)
        if found is not None and home_of(found) == home:
            return found
        wanted = text.lower() if kind is User else text
        return next((each for each in self.of(kind, home) if each.name == wanted), None)

    def of(self, kind: type[T], home: str) -> list[T]:
        """All of an organization, by name."""
        found = (each for each in self.directory.all(kind) if home_of(each) == home)
        return sorted(found, key=lambda each: each.name)

    def name(self, kind: type[T], object_id: str | None) -> str:
        """What people call an object: its name, or its id where it is not there any more."""
        found = self.directory.find(kind, object_id)
        return object_id or "" if found is None else found.name

    def put(self, found: T) -> T:
        """Add an object, or replace the one that was read. Raises Conflict and InvalidRequest."""
        from typing import cast

        return cast(T, self._rows.put(found, revision=found.revision))

    def change(
        self, found: T, given: Mapping[str, object | None], hint: str, emptied: Collection[str] = ()
    ) -> T:
        """Change what of an object is given; of the `emptied` fields an empty text takes away what is there.

        Ends the command when nothing is given, with a hint. Raises as `put`.
        """
        changes = {
            field: None if field in emptied and value == "" else value
            for field, value in given.items()
            if value is not None
        }
        require_changes(changes, hint)
        return self.put(msgspec.structs.replace(found, **changes))

    def delete(self, found: Object) -> None:
        """Delete what was read. Raises Conflict."""
        kind = KIND_OF[type(found)]
        if not self._rows.delete(kind, found.id, revision=found.revision or None):
            raise Conflict(f"There is no {_WORDS[kind][0]} {found.name!r} any more.")


def open_book(data: Path, *, create: bool = False) -> Book:
    """The directory of a data folder; ends the command when there is none and none is to be made."""
    book = find_book(data, create=create)
    if book is None:
        fail(
            f"There is no gateway data in the folder {data}.",
            hint="Name the folder with --data, or make a first key: waypost keys create --name app",
        )
    return book


def find_book(data: Path, *, create: bool = False) -> Book | None:
    """The directory of a data folder; None when there is none and none is to be made."""
    from waypost.app.clock import SystemClock
    from waypost.cli.surroundings import open_database
    from waypost.stores.sql.credits import CreditRows
    from waypost.stores.sql.keys import KeyRows
    from waypost.stores.sql.objects import ObjectRows

    database = open_database(data, create=create)
    if database is None:
        return None
    rows = ObjectRows(database, SystemClock.wall, owners_stay=False)
    return Book(rows, KeyRows(database), CreditRows(database), SystemClock.wall())


def new_id(kind: Kind) -> str:
    """An id that nobody has."""
    import secrets

    from waypost.core.keytext import base62

    return f"{PREFIXES[kind]}_{base62(secrets.token_bytes, _ID_DIGITS)}"


def texts(given: Sequence[str] | None) -> tuple[str, ...]:
    """What an option that may be repeated, or has commas, was given."""
    return tuple(one.strip() for item in given or () for one in item.split(",") if one.strip())


def team_roles(book: Book, home: str, given: Sequence[str] | None) -> tuple[TeamRole, ...]:
    """`web` or `web:admin` as what somebody is in a team."""
    from waypost.core.people import Team

    told = (text.partition(":") for text in texts(given))
    return tuple(TeamRole(book.one(Team, home, team).id, role or "developer") for team, _, role in told)


def shown_teams(book: Book, teams: Iterable[TeamRole]) -> list[dict[str, str]]:
    """What somebody is in teams, with the names of the teams."""
    from waypost.core.people import Team

    return [{"team": book.name(Team, each.team_id), "role": each.role} for each in teams]


def require_changes(changes: dict[str, object], hint: str) -> None:
    """End the command when it was told to change nothing."""
    if not changes:
        fail("Nothing to change was given.", Exit.USAGE, hint)


def print_done(view: dict[str, object], as_json: bool, done: str) -> None:
    """What a change has made of an object."""
    if as_json:
        print_json(view)
        return
    people().print(OK, visible(f"{_called(view)} ({view['id']}) {done}"))


def print_issued(view: dict[str, object], text: str, as_json: bool, done: str) -> None:
    """What was made, with the text that is stored nowhere, this once."""
    if as_json:
        print_json({"token": text, **view})
        return
    print_secret(text)
    people().print(OK, visible(f"{_called(view)} ({view['id']}) {done}"))


def print_one(view: dict[str, object], as_json: bool) -> None:
    """One object, whole."""
    if as_json:
        print_json(view)
        return
    shown = table("", "")
    for name, value in view.items():
        shown.add_row(name.replace("_", " "), visible(_cell(name, value)))
    people().print(shown)


def print_list(views: Sequence[dict[str, object]], as_json: bool, columns: Sequence[str], empty: str) -> None:
    """Objects of a kind, a line each."""
    if as_json:
        for view in views:
            print_json(view)
        return
    if not views:
        people().print(empty, markup=False)
        return
    shown = table(*(column.replace("_", " ") for column in columns))
    for view in views:
        shown.add_row(*(visible(_cell(column, view[column])) for column in columns))
    people().print(shown)


def print_gone(found: Object, as_json: bool) -> None:
    """What was deleted."""
    if as_json:
        print_json({"id": found.id, "name": found.name, "deleted": True})
        return
    people().print(OK, visible(f"{found.name} ({found.id}) is deleted"))


def _called(view: Mapping[str, object]) -> object:
    """What people call it: people by their address."""
    return view["email"] if "email" in view else view["name"]


def _cell(name: str, value: object) -> str:
    from waypost.cli.output import show_time

    if name.endswith("_at") and isinstance(value, float):
        return show_time(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(_cell("", each) for each in value) or ("all" if name == "models" else "–")
    if isinstance(value, msgspec.Raw):
        return bytes(value).decode()
    if isinstance(value, dict):
        return ":".join(str(each) for each in value.values())
    return "–" if value is None or value == "" else str(value)
