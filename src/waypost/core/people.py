"""Who there is: organizations, teams, projects, people, service accounts, and what they may do.

Each is one object, with an id that never changes and a name that is unique among its kind in its organization. Times
are Unix seconds, UTC. `revision` is the version of the directory at which it was last changed.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

import msgspec

#: Where keys belong that were made without an organization.
DEFAULT: Final = "default"

Permission = Literal[
    "organizations:read",
    "organizations:write",
    "teams:read",
    "teams:write",
    "projects:read",
    "projects:write",
    "members:read",
    "members:write",
    "roles:read",
    "roles:write",
    "keys:read",
    "keys:write",
    "own_keys:write",
    "budgets:read",
    "budgets:write",
    "limits:read",
    "limits:write",
    "routes:read",
    "routes:write",
    "credits:read",
    "credentials:read",
    "credentials:write",
    "own_credentials:write",
    "usage:read",
    "own_usage:read",
    "tokens:read",
    "tokens:write",
    "audit:read",
    "gateway:read",
    "gateway:write",
]
"""`own_…`: of the caller's own only. `gateway:…`: of the installation, which only its operators have."""

PERMISSIONS: Final[tuple[Permission, ...]] = get_args(Permission)
_ALL: Final[frozenset[Permission]] = frozenset(PERMISSIONS)
_OWN: Final[frozenset[Permission]] = frozenset(("own_keys:write", "own_usage:read"))
_READ: Final[frozenset[Permission]] = frozenset(
    each for each in _ALL if each.endswith(":read") and not each.startswith("gateway:")
)
_MONEY: Final[frozenset[Permission]] = frozenset(("budgets:write", "limits:write", "usage:read"))
_LOOK: Final[frozenset[Permission]] = frozenset(
    ("teams:read", "projects:read", "budgets:read", "limits:read", "routes:read")
)
_GATEWAY: Final[frozenset[Permission]] = frozenset(("gateway:read", "gateway:write"))

#: The roles that every organization has.
ROLES: Final[dict[str, frozenset[Permission]]] = {
    "owner": _ALL - _GATEWAY,
    "admin": _ALL - _GATEWAY - {"organizations:write"},
    "billing": _READ - {"credentials:read", "tokens:read"} | _MONEY | _OWN,
    "developer": _LOOK | _OWN,
    "viewer": _LOOK | {"usage:read", "members:read"},
    "auditor": _READ,
}
#: What the operator of the installation may: everything, everywhere.
OPERATOR: Final = _ALL


class Organization(msgspec.Struct, frozen=True):
    """A tenant. Nothing of one is ever shown to another."""

    id: str
    name: str
    title: str = ""
    models: tuple[str, ...] = ()
    """Routes and models that anybody in it may use, as in `core.key.Key.models`. Empty: all."""
    suspended: bool = False
    """None of its keys works."""
    member_keys_max: int = 10
    """Keys that one member may make for themselves."""
    created_at: float = 0.0
    revision: int = 0
    route: str | None = None
    """The route that requests take when neither they nor their key and team name one; as `core.key.Key.route`."""


class Team(msgspec.Struct, frozen=True):
    """Part of an organization."""

    id: str
    organization_id: str
    name: str
    title: str = ""
    models: tuple[str, ...] = ()
    created_at: float = 0.0
    revision: int = 0
    route: str | None = None
    """The route that requests take when neither they nor their key name one; as `core.key.Key.route`."""


class Project(msgspec.Struct, frozen=True):
    """A use case or a cost centre, across teams."""

    id: str
    organization_id: str
    name: str
    title: str = ""
    cost_centre: str = ""
    models: tuple[str, ...] = ()
    created_at: float = 0.0
    revision: int = 0


class Role(msgspec.Struct, frozen=True):
    """An organization's own role, beside `ROLES`."""

    id: str
    organization_id: str
    name: str
    permissions: tuple[Permission, ...] = ()
    created_at: float = 0.0
    revision: int = 0


class User(msgspec.Struct, frozen=True):
    """A person. What they may do in an organization is in their membership of it."""

    id: str
    name: str
    """What they sign in with: their e-mail address, in lower case. Unique in the installation."""
    title: str = ""
    disabled: bool = False
    """They can not sign in, and none of their keys and tokens works."""
    operator: bool = False
    """They may do everything in every organization."""
    created_at: float = 0.0
    revision: int = 0


class TeamRole(msgspec.Struct, frozen=True):
    """What a member is in one team, beyond what they are in the organization."""

    team_id: str
    role: str = "developer"


class Member(msgspec.Struct, frozen=True):
    """A person in an organization."""

    id: str
    organization_id: str
    name: str
    """The user's id, so there is one for each user and organization."""
    role: str = "developer"
    teams: tuple[TeamRole, ...] = ()
    models: tuple[str, ...] = ()
    created_at: float = 0.0
    revision: int = 0


class MachineAccount(msgspec.Struct, frozen=True):
    """A program that has keys and tokens of its own."""

    id: str
    organization_id: str
    name: str
    title: str = ""
    role: str = "developer"
    teams: tuple[TeamRole, ...] = ()
    disabled: bool = False
    created_at: float = 0.0
    revision: int = 0


class Token(msgspec.Struct, frozen=True):
    """What a machine shows to the admin API. It may what its maker may now, and of that only its `permissions`."""

    id: str
    organization_id: str
    """Where it works. Empty: everywhere its maker may."""
    name: str
    digest: bytes
    """SHA-256 of its whole text."""
    hint: str
    made_by: str
    """`user:<id>`, `service:<id>`, or `operator` for one that was made on the machine itself."""
    permissions: tuple[Permission, ...] = ()
    """Empty: all that its maker has."""
    expires_at: float | None = None
    revoked_at: float | None = None
    created_at: float = 0.0
    revision: int = 0


class Invitation(msgspec.Struct, frozen=True):
    """A link by which a person joins an organization, once."""

    id: str
    organization_id: str
    name: str
    """The e-mail address it is for; whoever has the link can use it."""
    digest: bytes
    role: str = "developer"
    teams: tuple[TeamRole, ...] = ()
    made_by: str = ""
    expires_at: float = 0.0
    accepted_at: float | None = None
    created_at: float = 0.0
    revision: int = 0
