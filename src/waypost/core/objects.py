"""The objects of the directory: everything about people and rules that is looked up by id or by name."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import msgspec

from waypost.core.budget import Budget
from waypost.core.credentials import Credential
from waypost.core.limit import Limit
from waypost.core.org_route import OrgRoute
from waypost.core.people import (
    Invitation,
    MachineAccount,
    Member,
    Organization,
    Project,
    Role,
    Team,
    Token,
    User,
)

Kind = Literal[
    "organization",
    "team",
    "project",
    "role",
    "user",
    "member",
    "service",
    "token",
    "invitation",
    "budget",
    "limit",
    "credential",
    "route",
]
Object: TypeAlias = (
    Organization
    | Team
    | Project
    | Role
    | User
    | Member
    | MachineAccount
    | Token
    | Invitation
    | Budget
    | Limit
    | Credential
    | OrgRoute
)
"""Each has `id`, `name`, `created_at` and `revision`, and `organization_id` unless it is an organization or a user."""

TYPES: Final[dict[Kind, type[Object]]] = {
    "organization": Organization,
    "team": Team,
    "project": Project,
    "role": Role,
    "user": User,
    "member": Member,
    "service": MachineAccount,
    "token": Token,
    "invitation": Invitation,
    "budget": Budget,
    "limit": Limit,
    "credential": Credential,
    "route": OrgRoute,
}
KIND_OF: Final[dict[type[object], Kind]] = {found: kind for kind, found in TYPES.items()}
#: What an id of each kind begins with.
PREFIXES: Final[dict[Kind, str]] = {
    "organization": "org",
    "team": "team",
    "project": "proj",
    "role": "role",
    "user": "user",
    "member": "mem",
    "service": "svc",
    "token": "tok",
    "invitation": "inv",
    "budget": "bud",
    "limit": "lim",
    "credential": "cred",
    "route": "rte",
}


class Change(msgspec.Struct, frozen=True):
    """One object as it was written or deleted at a revision."""

    kind: Kind
    object: Object
    deleted: bool = False


def home_of(found: Object) -> str:
    """The id of the organization that it belongs to; empty for organizations, users, and what is the gateway's own."""
    return "" if isinstance(found, Organization | User) else found.organization_id
