"""Counters and histograms of the request path: plain additions; rendered by prometheus-client when asked for.

Labels are operations, outcomes, error codes, status codes, and names of providers and models that are configured or
were discovered: never a client's text, so their number is bounded by the configuration.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from prometheus_client.core import Metric

_SECONDS = (
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1,
    2.5,
    5,
    10,
    30,
    60,
    120,
    300,
    600,
)
_OVERHEAD = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 1)

#: name → what it measures. Every metric is listed here, and a test says that each is documented.
METRICS: Mapping[str, str] = {
    "waypost_exchanges_total": "Exchanges settled, by operation, outcome and HTTP status.",
    "waypost_attempts_total": "Attempts at targets, by provider and error code (`none` for a success).",
    "waypost_tokens_total": "Tokens metered, by provider and kind (input, output).",
    "waypost_cost_nanodollars_total": "Cost posted, in billionths of a US dollar, by provider.",
    "waypost_unpriced_attempts_total": "Attempts whose price is unknown, by provider.",
    "waypost_stream_events_skipped_total": "Events of streams that were left out, by provider.",
    "waypost_budget_thresholds_total": "Thresholds that budgets came to, by scope and per cent (`exhausted`: no room).",
    "waypost_exchange_seconds": "Duration of exchanges, by operation.",
    "waypost_first_token_seconds": "Time to the first token of streams, by operation.",
    "waypost_overhead_seconds": "Time the gateway itself added, by operation.",
    "waypost_exchanges_active": "Exchanges under way.",
    "waypost_ledger_queued": "Settled exchanges not yet written to the database.",
    "waypost_ledger_writer_starts": "How often the ledger's writer process was started: more than 1, it died.",
    "waypost_ledger_drift_accounts": "Accounts that were not the sum of their lines and leases at the last audit.",
    "waypost_ledger_differences": "All that the last audit of the books found to be wrong.",
    "waypost_ledger_audited_at_seconds": "When the last audit of the books ended, in Unix time.",
    "waypost_dispatches_open": "Attempts that were sent to a provider and are not settled yet.",
    "waypost_upstream_connections": "Open connections to providers.",
    "waypost_upstream_idle": "Open connections to providers that serve no request.",
    "waypost_upstream_waiting": "Requests waiting for a connection to a provider.",
    "waypost_ready": "1 when the gateway admits new requests, else 0.",
    "waypost_config_version": "Counts up with every configuration that was put in force.",
    "waypost_directory_version": "Counts up with every change to people, budgets and limits that is in force here.",
    "waypost_nodes": "Gateways that share the database, this one included.",
    "waypost_workers": "Workers of this gateway that answer, where there are several.",
    "waypost_leased_nano_usd": "Of shared budgets, what this gateway may spend without asking and holds nothing on.",
    "waypost_resident_bytes": "Resident memory of the gateway's process.",
    "waypost_batches_running": "Batches that are worked off.",
    "waypost_batch_lines_total": "Lines of batches, by outcome (completed, failed, lost, expired, cancelled).",
    "waypost_target_breaker": "Breaker of a model at a provider: 0 closed, 1 half-open, 2 open.",
    "waypost_target_in_flight": "Attempts under way, by provider and model.",
    "waypost_target_parked": "Credentials that are parked for a model, by provider and model.",
    "waypost_ejections_total": "How often a breaker opened, by provider.",
    "waypost_shared_connected": "1 when the shared store is connected, 0 while it is away.",
    "waypost_shared_changes_total": "Changes of health shared with other nodes: sent, received, dropped.",
    "waypost_shared_limits_connected": "1 when limits are counted with other nodes, 0 while each holds its share.",
    "waypost_shared_limits_fallbacks_total": "Requests held to this node's share of its limits.",
    "waypost_parkings_total": "How often a credential was parked, by provider and reason (throttled, refused, quota).",
    "waypost_load_level": "How overloaded it is: 0 not, 1 low priorities are turned away, 3 all but high ones.",
    "waypost_loop_lag_seconds": "How late the event loop is, the median of the last measurements.",
    "waypost_queue_waiting": "Requests waiting for a busy target.",
    "waypost_queue_oldest_seconds": "How long the first of them has waited.",
    "waypost_shed_total": "Requests turned away for overload, by reason.",
    "waypost_target_limit": "Requests at once that a target was found to take, for targets that refused some.",
}


class Histogram:
    """Counts per bucket, and the sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def cumulative(self) -> list[tuple[str, float]]:
        running = 0
        rows: list[tuple[str, float]] = []
        for bound, count in zip((*map(str, self.bounds), "+Inf"), self.counts, strict=True):
            running += count
            rows.append((bound, running))
        return rows


class _Times:
    """How long the exchanges of one operation took."""

    __slots__ = ("duration", "first_token", "overhead")

    def __init__(self) -> None:
        self.duration = Histogram(_SECONDS)
        self.first_token = Histogram(_SECONDS)
        self.overhead = Histogram(_OVERHEAD)


