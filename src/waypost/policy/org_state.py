"""What there is of organizations, said as their file says it: by name, nothing by id. Pure.

It is what a file is compared with, and what an export is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final, Literal

import msgspec

from waypost.config.org_schema import (
    BudgetConfig,
    KeyConfig,
    LimitConfig,
    MachineConfig,
    MemberConfig,
    OrganizationConfig,
    OrgFile,
    PlaceConfig,
    ProjectConfig,
    RoleConfig,
    TeamConfig,
)
from waypost.config.org_trees import route_of
from waypost.config.values import render_moment
from waypost.core.budget import Budget
from waypost.core.key import Key
from waypost.core.limit import Limit
from waypost.core.money import render_usd
from waypost.core.objects import Object, home_of
from waypost.core.org_route import OrgRoute
from waypost.core.people import (
    DEFAULT,
    Invitation,
    MachineAccount,
    Member,
    Organization,
    Project,
    Role,
    Team,
    TeamRole,
    Token,
    User,
)
from waypost.core.scope import EACH, ScopeKind
from waypost.policy.directory import Directory

Part = Literal[
    "organization",
    "role",
    "route",
    "team",
    "project",
    "service_account",
    "user",
    "member",
    "key",
    "budget",
    "limit",
]
#: The list of an organization's file that has the entries of a part.
PART_OF: Final[dict[str, Part]] = {
    "roles": "role",
    "routes": "route",
    "teams": "team",
    "projects": "project",
    "service_accounts": "service_account",
    "members": "member",
    "keys": "key",
    "budgets": "budget",
    "limits": "limit",
}
#: Scopes of rules that keep what they are on from being deleted.
_RULED: Final[dict[ScopeKind, tuple[type[Team | Project | MachineAccount], Part]]] = {
    "team": (Team, "team"),
    "project": (Project, "project"),
    "service": (MachineAccount, "service_account"),
}
Address = tuple[Part, str, str]
"""A part, the organization's name (empty for a user), and the name."""


class PersonConfig(msgspec.Struct, frozen=True):
    """What an organization's file says of a person by their membership."""

    title: str | None = None


class Entry(msgspec.Struct, frozen=True):
    """One thing that is there."""

    value: msgspec.Struct
    """As the file would say it."""
    found: Object | Key
    """What it was said of, at the revision that a change relies on."""


class State(msgspec.Struct, frozen=True):
    """What there is."""

    entries: dict[Address, Entry]
    ambiguous: dict[tuple[str, str], tuple[str, ...]]
    """Names that several keys of an organization have: by the organization's name and theirs, the ids of the keys."""
    unsayable: dict[Address, str] = {}
    """Rules on keys that a file can not name, since they are revoked or share their name: the ids of the keys."""
    namesakes: dict[tuple[str, str], tuple[Entry, ...]] = {}
    """Keys that are not revoked, and not meant by the name they have in their organization."""
    needed: dict[Address, tuple[str, ...]] = {}
    """What can not be deleted because of what stands in no file: tokens, invitations, rules of the gateway."""


def read_state(directory: Directory, keys: Sequence[Key], now: float) -> State:
    """What a directory and these keys are. Revoked keys are nothing."""
    entries: dict[Address, Entry] = {}
    homes = {DEFAULT, *(each.id for each in directory.all(Organization))}
    names: dict[str, str] = {}
    for home in homes:
        organization = directory.find(Organization, home)
        if organization is not None:
            names[home] = organization.name
            entries["organization", organization.name, ""] = Entry(_organization(organization), organization)
    for user in directory.all(User):
        entries["user", "", user.name] = Entry(PersonConfig(user.title), user)
    chosen, ambiguous, others = _choose(keys, names, now)
    for (of, name), key in chosen.items():
        entries["key", of, name] = Entry(_key(directory, key), key)
    unsayable: dict[Address, str] = {}
    known = {key.key_id: key.name for key in chosen.values()} | {EACH: EACH}
    for part, found in _objects(directory):
        place = names.get(home_of(found))
        if place is None:
            continue
        value, name = _said(directory, found, known)
        entries[part, place, name] = Entry(value, found)
        if isinstance(found, Budget | Limit) and found.scope == "key" and found.scope_id not in known:
            unsayable[part, place, name] = found.scope_id
    namesakes = {
        place: tuple(Entry(_key(directory, key), key) for key in found) for place, found in others.items()
    }
    return State(entries, ambiguous, unsayable, namesakes, _needed(directory, names))


