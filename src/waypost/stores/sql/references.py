"""What objects of the directory name of each other, asked inside the transaction that writes them.

Whoever calls has the directory locked (`objects.lock`), so that what was found is still there at the commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, TypeVar, cast

import msgspec
from sqlalchemy import ColumnElement, Connection, func, select

from waypost.core.budget import Budget
from waypost.core.credentials import Credential, CredentialOwner
from waypost.core.limit import Limit
from waypost.core.objects import KIND_OF, TYPES, Kind, Object
from waypost.core.org_route import ROUTES_MAX, OrgRoute
from waypost.core.people import (
    DEFAULT,
    ROLES,
    Invitation,
    MachineAccount,
    Member,
    Organization,
    Role,
    Team,
    TeamRole,
    Token,
    User,
)
from waypost.core.scope import EACH, ScopeKind
from waypost.errors import Conflict
from waypost.policy.checks import is_gateways_own
from waypost.stores.sql.tables import KEYS, OBJECTS

T = TypeVar("T", bound=Object)
Owner = Member | MachineAccount | Invitation

_DECODERS: Final = {kind: msgspec.msgpack.Decoder(found) for kind, found in TYPES.items()}
_KIND_OF_SCOPE: Final[dict[ScopeKind, Kind]] = {
    "organization": "organization",
    "team": "team",
    "project": "project",
    "service": "service",
}
#: What people call the kinds.
WORDS: Final[dict[Kind, str]] = {
    "organization": "organization",
    "team": "team",
    "project": "project",
    "role": "role",
    "user": "user",
    "member": "member",
    "service": "service account",
    "token": "token",
    "invitation": "invitation",
    "budget": "budget",
    "limit": "limit",
    "credential": "credential",
    "route": "route",
}
#: Kinds that keys belong to, and that rules can be set on.
_COLUMNS: Final[dict[Kind, ColumnElement[Any]]] = {
    "organization": KEYS.c.organization_id,
    "team": KEYS.c.team_id,
    "project": KEYS.c.project_id,
    "user": KEYS.c.user_id,
    "service": KEYS.c.service_id,
}
_SHOWN: Final = 3


def decoded(kind: Kind, record: bytes) -> Object:
    """The object of a row."""
    return _DECODERS[kind].decode(record)


def living(connection: Connection, kind: Kind, object_id: str) -> Object | None:
    """An object by its id, unless it is deleted."""
    query = select(OBJECTS.c.record).where(
        OBJECTS.c.kind == kind, OBJECTS.c.object_id == object_id, OBJECTS.c.deleted_at.is_(None)
    )
    record = connection.scalar(query)
    return None if record is None else decoded(kind, bytes(record))


def require_organization(connection: Connection, organization_id: str) -> None:
    """Refuse an organization that is not there. The built-in one always is."""
    if organization_id != DEFAULT and living(connection, "organization", organization_id) is None:
        raise _missing("organization", organization_id, "organization_id")


def require_at_home(connection: Connection, kind: Kind, object_id: str, home: str, param: str) -> None:
    """Refuse a team, project or service account that the organization does not have."""
    found = living(connection, kind, object_id)
    if found is None or getattr(found, "organization_id", None) != home:
        raise _missing(kind, object_id, param, home)


def require_membership(connection: Connection, user_id: str, home: str, param: str) -> None:
    """Refuse a person who is no member of the organization."""
    if not any(_of(connection, Member, OBJECTS.c.organization_id == home, OBJECTS.c.name == user_id)):
        raise Conflict(
            f"The user {user_id[:64]!r} is no member of the organization {home!r}. Make them one first.",
            param=param,
        )


def require_owners(
    connection: Connection,
    home: str,
    team_id: str | None = None,
    project_id: str | None = None,
    user_id: str | None = None,
    service_id: str | None = None,
) -> None:
    """Refuse what a key can not belong to: the organization, and its own team, project, member or service account.
    Operators may have keys everywhere."""
    require_organization(connection, home)
    if team_id is not None:
        require_at_home(connection, "team", team_id, home, "team_id")
    if project_id is not None:
        require_at_home(connection, "project", project_id, home, "project_id")
    if service_id is not None:
        require_at_home(connection, "service", service_id, home, "service_id")
    if user_id is not None:
        user = living(connection, "user", user_id)
        if user is None:
            raise _missing("user", user_id, "user_id")
        if not (isinstance(user, User) and user.operator):
            require_membership(connection, user_id, home, "user_id")


def require_named(connection: Connection, found: Object) -> None:
    """Refuse an object that belongs to, or names, one that is not there. Raises Conflict."""
    if isinstance(found, Organization | User):
        return
    if not is_gateways_own(found):
        require_organization(connection, found.organization_id)
    if isinstance(found, Member) and living(connection, "user", found.name) is None:
        raise _missing("user", found.name, "name")
    if isinstance(found, Member | MachineAccount | Invitation):
        _require_roles(connection, found)
    elif isinstance(found, Budget | Limit):
        _require_scope(connection, found)
    elif isinstance(found, Token) and found.revoked_at is None:
        _require_maker(connection, found)
    elif isinstance(found, Credential):
        _require_owner_of(connection, found)


def require_room(connection: Connection, found: Object) -> None:
    """Refuse one more route than an organization may have: all of them are kept ready in every node."""
    if not isinstance(found, OrgRoute):
        return
    mine = (OBJECTS.c.kind == "route", OBJECTS.c.organization_id == found.organization_id)
    query = select(func.count()).where(*mine, OBJECTS.c.deleted_at.is_(None))
    if int(connection.scalar(query) or 0) >= ROUTES_MAX:
        raise Conflict(
            f"An organization has at most {ROUTES_MAX} routes. Delete one that is not used any more.",
            param="name",
        )


def require_another_owner(connection: Connection, leaving: Member) -> None:
    """Refuse to take an organization its last owner who may use the gateway. One that is suspended may be cleared
    away."""
    organization = living(connection, "organization", leaving.organization_id)
    if isinstance(organization, Organization) and organization.suspended:
        return
    for each in _of(connection, Member, OBJECTS.c.organization_id == leaving.organization_id):
        if each.role == "owner" and each.id != leaving.id:
            user = living(connection, "user", each.name)
            if isinstance(user, User) and not user.disabled:
                return
    raise Conflict(
        "This is the last owner of the organization. Make somebody else an owner first.", param="role"
    )


def require_unneeded(connection: Connection, found: Object) -> None:
    """Refuse to delete what others still belong to. Raises Conflict, which names a few of them."""
    kind = KIND_OF[type(found)]
    needed = list(dict.fromkeys(_dependents(connection, kind, found)))
    if not needed:
        return
    shown = ", ".join(needed[:_SHOWN])
    more = f" and {len(needed) - _SHOWN} more" if len(needed) > _SHOWN else ""
    raise Conflict(
        f"The {WORDS[kind]} {found.name!r} is still needed by {shown}{more}. Delete, revoke or move them first.",
        param="id",
    )


def require_role_unused(connection: Connection, role: Role, what: str) -> None:
    """Refuse to change the name of a role that somebody has."""
    needed = [_told(each) for each in _with_role(connection, role)]
    if needed:
        raise Conflict(
            f"The role {role.name!r} can not {what} while {', '.join(needed[:_SHOWN])} "
            f"{'has' if len(needed) == 1 else 'have'} it. Give them another role first.",
            param="name",
        )


# --- what is named --------------------------------------------------------------------------------------------------


def _require_roles(connection: Connection, owner: Owner) -> None:
    home = owner.organization_id
    for each in owner.teams:
        require_at_home(connection, "team", each.team_id, home, "teams")
    _require_role(connection, home, owner.role, "role")
    for each in owner.teams:
        _require_role(connection, home, each.role, "teams")


def _require_role(connection: Connection, home: str, name: str, param: str) -> None:
    if name in ROLES:
        return
    if not any(_of(connection, Role, OBJECTS.c.organization_id == home, OBJECTS.c.name == name)):
        raise _missing("role", name, param, home, f" It has {', '.join(ROLES)} and its own roles.")


def _require_scope(connection: Connection, rule: Budget | Limit) -> None:
    scope, scope_id, home = rule.scope, rule.scope_id, rule.organization_id
    if scope_id == EACH:
        return
    if scope == "organization":
        if home not in ("", scope_id):
            raise _missing("organization", scope_id, "scope_id", home)
        require_organization(connection, scope_id)
    elif scope == "user":
        if living(connection, "user", scope_id) is None:
            raise _missing("user", scope_id, "scope_id")
        if home:
            require_membership(connection, scope_id, home, "scope_id")
    elif scope == "key":
        own = connection.scalar(select(KEYS.c.organization_id).where(KEYS.c.key_id == scope_id))
        if own is None or home not in ("", own):
            raise _missing("key", scope_id, "scope_id", home)
    elif (kind := _KIND_OF_SCOPE.get(scope)) is not None:
        found = living(connection, kind, scope_id)
        if found is None or home not in ("", getattr(found, "organization_id", None)):
            raise _missing(kind, scope_id, "scope_id", home)


def _require_maker(connection: Connection, token: Token) -> None:
    kind, _, maker_id = token.made_by.partition(":")
    if kind == "user" and living(connection, "user", maker_id) is None:
        raise _missing("user", maker_id, "made_by")
    if kind == "service":
        require_at_home(connection, "service", maker_id, token.organization_id, "made_by")


def _require_owner_of(connection: Connection, found: Credential) -> None:
    home = found.organization_id
    if found.owner == "team":
        require_at_home(connection, "team", found.owner_id, home, "owner_id")
    elif found.owner == "user":
        require_membership(connection, found.owner_id, home, "owner_id")


def _missing(kind: str, name: str, param: str, home: str = "", more: str = "") -> Conflict:
    word = WORDS.get(cast(Kind, kind), kind)
    where = f" in the organization {home!r}" if home else ""
    return Conflict(
        f"There is no {word} {name[:64]!r}{where}. Make it first, or name one that is there.{more}",
        param=param,
    )


def brought_by(
    connection: Connection, home: str, owner: CredentialOwner, owner_id: str
) -> Iterator[Credential]:
    """The credentials of a team or a member."""
    for each in _of(connection, Credential, OBJECTS.c.organization_id == home):
        if (each.owner, each.owner_id) == (owner, owner_id):
            yield each


# --- what is needed -------------------------------------------------------------------------------------------------


def _dependents(connection: Connection, kind: Kind, found: Object) -> Iterator[str]:
    if isinstance(found, Organization):
        for other in TYPES.values():
            yield from map(_told, _of(connection, other, OBJECTS.c.organization_id == found.id))
    elif isinstance(found, Team):
        for owner in _owners(connection, found.organization_id):
            if any(each.team_id == found.id for each in owner.teams):
                yield _told(owner)
    elif isinstance(found, User):
        for member in _of(connection, Member, OBJECTS.c.name == found.id):
            yield f"the membership of {member.organization_id!r}"
    elif isinstance(found, Role):
        yield from map(_told, _with_role(connection, found))
    if (column := _COLUMNS.get(kind)) is not None:
        yield from _keys(connection, column == found.id)
        yield from _rules(connection, kind, found.id)
    if isinstance(found, Team):
        yield from map(_told, brought_by(connection, found.organization_id, "team", found.id))
    if isinstance(found, User | MachineAccount):
        tokens = (token for token in _of(connection, Token) if token.revoked_at is None)
        yield from (_told(token) for token in tokens if token.made_by == f"{kind}:{found.id}")


def _owners(connection: Connection, home: str) -> Iterator[Owner]:
    """All who may have a role or a team. Invitations that were accepted are history."""
    here = OBJECTS.c.organization_id == home
    yield from _of(connection, Member, here)
    yield from _of(connection, MachineAccount, here)
    for invitation in _of(connection, Invitation, here):
        if invitation.accepted_at is None:
            yield invitation


def _with_role(connection: Connection, role: Role) -> Iterator[Owner]:
    for owner in _owners(connection, role.organization_id):
        if role.name in (owner.role, *_team_roles(owner.teams)):
            yield owner


def _team_roles(teams: Iterable[TeamRole]) -> Sequence[str]:
    return [each.role for each in teams]


def _rules(connection: Connection, scope: str, scope_id: str) -> Iterator[str]:
    """Budgets and limits on a scope, whoever set them."""
    rules: list[Budget | Limit] = [*_of(connection, Budget), *_of(connection, Limit)]
    yield from (_told(rule) for rule in rules if (rule.scope, rule.scope_id) == (scope, scope_id))


def _keys(connection: Connection, where: ColumnElement[bool]) -> Iterator[str]:
    """Keys that are not revoked: revoked ones stay for the history, whatever they belonged to."""
    query = (
        select(KEYS.c.key_id, KEYS.c.name).where(where, KEYS.c.revoked_at.is_(None)).order_by(KEYS.c.key_id)
    )
    for row in connection.execute(query):
        yield f"the key {row.name!r} ({row.key_id})"


def _of(connection: Connection, kind: type[T], *where: ColumnElement[Any]) -> Iterator[T]:
    query = select(OBJECTS.c.record).where(
        OBJECTS.c.kind == KIND_OF[kind], OBJECTS.c.deleted_at.is_(None), *where
    )
    decoder = _DECODERS[KIND_OF[kind]]
    for record in connection.scalars(query.order_by(OBJECTS.c.object_id)):
        yield cast(T, decoder.decode(bytes(record)))


def _told(found: Object) -> str:
    name = f" ({found.id})" if isinstance(found, Member) else ""
    return f"the {WORDS[KIND_OF[type(found)]]} {found.name!r}{name}"
