"""Stage 10: usage → cost → ledger → metrics, exactly once per exchange."""

from __future__ import annotations

from contextlib import suppress

from waypost.core.markup import marked
from waypost.core.record import Checkpoint, DispatchMark
from waypost.core.usage import Usage
from waypost.errors import Bug, GatewayError, StoreUnavailable, UpstreamError
from waypost.pipeline.exchange import LiveExchange, Trial
from waypost.ports import Clock, Ledger
from waypost.telemetry.metrics import Metrics

_NOTHING = Usage()
#: Refusals that nobody answers for: one per so many seconds in the long run, and so many seconds' worth of them at
#: once, is recorded. The metrics count all.
_REFUSED_EVERY_S = 0.1
_REFUSED_AHEAD_S = 10.0


class Settle:
    """Prices what was used and closes the books of an exchange. Never raises."""

    def __init__(self, clock: Clock, ledger: Ledger, metrics: Metrics) -> None:
        self._clock = clock
        self._ledger = ledger
        self._metrics = metrics
        self._refused_due = 0.0

    def price(self, live: LiveExchange, trial: Trial, usage: Usage, tier: str | None) -> int | None:
        """Nano-dollars that the provider charges: its own statement where it is known to make one, else the tariff's.
        The mark-up comes on top of it, once: in `close_trial`, and in `shown` for the client."""
        target = trial.target
        if usage.charged_nusd is not None and target.provider.quirks.reports_charge:
            return usage.charged_nusd
        if target.tariff is None:
            return None
        at = live.started_us / 1e6
        cost = target.tariff.cost(usage, at, tier)
        asked = None if tier is not None or live.asked is None else live.asked.tier
        if asked is None or cost is None:
            return cost
        # What the client asked for is no proof that it was served: by itself it never makes a request cheaper.
        tiered = target.tariff.cost(usage, at, asked)
        return None if tiered is None else max(cost, tiered)

    def shown(self, live: LiveExchange, trial: Trial, usage: Usage, tier: str | None) -> int | None:
        """What the client is charged, and told."""
        cost = self.price(live, trial, usage, tier)
        return cost if not trial.target.markup else marked(cost, trial.target.markup)

    def dispatch(self, live: LiveExchange, trial: Trial) -> None:
        """Leave the mark that lets recovery settle this attempt should the process die. Before the upstream write."""
        asked, hold, target = live.asked, live.hold, trial.target
        assert asked is not None  # noqa: S101 - stage 3 set it
        call = live.call
        floor = None
        if target.tariff is not None:
            floor = self.price(live, trial, Usage(asked.input_estimate, units=asked.units), None)
        self._ledger.dispatch(
            DispatchMark(  # by place: see `core/record.py`
                trial.attempt_id,
                call.exchange_id,
                live.started_us,
                None if live.key is None else live.key.key_id,
                call.dialect.operation,
                asked.model[:256],
                None if live.route is None else live.route.name[:256],
                asked.stream,
                target.provider.name,
                target.model,
                () if hold is None else hold.accounts,
                0 if hold is None else hold.amount_nusd,
                floor,
                None if target.tariff is None else target.tariff.version,
                asked.input_estimate,
                live.snapshot.version,
                0 if live.key is None else target.markup,
                target.provider.key_name,
                asked.units,
            )
        )

    def checkpoint(self, live: LiveExchange, trial: Trial, usage: Usage) -> None:
        """What a running stream has used so far, for recovery."""
        cost = self.price(live, trial, usage, None)
        self._ledger.checkpoint(Checkpoint(attempt_id=trial.attempt_id, usage=usage, cost_nusd=cost))

    def fail_trial(self, live: LiveExchange, error: GatewayError, trial: Trial | None = None) -> None:
        """Close an attempt under way as a failure, with what it may have cost: `trial`, or all there are.

        Delivered content is settled as counted. Nothing delivered, but the provider may have worked: `unknown`, at the
        cost of the estimated input. Never sent, or refused before any work: voided.
        """
        if trial is None:
            if live.rival is not None:
                self.fail_trial(live, error, live.rival)
            if live.trial is None:
                return
            trial = live.trial
        now = self._clock.monotonic()
        relay = trial.relay
        if relay is not None and (relay.usage is not None or relay.deltas):
            usage = relay.usage if relay.usage is not None else relay.partial()
            live.close_trial(now, "settled", usage, self.price(live, trial, usage, relay.tier), error, trial)
        elif not trial.sent or (isinstance(error, UpstreamError) and not error.may_have_billed):
            live.close_trial(now, "voided", None, 0, error, trial)
        else:
            # A disconnect or a shutdown while waiting counts like a deadline: the provider was at work.
            asked = live.asked
            usage = Usage(source="estimated")
            if asked is not None:
                usage = Usage(asked.input_estimate, source="estimated", units=asked.units)
            live.close_trial(now, "unknown", usage, self.price(live, trial, usage, None), error, trial)

    def skipped(self, trial: Trial, events: int) -> None:
        """Events of the provider's stream were left out."""
        self._metrics.skipped(trial.target.provider.name, events)

    def keeps_content(self, live: LiveExchange) -> bool:
        """Whether bodies are stored with the record: the key's own setting, else the gateway's (off by default)."""
        if live.key is not None and live.key.log_content is not None:
            return live.key.log_content
        return live.snapshot.settings.log_content

    def settle(self, live: LiveExchange) -> None:
        """Close the exchange. The second call does nothing."""
        if live.settled:
            return
        live.settled = True
        now = self._clock.monotonic()
        if live.trial is not None:
            self.fail_trial(live, Bug("The exchange ended without closing its attempt."))
        exchange = live.record(now, self.keeps_content(live))
        if live.attempts or not _is_bounded(live) or self._records_refused(now):
            self._ledger.settle(live.hold, exchange)
        if live.taken is not None:
            live.taken.end(exchange.attempts, bool(exchange.attempts) or exchange.outcome == "ok", now)
        if live.part is not None:
            live.part.settle(exchange)
        self._metrics.exchange(exchange.operation, exchange.outcome, exchange.status, exchange.total_us,
                               exchange.overhead_us, exchange.first_token_us)  # fmt: skip
        for attempt in exchange.attempts:
            usage = attempt.usage or _NOTHING
            self._metrics.attempt(
                attempt.provider, attempt.error, attempt.cost_nusd, usage.input, usage.output
            )

    async def on_disk(self) -> None:
        """With `durability: fsync`: wait until what was settled in this step is on the disk, so that a client which
        has seen the end of its answer is accounted for even if the power fails then."""
        with suppress(StoreUnavailable):  # the ledger says so to all that come; this answer is paid for
            await self._ledger.durable()

    def _records_refused(self, now: float) -> bool:
        due = max(self._refused_due, now)
        if due - now > _REFUSED_AHEAD_S:
            return False
        self._refused_due = due + _REFUSED_EVERY_S
        return True


def _is_bounded(live: LiveExchange) -> bool:
    """Refused, at no cost, for what is not to fill the disk: an unknown key, or a database that does not keep up, which
    a record of each request that it does not take would keep from ever catching up."""
    if live.key is None:
        return not live.shadow
    return live.error == StoreUnavailable.code and live.hold is None