def exported(state: State, organization: str) -> OrganizationConfig:
    """An organization with everything that belongs to it; the entry for it has to be there."""
    found = state.entries["organization", organization, ""].value
    sections: dict[str, list[msgspec.Struct]] = {section: [] for section in PART_OF}
    section_of = {part: section for section, part in PART_OF.items()}
    for address in sorted(state.entries):
        part, home, _ = address
        if home == organization and part in section_of and address not in state.unsayable:
            sections[section_of[part]].append(state.entries[address].value)
    return msgspec.structs.replace(found, **sections)  # type: ignore[return-value]


def exported_file(state: State, organizations: Sequence[str]) -> OrgFile:
    """The file of these organizations."""
    return OrgFile(organizations=[exported(state, each) for each in organizations])


_Named = tuple[str, str]


def _choose(
    keys: Iterable[Key], names: dict[str, str], now: float
) -> tuple[dict[_Named, Key], dict[_Named, tuple[str, ...]], dict[_Named, list[Key]]]:
    """Of the keys that have a name in an organization, the one that is meant by it: the one that works, else the only
    one; the ids where none is; and all others."""
    named: dict[tuple[str, str], list[Key]] = {}
    for key in keys:
        if key.revoked_at is None and key.organization_id in names:
            named.setdefault((names[key.organization_id], key.name), []).append(key)
    chosen: dict[_Named, Key] = {}
    ambiguous: dict[_Named, tuple[str, ...]] = {}
    others: dict[_Named, list[Key]] = {}
    for place, found in named.items():
        living = [key for key in found if key.expires_at is None or key.expires_at > now] or found
        if len(living) == 1:
            chosen[place] = living[0]
        else:
            ambiguous[place] = tuple(key.key_id for key in living)
        if rest := [key for key in found if key is not chosen.get(place)]:
            others[place] = rest
    return chosen, ambiguous, others


def _needed(directory: Directory, names: dict[str, str]) -> dict[Address, tuple[str, ...]]:
    """What an open invitation, a token, or a rule of the gateway is about."""
    found: dict[Address, list[str]] = {}

    def by(kind: type[Team | Project | MachineAccount], part: Part, object_id: str, what: str) -> None:
        needed = directory.find(kind, object_id)
        if needed is not None and needed.organization_id in names:
            found.setdefault((part, names[needed.organization_id], needed.name), []).append(what)

    for invitation in directory.all(Invitation):
        if invitation.accepted_at is not None or invitation.organization_id not in names:
            continue
        what = f"the invitation of {invitation.name!r}"
        for role in {invitation.role, *(each.role for each in invitation.teams)}:
            found.setdefault(("role", names[invitation.organization_id], role), []).append(what)
        for each in invitation.teams:
            by(Team, "team", each.team_id, what)
    for token in directory.all(Token):
        kind, _, maker = token.made_by.partition(":")
        if kind == "service" and token.revoked_at is None:
            by(MachineAccount, "service_account", maker, f"the token {token.name!r}")
    rules: list[Budget | Limit] = [*directory.all(Budget), *directory.all(Limit)]
    for rule in rules:
        what = f"the gateway's {'budget' if isinstance(rule, Budget) else 'limit'} {rule.name!r}"
        if not rule.organization_id and rule.scope in _RULED:
            by(*_RULED[rule.scope], rule.scope_id, what)
    return {address: tuple(told) for address, told in found.items()}


def _objects(directory: Directory) -> Iterable[tuple[Part, Object]]:
    yield from (("role", each) for each in directory.all(Role))
    yield from (("route", each) for each in directory.all(OrgRoute))
    yield from (("team", each) for each in directory.all(Team))
    yield from (("project", each) for each in directory.all(Project))
    yield from (("service_account", each) for each in directory.all(MachineAccount))
    yield from (("member", each) for each in directory.all(Member))
    yield from (("budget", each) for each in directory.all(Budget))
    yield from (("limit", each) for each in directory.all(Limit))


