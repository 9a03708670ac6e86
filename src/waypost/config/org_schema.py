"""The shape of an organization's file (`waypost apply`). The text under each field is its documentation in editors.

Everything is said by name. A field that is left out has its default, except where its text says that it stays.
"""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Struct, field

from waypost.config.kinds import Dollars
from waypost.config.route_schema import RouteConfig
from waypost.core.budget import BudgetMode, BudgetPeriod
from waypost.core.key import Priority
from waypost.core.limit import LimitPer, LimitUnit
from waypost.core.people import Permission
from waypost.core.scope import EACH, ScopeKind

Slug = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9][a-z0-9._-]*$",
        max_length=63,
        extra={"expected": "a name of at most 63 of a–z, 0–9, `.`, `_` and `-`", "label": "name"},
    ),
]
Email = Annotated[
    str,
    Meta(
        pattern=r"^[^\s@]{1,64}@[^\s@]{1,189}$",
        extra={"expected": "an e-mail address such as ann@example.com", "label": "e-mail address"},
    ),
]
Line = Annotated[
    str,
    Meta(min_length=1, max_length=200, extra={"expected": "a text of 1 to 200 characters", "label": "text"}),
]
Title = Annotated[
    str, Meta(max_length=200, extra={"expected": "a text of at most 200 characters", "label": "text"})
]
Moment = Annotated[
    str,
    Meta(
        pattern=r"^(\d{4}-\d\d-\d\d([T ][0-9:.]+(Z|[+-]\d\d:\d\d)?)?|@-?[0-9.]+(e[+-]?\d+)?)$",
        examples=["2027-01-31", "2027-01-31T12:00:00Z"],
        extra={"expected": "a date such as 2027-01-31 or 2027-01-31T12:00:00Z", "label": "date"},
    ),
]
Usd = Annotated[
    Dollars,
    Meta(
        extra={
            "expected": "an amount of USD, such as 250 or 0.25",
            "label": "price",
            "most": "1000000000",
        }
    ),
]
Amount = Annotated[int, Meta(ge=1, le=10**12)]
Percent = Annotated[int, Meta(ge=1, le=1000)]


class PlaceConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What somebody is in one team, beyond what they are in the organization."""

    team: Slug
    """The team."""
    role: Slug = "developer"
    """Their role there."""


class TeamConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A part of the organization."""

    name: Slug
    """Its name."""
    title: Title = ""
    """What people call it."""
    models: list[Line] = []
    """Routes and models that may be used in it: exact names, or patterns such as `openai/*`. Empty: all."""
    route: Line | None = None
    """The route that its requests take when neither they nor their key name one."""


class ProjectConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A use case or a cost centre, across teams."""

    name: Slug
    """Its name."""
    title: Title = ""
    """What people call it."""
    cost_centre: Title = ""
    """Where its costs are booked."""
    models: list[Line] = []
    """Routes and models that may be used in it. Empty: all."""


class RoleConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A role of the organization's own, beside those that every organization has."""

    name: Slug
    """Its name."""
    permissions: list[Permission] = []
    """What it allows."""


class MachineConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A program that has keys and tokens of its own."""

    name: Slug
    """Its name."""
    title: Title = ""
    """What people call it."""
    role: Slug = "developer"
    """What it may do in the organization."""
    teams: list[PlaceConfig] = []
    """What it is in teams."""
    disabled: bool | None = None
    """None of its keys and tokens works. Left out, it stays as it is."""


class MemberConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A person in the organization. Whoever the gateway does not know yet is made known."""

    email: Email
    """Their e-mail address."""
    title: Title | None = None
    """What they are called, in the whole gateway. Left out, it stays as it is."""
    role: Slug = "developer"
    """What they may do in the organization."""
    teams: list[PlaceConfig] = []
    """What they are in teams."""
    models: list[Line] = []
    """Routes and models that they may use. Empty: all."""


class KeyConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A client's key. Its text is shown when it is made, and stands in no file. To whom it belongs never changes."""

    name: Line
    """What it is called. Of the keys that are not revoked, only one in the organization may have it."""
    team: Slug | None = None
    """Its team, whose budgets and limits it counts to."""
    project: Slug | None = None
    """Its project."""
    user: Email | None = None
    """The member whose it is: it works only while they may."""
    service_account: Slug | None = None
    """The service account whose it is, in place of a member."""
    expires: Moment | None = None
    """When it ends, in UTC. Left out: never."""
    models: list[Line] = []
    """Routes and models it may use. Empty: all."""
    rpm: Amount | None = None
    """Requests per minute. Left out: no limit."""
    budget: Usd | None = None
    """What it may spend in one period. Left out: no limit of its own."""
    budget_per: BudgetPeriod = "total"
    """The period of its budget."""
    route: Line | None = None
    """The route its requests take when they name none."""
    priority: Priority = "normal"
    """Who waits when there is more to do than can be done."""
    log_content: bool | None = None
    """Whether bodies are logged. Left out: as the configuration says."""
    operator: bool = False
    """It may also rehearse outages and look at other keys' requests. This never changes."""
    tags: list[Line] = []
    """What its requests are counted under."""
    required_tags: list[Line] = []
    """Names of metadata that each request has to bring."""
    endpoints: list[Line] = []
    """What it may ask for, such as `chat` or `embeddings`. Empty: all."""
    networks: list[Line] = []
    """Where its requests may come from, as CIDR blocks. Empty: anywhere."""


class BudgetConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How much may be spent on a scope in a window of time."""

    name: Slug
    """Its name."""
    limit: Usd
    """The most that may be spent in one window."""
    scope: ScopeKind = "organization"
    """What it hangs on."""
    subject: Line = EACH
    """Which one: a team's, project's or service account's name, a member's e-mail address, a key's name, or what
    requests say. `*`: each one by itself; for `organization`, this one."""
    period: BudgetPeriod = "month"
    """How long a window is."""
    mode: BudgetMode = "hard"
    """`hard`: no request is admitted that could overshoot it. `soft`: it is told when it is exceeded."""
    windows_from: Moment | None = None
    """When its windows begin. Left out: with the calendar, in UTC."""
    thresholds: Annotated[list[Percent], Meta(max_length=20)] = field(default_factory=lambda: [80, 100])
    """Per cent of the limit at which it is told."""
    raised_by: Usd | None = None
    """Added to the limit until `raised_until`. Left out, a raise stays as it is."""
    raised_until: Moment | None = None
    """When the raise ends. Left out, it stays as it is."""
    on_exhausted: Line | None = None
    """The route that requests take once it is used up. Left out: they are refused."""


class LimitConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How fast a scope may go."""

    name: Slug
    """Its name."""
    unit: LimitUnit
    """What is counted; `concurrent`: requests under way at once."""
    amount: Amount
    """How much of it."""
    per: LimitPer = "minute"
    """In which time."""
    scope: ScopeKind = "organization"
    """What it hangs on."""
    subject: Line = EACH
    """Which one, as of a budget."""


class OrganizationConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An organization and what belongs to it. A list that is left out is left alone, also with `--prune`."""

    name: Slug
    """Its name."""
    title: Title = ""
    """What people call it."""
    models: list[Line] = []
    """Routes and models that anybody in it may use. Empty: all."""
    member_keys_max: Annotated[int, Meta(ge=0, le=10_000)] = 10
    """How many keys each member may make for themselves."""
    suspended: bool | None = None
    """None of its keys works. Left out, it stays as it is."""
    route: Line | None = None
    """The route that its requests take when neither they nor their key and team name one."""
    roles: list[RoleConfig] | None = None
    """Roles of its own."""
    routes: list[RouteConfig] | None = None
    """Routes of its own, each as `routes` of the configuration has them, without `prices`."""
    teams: list[TeamConfig] | None = None
    """Its teams."""
    projects: list[ProjectConfig] | None = None
    """Its projects."""
    service_accounts: list[MachineConfig] | None = None
    """Its service accounts."""
    members: list[MemberConfig] | None = None
    """Who is in it."""
    keys: list[KeyConfig] | None = None
    """Its keys."""
    budgets: list[BudgetConfig] | None = None
    """Its budgets."""
    limits: list[LimitConfig] | None = None
    """Its limits."""


class OrgFile(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What organizations of a gateway there are to be, for `waypost apply`."""

    organizations: Annotated[list[OrganizationConfig], Meta(min_length=1)]
    """The organizations. One that is not named here is left alone."""


#: The lists of an organization, in the order in which they are made: what is named comes before what names it.
SECTIONS: Final[tuple[str, ...]] = (
    "roles",
    "routes",
    "teams",
    "projects",
    "service_accounts",
    "members",
    "keys",
    "budgets",
    "limits",
)
