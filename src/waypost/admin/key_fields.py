"""What the API takes and shows of client keys."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from waypost.admin.fields import Line, Lines, Name, Time, Usd, dollars
from waypost.core.budget import BudgetPeriod
from waypost.core.key import Key, Priority
from waypost.core.people import MachineAccount, Organization, Project, Team, User
from waypost.policy.directory import Directory

Count = Annotated[int, Meta(ge=1, le=10**12)]
Overlap = Annotated[float, Meta(ge=0, le=2_592_000)]


class KeyBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A key, as it is to be made."""

    name: Line
    """What people call it."""
    user: Line | None = None
    """Whose it is: an e-mail address, an id, or `me`. It works only while they may."""
    service_account: Name | None = None
    """The service account whose it is."""
    team: Name | None = None
    """Its team, whose budgets and limits it counts to."""
    project: Name | None = None
    """Its project."""
    expires_at: Time | None = None
    """When it ends. None: never."""
    models: Lines = ()
    """Routes and models it may use: exact names, or patterns such as `openai/*`. Empty: all."""
    rpm: Count | None = None
    """Requests per minute."""
    budget: Usd | None = None
    """What it may spend in one period."""
    budget_per: BudgetPeriod = "total"
    """The budget's period."""
    log_content: bool | None = None
    """Whether bodies are logged. None: as the configuration says."""
    route: Line | None = None
    """The route its requests take when they name none."""
    priority: Priority = "normal"
    """Who waits when there is more to do than can be done."""
    tags: Lines = ()
    """What its requests are counted under."""
    required_tags: Lines = ()
    """Names of metadata that each request has to bring."""
    endpoints: Lines = ()
    """Operations it may ask for. Empty: all."""
    networks: Lines = ()
    """Where its requests may come from, as CIDR blocks. Empty: anywhere."""


class KeyPatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is to be changed; what is left out stays as it is. Whose it is never changes."""

    name: Line | UnsetType = UNSET
    team: Name | UnsetType | None = UNSET
    project: Name | UnsetType | None = UNSET
    expires_at: Time | UnsetType | None = UNSET
    models: Lines | UnsetType = UNSET
    rpm: Count | UnsetType | None = UNSET
    budget: Usd | UnsetType | None = UNSET
    budget_per: BudgetPeriod | UnsetType = UNSET
    log_content: bool | UnsetType | None = UNSET
    route: Line | UnsetType | None = UNSET
    priority: Priority | UnsetType = UNSET
    tags: Lines | UnsetType = UNSET
    required_tags: Lines | UnsetType = UNSET
    endpoints: Lines | UnsetType = UNSET
    networks: Lines | UnsetType = UNSET


class KeyView(msgspec.Struct, frozen=True, kw_only=True):
    """A client's key. Its text is never shown again."""

    id: str
    name: str
    hint: str
    """Its first characters and its last four."""
    organization: str
    user: str | None
    """The e-mail address of whose it is."""
    service_account: str | None
    team: str | None
    project: str | None
    expires_at: Time | None
    revoked_at: Time | None
    models: tuple[str, ...]
    rpm: int | None
    budget: Usd | None
    budget_per: BudgetPeriod
    log_content: bool | None
    route: str | None
    priority: Priority
    tags: tuple[str, ...]
    required_tags: tuple[str, ...]
    endpoints: tuple[str, ...]
    networks: tuple[str, ...]
    operator: bool
    made_by: str
    """`user:<id>`, `service:<id>`, or `operator`."""
    created_at: Time
    revision: int


class KeyMade(msgspec.Struct, frozen=True, kw_only=True):
    """A key with its text, which is shown this once."""

    text: str
    """What clients send. Store it now."""
    key: KeyView

    def __repr__(self) -> str:
        return f"KeyMade({self.key.hint})"


class RotateBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a key gets a new text."""

    overlap_s: Overlap = 0.0
    """Seconds for which the old one still works."""


def shown(directory: Directory, key: Key) -> KeyView:
    """A key as the API shows it; ids stand for what has no name any more."""
    organization = directory.find(Organization, key.organization_id)
    user, machine = directory.find(User, key.user_id), directory.find(MachineAccount, key.service_id)
    team, project = directory.find(Team, key.team_id), directory.find(Project, key.project_id)
    return KeyView(
        id=key.key_id,
        name=key.name,
        hint=key.hint,
        organization=key.organization_id if organization is None else organization.name,
        user=key.user_id if user is None else user.name,
        service_account=key.service_id if machine is None else machine.name,
        team=key.team_id if team is None else team.name,
        project=key.project_id if project is None else project.name,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        models=key.models,
        rpm=key.rpm,
        budget=None if key.budget_nusd is None else dollars(key.budget_nusd),
        budget_per=key.budget_per,
        log_content=key.log_content,
        route=key.route,
        priority=key.priority,
        tags=key.tags,
        required_tags=key.required_tags,
        endpoints=key.endpoints,
        networks=key.networks,
        operator=key.operator,
        made_by=key.made_by,
        created_at=key.created_at,
        revision=key.revision,
    )
