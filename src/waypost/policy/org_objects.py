"""The objects and keys that a step of a plan makes of what a file says. Pure: ids are asked for by name."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, cast

import msgspec

from waypost.config.org_schema import BudgetConfig, LimitConfig, PlaceConfig
from waypost.config.org_trees import render_tree
from waypost.config.route_schema import RouteConfig
from waypost.config.values import parse_moment
from waypost.core.budget import Budget
from waypost.core.key import Key, KeyChanges
from waypost.core.limit import Limit
from waypost.core.money import parse_usd
from waypost.core.objects import Object
from waypost.core.org_route import OrgRoute
from waypost.core.people import (
    MachineAccount,
    Member,
    Organization,
    Project,
    Role,
    Team,
    TeamRole,
    User,
)
from waypost.core.scope import EACH, ScopeKind
from waypost.policy.org_plan import Step
from waypost.policy.org_state import Part

Rule = BudgetConfig | LimitConfig
Ids = Callable[[Part, str, str], str]
"""The id of a part, by its organization's name (empty for a user) and its own."""

TYPES: Final[dict[Part, type[Object]]] = {
    "organization": Organization,
    "role": Role,
    "route": OrgRoute,
    "team": Team,
    "project": Project,
    "service_account": MachineAccount,
    "user": User,
    "member": Member,
    "budget": Budget,
    "limit": Limit,
}
#: Scopes whose subjects are parts of the organization.
PART_OF_SCOPE: Final[dict[ScopeKind, Part]] = {
    "team": "team",
    "project": "project",
    "service": "service_account",
    "user": "user",
    "key": "key",
}
#: What fields of the file are called where they differ.
_FIELDS: Final[dict[str, str]] = {
    "limit": "limit_nusd",
    "budget": "budget_nusd",
    "raised_by": "raise_nusd",
    "windows_from": "anchor_at",
    "raised_until": "raise_until",
    "expires": "expires_at",
    "subject": "scope_id",
    "user": "user_id",
}
#: Of keys: what they belong to.
_OWNERS: Final[dict[str, Part]] = {"team": "team", "project": "project", "service_account": "service_account"}
_OWNER_IDS: Final = {"team": "team_id", "project": "project_id", "service_account": "service_id"}


def object_of(step: Step, ids: Ids, fresh_id: str, now: float) -> Object:
    """The object as it is to be. One that is there keeps all that does not change."""
    values = _values(step, ids)
    if step.entry is not None:
        return msgspec.structs.replace(step.entry.found, **values)  # type: ignore[return-value]
    kind: Any = TYPES[step.part]
    if step.part not in ("organization", "user"):
        values["organization_id"] = ids("organization", step.organization, "")
    values["name"] = _called(step, ids)
    return kind(id=fresh_id, created_at=now, **values)  # type: ignore[no-any-return]


def key_of(step: Step, ids: Ids, now: float) -> Key:
    """A key that may what it is to; its id and its secret are made where it is stored."""
    return Key(
        key_id="new",
        name=step.name,
        digest=b"",
        hint="",
        created_at=now,
        organization_id=ids("organization", step.organization, ""),
        made_by="operator",
        **_values(step, ids),
    )


def key_changes_of(step: Step, ids: Ids) -> KeyChanges:
    """What changes of a key."""
    return KeyChanges(**_values(step, ids))


def _called(step: Step, ids: Ids) -> str:
    if step.part == "organization":
        return step.organization
    return ids("user", "", step.name) if step.part == "member" else step.name


def _values(step: Step, ids: Ids) -> dict[str, Any]:
    """The fields of the object that the step sets; a new one needs those that have no default too."""
    if isinstance(step.value, RouteConfig):
        return {"tree": render_tree(step.value)}
    told = {change.field for change in step.fields}
    if isinstance(step.value, BudgetConfig | LimitConfig):
        needed = ("limit",) if isinstance(step.value, BudgetConfig) else ("unit", "amount")
        if step.entry is None:
            told |= {"scope", "subject", *needed}
        elif "scope" in told:
            told.add("subject")
    values: dict[str, Any] = {}
    for field in told:
        name, value = _value(step, field, getattr(step.value, field), ids)
        values[name] = value
    return values


def _value(step: Step, field: str, value: object, ids: Ids) -> tuple[str, object]:
    if field in _OWNERS and step.part == "key":
        owner = None if value is None else ids(_OWNERS[field], step.organization, str(value))
        return _OWNER_IDS[field], owner
    name = _FIELDS.get(field, field)
    if isinstance(value, Decimal):
        return name, parse_usd(value)
    if field in ("windows_from", "raised_until", "expires"):
        return name, None if value is None else parse_moment(str(value))
    if field == "user":
        return name, None if value is None else ids("user", "", str(value))
    if field == "subject":
        return name, _scope_id(step, cast(Rule, step.value), ids)
    if isinstance(value, list):
        return name, tuple(
            TeamRole(ids("team", step.organization, each.team), each.role)
            if isinstance(each, PlaceConfig)
            else each
            for each in value
        )
    if value is None and field == "title":
        return name, ""
    return name, value


def _scope_id(step: Step, rule: Rule, ids: Ids) -> str:
    if rule.scope == "organization":
        return ids("organization", step.organization, "")
    part = PART_OF_SCOPE.get(rule.scope)
    if rule.subject == EACH or part is None:
        return rule.subject
    return ids(part, "" if part == "user" else step.organization, rule.subject)