def _said(directory: Directory, found: Object, keys: dict[str, str]) -> tuple[msgspec.Struct, str]:
    """What the file says of an object, and what it is called there."""
    match found:
        case Role():
            return RoleConfig(name=found.name, permissions=list(found.permissions)), found.name
        case OrgRoute():
            return route_of(found.name, found.tree), found.name
        case Team():
            return TeamConfig(
                name=found.name, title=found.title, models=list(found.models), route=found.route
            ), found.name
        case Project():
            return ProjectConfig(
                name=found.name,
                title=found.title,
                cost_centre=found.cost_centre,
                models=list(found.models),
            ), found.name
        case MachineAccount():
            return MachineConfig(
                name=found.name,
                title=found.title,
                role=found.role,
                teams=_places(directory, found.teams),
                disabled=found.disabled or None,
            ), found.name
        case Member():
            user = directory.find(User, found.name)
            email = found.name if user is None else user.name
            return MemberConfig(
                email=email,
                title=None if user is None else user.title or None,
                role=found.role,
                teams=_places(directory, found.teams),
                models=list(found.models),
            ), email
        case Budget():
            return _budget(directory, found, keys), found.name
        case Limit():
            return LimitConfig(
                name=found.name,
                unit=found.unit,
                amount=found.amount,
                per=found.per,
                scope=found.scope,
                subject=_subject(directory, found, keys),
            ), found.name
    raise TypeError(type(found).__name__)


def _organization(found: Organization) -> OrganizationConfig:
    return OrganizationConfig(
        name=found.name,
        title=found.title,
        models=list(found.models),
        member_keys_max=found.member_keys_max,
        suspended=found.suspended or None,
        route=found.route,
    )


def _budget(directory: Directory, found: Budget, keys: dict[str, str]) -> BudgetConfig:
    return BudgetConfig(
        name=found.name,
        limit=Decimal(render_usd(found.limit_nusd)),
        scope=found.scope,
        subject=_subject(directory, found, keys),
        period=found.period,
        mode=found.mode,
        windows_from=_moment(found.anchor_at),
        thresholds=list(found.thresholds),
        raised_by=Decimal(render_usd(found.raise_nusd)) if found.raise_nusd else None,
        raised_until=_moment(found.raise_until),
        on_exhausted=found.on_exhausted,
    )


def _key(directory: Directory, found: Key) -> KeyConfig:
    lists = ("models", "tags", "required_tags", "endpoints", "networks")
    return KeyConfig(
        name=found.name,
        team=_name(directory, Team, found.team_id),
        project=_name(directory, Project, found.project_id),
        user=_name(directory, User, found.user_id),
        service_account=_name(directory, MachineAccount, found.service_id),
        expires=_moment(found.expires_at),
        rpm=found.rpm,
        budget=None if found.budget_nusd is None else Decimal(render_usd(found.budget_nusd)),
        budget_per=found.budget_per,
        route=found.route,
        priority=found.priority,
        log_content=found.log_content,
        operator=found.operator,
        **{name: list(getattr(found, name)) for name in lists},
    )


def _subject(directory: Directory, rule: Budget | Limit, keys: dict[str, str]) -> str:
    if rule.scope_id == EACH or rule.scope in ("organization", "gateway"):
        return EACH
    if rule.scope == "key":
        return keys.get(rule.scope_id, rule.scope_id)
    kinds: dict[str, type[Object]] = {
        "team": Team,
        "project": Project,
        "service": MachineAccount,
        "user": User,
    }
    kind = kinds.get(rule.scope)
    return rule.scope_id if kind is None else _name(directory, kind, rule.scope_id) or rule.scope_id


def _places(directory: Directory, teams: Sequence[TeamRole]) -> list[PlaceConfig]:
    return [
        PlaceConfig(team=_name(directory, Team, each.team_id) or each.team_id, role=each.role)
        for each in teams
    ]


def _name(directory: Directory, kind: type[Object], object_id: str | None) -> str | None:
    if object_id is None:
        return None
    found = directory.find(kind, object_id)
    return object_id if found is None else found.name


def _moment(at: float | None) -> str | None:
    return None if at is None else render_moment(at)


_OWN: Final = Organization(id=DEFAULT, name=DEFAULT)
#: What there is before anything was made: the organization that is built in.
NOTHING: Final = State({("organization", DEFAULT, ""): Entry(_organization(_OWN), _OWN)}, {})
