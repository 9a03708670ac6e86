"""Budgets and limits, of an organization and of the gateway itself."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from waypost.admin.ask import Ask
from waypost.admin.fields import Line, Name, Time, Usd, dollars, nano
from waypost.admin.places import user_named
from waypost.admin.resource import Resource
from waypost.admin.route import PREFIX
from waypost.core.budget import Budget, BudgetMode, BudgetPeriod
from waypost.core.limit import Limit, LimitPer, LimitUnit
from waypost.core.objects import Kind, Object
from waypost.core.people import MachineAccount, Organization, Permission, Project, Team, User
from waypost.core.scope import ASKED, EACH, ScopeKind
from waypost.errors import InvalidValue

Percent = Annotated[int, Meta(ge=1, le=1000)]
Thresholds = Annotated[tuple[Percent, ...], Meta(max_length=20)]
Amount = Annotated[int, Meta(ge=1, le=10**12)]
#: Scopes whose subjects are objects with a name, and how they are found.
_NAMED: dict[ScopeKind, tuple[Kind, type[Team] | type[Project] | type[MachineAccount]]] = {
    "team": ("team", Team),
    "project": ("project", Project),
    "service": ("service", MachineAccount),
}


class BudgetBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A budget, as it is to be."""

    scope: ScopeKind
    """What it hangs on."""
    subject: Line = EACH
    """The name of the team, the project or the service account, the e-mail address of the user, the id of the key, the
    name that requests use for all others. `*`: each one by itself; for `organization` and `gateway`, the one there
    is."""
    limit: Usd
    """How much may be spent in one period."""
    period: BudgetPeriod = "month"
    """How long a window is. `total`: for ever."""
    mode: BudgetMode = "hard"
    """`hard`: no request is admitted that could overshoot it. `soft`: it is told when it is exceeded."""
    anchor_at: Time | None = None
    """When its windows begin. None: with the calendar."""
    thresholds: Thresholds = (80, 100)
    """Per cent of the limit at which it is told."""
    raised_by: Usd = "0"
    """Added to the limit until `raised_until`."""
    raised_until: Time | None = None
    """When the raise ends."""
    on_exhausted: Line | None = None
    """A route that requests take once it is used up. None: they are refused."""


class BudgetView(msgspec.Struct, frozen=True, kw_only=True):
    """How much may be spent on a scope in a window of time, and how it stands."""

    id: str
    name: Name
    scope: ScopeKind
    subject: str
    limit: Usd
    period: BudgetPeriod
    mode: BudgetMode
    anchor_at: Time | None
    thresholds: tuple[int, ...]
    raised_by: Usd
    raised_until: Time | None
    on_exhausted: str | None
    spent: str | None
    """In this window; None where it is not known, such as for a budget that each one has by itself."""
    held: str | None
    """Of requests under way."""
    left: str | None
    """What can still be spent."""
    resets_at: Time | None
    """When the window ends."""
    created_at: Time
    revision: int


class Budgets(Resource):
    """Budgets. A role in a team is enough to see those of the team, and never to change what limits the team."""

    kind: Kind = "budget"
    word = "budget"
    plural = "budgets"
    read: tuple[Permission, ...] = ("budgets:read",)
    write: tuple[Permission, ...] = ("budgets:write",)
    body: type[Any] = BudgetBody
    view: type[Any] = BudgetView
    teams = True
    example: object = {"scope": "team", "subject": "search", "limit": "250.00", "period": "month"}

    def team_of(self, found: Any) -> str | None:
        """See `Resource`."""
        return found.scope_id if found.scope == "team" and found.scope_id != EACH else None

    async def build(self, ask: Ask, body: BudgetBody, old: Budget | None, name: str) -> Object:
        """See `Resource`."""
        scope_id = await subject_id(ask, body.scope, body.subject)
        raise_nusd = nano(body.raised_by, "raised_by")
        return Budget(
            **ask.made("budget", old),
            organization_id=ask.home,
            name=self.checked_name(name, old),
            scope=body.scope,
            scope_id=scope_id,
            limit_nusd=nano(body.limit, "limit"),
            period=body.period,
            mode=body.mode,
            anchor_at=body.anchor_at,
            thresholds=body.thresholds,
            raise_nusd=raise_nusd,
            raise_until=body.raised_until,
            on_exhausted=body.on_exhausted,
        )

    async def show(self, ask: Ask, found: Budget) -> BudgetView:
        """See `Resource`."""
        figures = ask.parts.figures
        stands = None if figures is None else await figures.of(found)
        return BudgetView(
            id=found.id,
            name=found.name,
            scope=found.scope,
            subject=subject(ask, found.scope, found.scope_id),
            limit=dollars(found.limit_nusd),
            period=found.period,
            mode=found.mode,
            anchor_at=found.anchor_at,
            thresholds=found.thresholds,
            raised_by=dollars(found.raise_nusd),
            raised_until=found.raise_until,
            on_exhausted=found.on_exhausted,
            spent=None if stands is None else dollars(stands.spent_nusd),
            held=None if stands is None else dollars(stands.held_nusd),
            left=None if stands is None else dollars(stands.left_nusd),
            resets_at=None if stands is None else stands.resets_at,
            created_at=found.created_at,
            revision=found.revision,
        )


class LimitBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A limit, as it is to be."""

    scope: ScopeKind
    """What it hangs on."""
    subject: Line = EACH
    """As of a budget."""
    unit: LimitUnit
    """What is counted."""
    amount: Amount
    """How much of it."""
    per: LimitPer = "minute"
    """In which time; for `concurrent` it says nothing."""


class LimitView(msgspec.Struct, frozen=True, kw_only=True):
    """How fast a scope may go."""

    id: str
    name: Name
    scope: ScopeKind
    subject: str
    unit: LimitUnit
    amount: int
    per: LimitPer
    created_at: Time
    revision: int


class Limits(Resource):
    """Limits. As of budgets."""

    kind: Kind = "limit"
    word = "limit"
    plural = "limits"
    read: tuple[Permission, ...] = ("limits:read",)
    write: tuple[Permission, ...] = ("limits:write",)
    body: type[Any] = LimitBody
    view: type[Any] = LimitView
    teams = True
    example: object = {"scope": "key", "subject": "*", "unit": "requests", "amount": 60, "per": "minute"}

    def team_of(self, found: Any) -> str | None:
        """See `Resource`."""
        return found.scope_id if found.scope == "team" and found.scope_id != EACH else None

    async def build(self, ask: Ask, body: LimitBody, old: Limit | None, name: str) -> Object:
        """See `Resource`."""
        return Limit(
            **ask.made("limit", old),
            organization_id=ask.home,
            name=self.checked_name(name, old),
            scope=body.scope,
            scope_id=await subject_id(ask, body.scope, body.subject),
            unit=body.unit,
            amount=body.amount,
            per=body.per,
        )

    async def show(self, ask: Ask, found: Limit) -> LimitView:
        """See `Resource`."""
        return LimitView(
            id=found.id,
            name=found.name,
            scope=found.scope,
            subject=subject(ask, found.scope, found.scope_id),
            unit=found.unit,
            amount=found.amount,
            per=found.per,
            created_at=found.created_at,
            revision=found.revision,
        )


class GatewayBudgets(Budgets):
    """Budgets that operators set on the whole gateway."""

    prefix = f"{PREFIX}/gateway"
    read = ("gateway:read",)
    write = ("gateway:write",)
    teams = False
    example: object = {"scope": "gateway", "limit": "10000", "period": "month"}


class GatewayLimits(Limits):
    """Limits that operators set on the whole gateway."""

    prefix = f"{PREFIX}/gateway"
    read = ("gateway:read",)
    write = ("gateway:write",)
    teams = False
    example: object = {"scope": "provider", "subject": "openai", "unit": "concurrent", "amount": 200}


async def subject_id(ask: Ask, scope: ScopeKind, name: str) -> str:
    """The id under which a rule stands. Raises InvalidValue for a subject that is not there."""
    if scope == "gateway":
        if ask.home or name != EACH:
            raise InvalidValue(
                "There is one gateway, and only its operators' rules hang on it.", param="scope"
            )
        return EACH
    if scope == "organization" and ask.home:
        if ask.organization is None or name not in (EACH, ask.organization.name):
            raise InvalidValue("It is this organization, or `*` for it.", param="subject")
        return ask.home
    if name == EACH or scope in ASKED:
        return name
    if scope == "user":
        user = await user_named(ask, name)
        found = None if user is None or not ask.home else await ask.named("member", user.id)
        if user is None or (ask.home and found is None):
            raise _absent("member", name)
        return user.id
    if scope == "key":
        key = await ask.blocking(ask.parts.keys.get, name)
        if key is None or (ask.home and key.organization_id != ask.home):
            raise _absent("key", name)
        return key.key_id
    if scope == "organization":
        return await _object_id(ask, "organization", name, "")
    kind, _ = _NAMED[scope]
    if not ask.home:
        raise InvalidValue("On the whole gateway each one of these has it by itself: `*`.", param="subject")
    return await _object_id(ask, kind, name, ask.home)


async def _object_id(ask: Ask, kind: Kind, name: str, home: str) -> str:
    found = await ask.named(kind, name, home)
    if found is None:
        raise _absent(kind, name)
    return found.id


def _absent(what: str, name: str) -> InvalidValue:
    return InvalidValue(f"There is no {what} {name[:80]!r} here.", param="subject")


def subject(ask: Ask, scope: ScopeKind, scope_id: str) -> str:
    """A subject as the API shows it; its id where its name is not known any more."""
    if scope in _NAMED:
        found = ask.directory.find(_NAMED[scope][1], scope_id)
        return scope_id if found is None else found.name
    if scope == "user":
        user = ask.directory.find(User, scope_id)
        return scope_id if user is None else user.name
    if scope == "organization":
        organization = ask.directory.find(Organization, scope_id)
        return scope_id if organization is None else organization.name
    return scope_id
