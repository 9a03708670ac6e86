"""What clients saw of an outage rehearsal, in numbers."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence

import msgspec

from waypost.core.money import render_usd
from waypost.core.record import Attempt, Exchange

#: Of each kind of time so many are kept, the newest: percentiles of a long rehearsal are those of its end.
_TIMES_MAX = 10_000
_SHOWN = 12


class Spread(msgspec.Struct, frozen=True):
    """Percentiles of times in milliseconds; None where there were none."""

    count: int
    p50_ms: float | None
    p95_ms: float | None


class Seen(msgspec.Struct, frozen=True):
    """One of the newest exchanges."""

    id: str
    outcome: str
    status: int
    way: tuple[str, ...]
    """Each attempt: the provider, and what it failed of."""
    total_ms: float


class Numbers(msgspec.Struct, frozen=True):
    """A tally at one moment."""

    requests: int
    """Exchanges that have ended."""
    answered: int
    """Their clients got a whole, proper answer."""
    failed_over: int
    """Of these: a broken attempt came first, and another target answered."""
    steered: int
    """Of these: no broken attempt was made, because another target came first or the broken one was known to be
    down."""
    failed: int
    """No target answered; their clients saw an error."""
    cut: int
    """The answer broke off after it had begun; their clients saw an error in it."""
    refused: int
    """No target could be asked, such as when all were known to be down; their clients saw an error."""
    disconnected: int
    """Their clients left."""
    attempts: int
    broken: int
    """Attempts that the rehearsal broke."""
    errors: dict[str, int]
    """What clients saw, by code."""
    added: Spread
    """From the first attempt's start to the start of the one that answered, where a broken one came first."""
    first_token: Spread
    """Of answered streams, from the request to the first token."""
    total: Spread
    """Of answered requests."""
    cost_usd: str
    """What all of them cost, exact; unknown prices count as nothing."""


class Counts(msgspec.Struct, frozen=True):
    """What another worker of the gateway has counted of the same rehearsal."""

    requests: int
    outcomes: dict[str, int]
    failed_over: int
    steered: int
    attempts: int
    broken: int
    cost_nusd: int
    errors: dict[str, int]
    added: tuple[int, ...]
    first: tuple[int, ...]
    total: tuple[int, ...]
    recent: tuple[Seen, ...]
    in_flight: int = 0
    lost: int = 0


class Tally:
    """Counts the exchanges of one rehearsal."""

    def __init__(self) -> None:
        self.requests = 0
        self.recent: deque[Seen] = deque(maxlen=_SHOWN)
        self._outcomes = dict.fromkeys(("ok", "failed", "cut", "refused", "disconnected"), 0)
        self._failed_over = self._steered = self._attempts = self._broken = self._cost = 0
        self._errors: dict[str, int] = {}
        self._added: deque[int] = deque(maxlen=_TIMES_MAX)
        self._first: deque[int] = deque(maxlen=_TIMES_MAX)
        self._total: deque[int] = deque(maxlen=_TIMES_MAX)

    def add(self, exchange: Exchange, hits: Collection[str]) -> None:
        """One exchange ended; `hits` are the ids of its broken attempts."""
        self.requests += 1
        self._outcomes[exchange.outcome] += 1
        self._attempts += len(exchange.attempts)
        self._broken += len(hits)
        self._cost += exchange.cost_nusd or 0
        self.recent.append(
            Seen(
                exchange.exchange_id,
                exchange.outcome,
                exchange.status,
                tuple(_step(attempt) for attempt in exchange.attempts),
                exchange.total_us / 1000,
            )
        )
        if exchange.outcome in ("failed", "cut", "refused"):
            code = exchange.error or "unknown"
            self._errors[code] = self._errors.get(code, 0) + 1
        if exchange.outcome == "ok":
            self._answered(exchange, hits)

    def _answered(self, exchange: Exchange, hits: Collection[str]) -> None:
        self._total.append(exchange.total_us)
        if exchange.first_token_us is not None:
            self._first.append(exchange.first_token_us)
        answered = next((one for one in exchange.attempts if one.error is None), None)
        if not hits:
            self._steered += 1
        elif answered is not None and answered.attempt_id not in hits:
            self._failed_over += 1
            self._added.append(max(0, answered.started_us - exchange.attempts[0].started_us))

    def counts(self, in_flight: int, lost: int) -> Counts:
        """The tally now, for the worker that writes the report."""
        return Counts(
            self.requests,
            dict(self._outcomes),
            self._failed_over,
            self._steered,
            self._attempts,
            self._broken,
            self._cost,
            dict(self._errors),
            tuple(self._added),
            tuple(self._first),
            tuple(self._total),
            tuple(self.recent),
            in_flight,
            lost,
        )

    def add_counts(self, counts: Counts) -> None:
        """Another worker's, too."""
        self.requests += counts.requests
        for sums, more in ((self._outcomes, counts.outcomes), (self._errors, counts.errors)):
            for name, number in more.items():
                sums[name] = sums.get(name, 0) + number
        self._failed_over += counts.failed_over
        self._steered += counts.steered
        self._attempts += counts.attempts
        self._broken += counts.broken
        self._cost += counts.cost_nusd
        self._added += counts.added
        self._first += counts.first
        self._total += counts.total
        self.recent += counts.recent

    def numbers(self) -> Numbers:
        """The tally now."""
        outcomes = self._outcomes
        return Numbers(
            requests=self.requests,
            answered=outcomes["ok"],
            failed_over=self._failed_over,
            steered=self._steered,
            failed=outcomes["failed"],
            cut=outcomes["cut"],
            refused=outcomes["refused"],
            disconnected=outcomes["disconnected"],
            attempts=self._attempts,
            broken=self._broken,
            errors=dict(self._errors),
            added=spread(self._added),
            first_token=spread(self._first),
            total=spread(self._total),
            cost_usd=render_usd(self._cost),
        )


def spread(times_us: Collection[int]) -> Spread:
    """Percentiles by the nearest rank."""
    ordered = sorted(times_us)
    return Spread(len(ordered), _rank(ordered, 50), _rank(ordered, 95))


def _rank(ordered: Sequence[int], percentile: int) -> float | None:
    return ordered[-(-len(ordered) * percentile // 100) - 1] / 1000 if ordered else None


def _step(attempt: Attempt) -> str:
    return attempt.provider if attempt.error is None else f"{attempt.provider} ✗ {attempt.error}"