class _Provider:
    """What the attempts at one provider came to."""

    __slots__ = ("attempts", "cost_nusd", "input", "output", "unpriced")

    def __init__(self) -> None:
        self.attempts: dict[str, int] = {}
        """By error code."""
        self.cost_nusd = 0
        self.unpriced = 0
        self.input = 0
        self.output = 0


class Labelled(NamedTuple):
    """A gauge with labels, or with a name in `_total` a counter, as somebody else keeps it."""

    name: str
    labels: tuple[str, ...]
    rows: Sequence[tuple[tuple[str, ...], float]]


class Metrics:
    """All counters of one process."""

    def __init__(
        self,
        gauges: Callable[[], Mapping[str, float]] | None = None,
        labelled: Callable[[], Sequence[Labelled]] = tuple,
    ) -> None:
        self._exchanges: dict[tuple[str, str, int], int] = {}
        self._providers: dict[str, _Provider] = {}
        self._skipped: dict[str, int] = {}
        self._budgets: dict[tuple[str, str], int] = {}
        self._times: dict[str, _Times] = {}
        self._gauges = gauges or dict
        self._labelled = labelled

    def exchange(
        self,
        operation: str,
        outcome: str,
        status: int,
        total_us: int,
        overhead_us: int,
        first_token_us: int | None,
    ) -> None:
        """Count one settled exchange."""
        label = (operation, outcome, status)
        self._exchanges[label] = self._exchanges.get(label, 0) + 1
        times = self._times.get(operation)
        if times is None:
            times = self._times[operation] = _Times()
        times.duration.add(total_us / 1e6)
        times.overhead.add(overhead_us / 1e6)
        if first_token_us is not None:
            times.first_token.add(first_token_us / 1e6)

    def attempt(
        self, provider: str, error: str | None, cost_nusd: int | None, input: int, output: int
    ) -> None:
        """Count one attempt and what it used."""
        counted = self._providers.get(provider)
        if counted is None:
            counted = self._providers[provider] = _Provider()
        label, attempts = error or "none", counted.attempts
        attempts[label] = attempts.get(label, 0) + 1
        if cost_nusd is None:
            counted.unpriced += 1
        else:
            counted.cost_nusd += cost_nusd
        counted.input += input
        counted.output += output

    def skipped(self, provider: str, events: int) -> None:
        """Count events of a stream that were left out."""
        self._skipped[provider] = self._skipped.get(provider, 0) + events

    def budget(self, scope: str, threshold: str) -> None:
        """Count a budget that came to a threshold."""
        self._budgets[scope, threshold] = self._budgets.get((scope, threshold), 0) + 1

    def render(self) -> bytes:
        """The Prometheus text format."""
        from prometheus_client.exposition import generate_latest
        from prometheus_client.registry import CollectorRegistry

        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        """prometheus-client's collector interface."""
        from prometheus_client.core import (
            CounterMetricFamily,
            GaugeMetricFamily,
            HistogramMetricFamily,
        )

        for name, labels, rows in self._counters():
            family = CounterMetricFamily(name, METRICS[name], labels=labels)
            for label, count in rows:
                family.add_metric(label, count)
            yield family
        for name, which in (
            ("waypost_exchange_seconds", attrgetter("duration")),
            ("waypost_first_token_seconds", attrgetter("first_token")),
            ("waypost_overhead_seconds", attrgetter("overhead")),
        ):
            spread = HistogramMetricFamily(name, METRICS[name], labels=["operation"])
            for operation, times in self._times.items():
                histogram = which(times)
                spread.add_metric([operation], histogram.cumulative(), histogram.total)
            yield spread
        for name, value in self._gauges().items():
            yield GaugeMetricFamily(name, METRICS[name], value=value)
        for told in self._labelled():
            kind = CounterMetricFamily if told.name.endswith("_total") else GaugeMetricFamily
            kept = kind(told.name, METRICS[told.name], labels=told.labels)
            for values, value in told.rows:
                kept.add_metric(values, value)
            yield kept

    def _counters(self) -> Iterator[tuple[str, list[str], list[tuple[list[str], int]]]]:
        exchanges = [([op, outcome, str(status)], n) for (op, outcome, status), n in self._exchanges.items()]
        yield "waypost_exchanges_total", ["operation", "outcome", "status"], exchanges
        known = self._providers.items()
        attempts = [([name, error], n) for name, counted in known for error, n in counted.attempts.items()]
        yield "waypost_attempts_total", ["provider", "error"], attempts
        tokens = [
            ([name, kind], n)
            for name, counted in known
            for kind, n in (("input", counted.input), ("output", counted.output))
            if n
        ]
        yield "waypost_tokens_total", ["provider", "kind"], tokens
        reached = [(list(label), n) for label, n in self._budgets.items()]
        yield "waypost_budget_thresholds_total", ["scope", "threshold"], reached
        for name, by_provider in (
            ("waypost_cost_nanodollars_total", {name: counted.cost_nusd for name, counted in known}),
            ("waypost_unpriced_attempts_total", {name: counted.unpriced for name, counted in known}),
            ("waypost_stream_events_skipped_total", self._skipped),
        ):
            yield name, ["provider"], [([provider], n) for provider, n in by_provider.items() if n]
