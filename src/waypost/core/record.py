"""The record of one exchange and its attempts: what the request log, the ledger and recovery all read.

Array-like, so that one line of the intents file is one short JSON array. Add fields at the end, with a default:
files written by an older version must still decode. On the request path they are made by place and not by name: msgspec
looks each name up among all fields, which for these 22 took 1.9 µs in place of 0.15.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from waypost.core.credentials import is_own
from waypost.core.decision import Decision
from waypost.core.usage import Units, Usage

AttemptState = Literal["settled", "voided", "unknown"]
Role = Literal["first", "retry", "failover", "hedge", "continuation", "shadow"]
Outcome = Literal["ok", "refused", "failed", "cut", "disconnected"]
"""`ok`: whole answer delivered. `refused`: by the gateway, before any attempt. `failed`: no target answered.
`cut`: failed after the commit point. `disconnected`: the client left."""


class Attempt(msgspec.Struct, frozen=True, array_like=True):
    """One try at one target. `cost_nusd` is what is charged; None means the price is unknown; a voided attempt costs
    0."""

    attempt_id: str
    provider: str
    model: str
    started_us: int
    """Unix time in microseconds."""
    state: AttemptState
    status: int | None
    """The provider's HTTP status; None when there was none."""
    error: str | None
    """`GatewayError.code` of the failure; None for a success."""
    first_token_us: int | None
    """From the attempt's start to the first content delta (whole answers: to the last byte)."""
    total_us: int
    usage: Usage | None
    cost_nusd: int | None
    price_version: str | None
    key_name: str = ""
    """Which of the provider's several credentials it was made with; of one that somebody brought, what
    `core.credentials.key_name_of` says."""
    role: Role = "first"
    markup_nusd: int = 0
    """What of `cost_nusd` is the operator's mark-up; the rest is the provider's cost."""

    @property
    def billed(self) -> bool:
        """It was or may have been billed, and has a line in the ledger."""
        return self.state != "voided" or bool(self.cost_nusd)

    @property
    def own(self) -> bool:
        """Whether it was made with a credential that somebody brought, and not with the operator's."""
        return is_own(self.key_name)

    @property
    def counts(self) -> bool:
        """Whether it makes its exchange one of those that the operator gives for nothing."""
        return self.billed and not self.own


class Exchange(msgspec.Struct, frozen=True, array_like=True):
    """One client request from first byte to settlement."""

    exchange_id: str
    started_us: int
    key_id: str | None
    operation: str
    asked_model: str | None
    route: str | None
    stream: bool
    status: int
    outcome: Outcome
    error: str | None
    first_token_us: int | None
    total_us: int
    overhead_us: int
    """Time the gateway itself added: total minus waiting for the upstream and for the client."""
    cost_nusd: int | None
    """Sum of the attempts' known costs; None when no cost is known of those that may have billed."""
    config_version: int
    accounts: tuple[str, ...] = ()
    """Ids of the budget accounts that this exchange was held against, and is posted to; those of providers and models
    only with what went to them (`core.scope.counts_to`)."""
    attempts: tuple[Attempt, ...] = ()
    finish_reason: str | None = None
    request_body: bytes | None = None
    """Stored only where content logging is switched on."""
    response_body: bytes | None = None
    decision: Decision | None = None
    """Why these targets in this order; None where there was nothing to choose."""
    drill: str | None = None
    """The outage rehearsal that this exchange was part of."""

    @property
    def markup_nusd(self) -> int:
        """What of `cost_nusd` is the operator's mark-up."""
        return sum(attempt.markup_nusd for attempt in self.attempts)


class DispatchMark(msgspec.Struct, frozen=True, array_like=True):
    """Appended to the intents file before the upstream write: what recovery needs to settle a lost attempt."""

    attempt_id: str
    exchange_id: str
    at_us: int
    key_id: str | None
    operation: str
    asked_model: str | None
    route: str | None
    stream: bool
    provider: str
    model: str
    accounts: tuple[str, ...]
    held_nusd: int
    floor_nusd: int | None
    """The provider's cost of the estimated input alone: what a crash right after dispatch settles at. None:
    unpriced."""
    price_version: str | None
    input_estimate: int
    config_version: int
    markup: int = 0
    """What is charged above the provider's cost (`core.markup`)."""
    key_name: str = ""
    """As of the attempt."""
    units: Units | None = None
    """What it may use beside tokens; it is in `floor_nusd`."""


class Checkpoint(msgspec.Struct, frozen=True, array_like=True):
    """Appended from time to time while a long stream runs, so that a crash settles near the truth."""

    attempt_id: str
    usage: Usage
    cost_nusd: int | None
    """The provider's cost."""
