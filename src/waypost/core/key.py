"""A client's key, as the gateway knows it: never the secret, only its SHA-256."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Literal

import msgspec

from waypost.core.budget import BudgetPeriod
from waypost.core.people import DEFAULT

Priority = Literal["high", "normal", "low"]


class Key(msgspec.Struct, frozen=True):
    """One virtual key. Times are Unix seconds, UTC; money is nano-dollars."""

    key_id: str
    name: str
    digest: bytes
    """SHA-256 of the whole key text, 32 bytes."""
    hint: str
    """What may be shown of the key: its first characters and its last four."""
    created_at: float
    expires_at: float | None = None
    revoked_at: float | None = None
    models: tuple[str, ...] = ()
    """Routes and models it may use: exact names or `provider/*` globs. Empty: all."""
    rpm: int | None = None
    budget_nusd: int | None = None
    budget_per: BudgetPeriod = "total"
    log_content: bool | None = None
    route: str | None = None
    """The route its requests take when they name none; whatever model they name."""
    priority: Priority = "normal"
    """Who waits, and who is turned away first, when there is more to do than can be done."""
    operator: bool = False
    """It may also rehearse outages and look at other keys' exchanges."""
    organization_id: str = DEFAULT
    team_id: str | None = None
    project_id: str | None = None
    user_id: str | None = None
    """The person it belongs to: it works only while they may."""
    service_id: str | None = None
    """The service account it belongs to, likewise."""
    tags: tuple[str, ...] = ()
    """What each of its requests is counted under, beside the tags that requests bring."""
    required_tags: tuple[str, ...] = ()
    """Names of metadata that each request has to bring."""
    endpoints: tuple[str, ...] = ()
    """Operations it may ask for, such as `chat` or `embeddings`. Empty: all."""
    networks: tuple[str, ...] = ()
    """Where its requests may come from, as CIDR blocks. Empty: anywhere."""
    made_by: str = ""
    """`user:<id>`, `service:<id>` or `operator`."""
    revision: int = 0
    """The version of the keys at which it was last changed."""

    def may_use(self, *names: str) -> bool:
        """Whether any of a matched route's names is allowed to this key."""
        return not self.models or matches(self.models, names)


def matches(patterns: tuple[str, ...], names: tuple[str, ...]) -> bool:
    """Whether any of the names is one of these, or fits a glob among them."""
    return any(fnmatchcase(name, pattern) for pattern in patterns for name in names)


class KeyChanges(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may change of a key once it is made; what is unset stays. To whom it belongs never changes."""

    name: str | msgspec.UnsetType = msgspec.UNSET
    expires_at: float | msgspec.UnsetType | None = msgspec.UNSET
    models: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    rpm: int | msgspec.UnsetType | None = msgspec.UNSET
    budget_nusd: int | msgspec.UnsetType | None = msgspec.UNSET
    budget_per: BudgetPeriod | msgspec.UnsetType = msgspec.UNSET
    log_content: bool | msgspec.UnsetType | None = msgspec.UNSET
    route: str | msgspec.UnsetType | None = msgspec.UNSET
    priority: Priority | msgspec.UnsetType = msgspec.UNSET
    team_id: str | msgspec.UnsetType | None = msgspec.UNSET
    project_id: str | msgspec.UnsetType | None = msgspec.UNSET
    tags: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    required_tags: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    endpoints: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    networks: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET

    def told(self) -> dict[str, object]:
        """What is set, by name."""
        values = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: value for name, value in values.items() if value is not msgspec.UNSET}
