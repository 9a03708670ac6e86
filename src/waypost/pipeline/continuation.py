"""`continue_on_failure`: an answer that breaks off behind the commit point is finished by the next target of the plan.

The loop over targets takes the `lane` of every attempt from here; asks whether one that failed is `broken`, before its
trial is closed; and then, for each of the next targets, takes the `next_lane` and asks whether it `can_go_on`.
"""

from __future__ import annotations

import msgspec

from waypost.config.targets import Target
from waypost.core.asked import Asked
from waypost.core.markup import both, told
from waypost.core.usage import Usage, sum_usage
from waypost.dialects.continuing import ContinuedLane, ContinuingLane, can_continue
from waypost.dialects.lane import Lane
from waypost.dialects.seam import ContinuingRelay, Seam
from waypost.errors import LimitError, StoreUnavailable, UpstreamError
from waypost.pipeline.exchange import LiveExchange
from waypost.policy.admit import cost_ceiling
from waypost.ports import Ledger
from waypost.telemetry.logs import Log

#: Of the words that ask for the rest, as an estimate of their tokens that is not too low.
_ASKING_TOKENS = 128
_BYTES_PER_TOKEN = 3


class Broken(msgspec.Struct):
    """A stream that broke off, and what can be gone on from."""

    relay: ContinuingRelay
    error: UpstreamError
    target: Target
    first: int
    """How many attempts there were before the one whose content came first."""


class Continuation:
    """Decides and prepares; holds no state of any exchange."""

    def __init__(self, ledger: Ledger, log: Log) -> None:
        self._ledger = ledger
        self._log = log

    def lane(self, live: LiveExchange, lane: Lane) -> Lane:
        """The lane for an attempt at a whole answer: one whose stream can be gone on with, where that is wanted and
        possible, else `lane`."""
        client, asked = live.call.dialect, live.asked
        if (
            asked is None
            or not asked.continues
            or live.shape is not None
            or live.unknown_previous is not None
        ):
            return lane
        if lane.target.codec is None or not can_continue(client, asked):
            return lane
        return ContinuingLane(client, lane)

    def next_lane(self, live: LiveExchange, target: Target, lane: Lane, broken: Broken) -> Lane | None:
        """The lane for an attempt at the rest of an answer. None: this target can not go on."""
        client, codec = live.call.dialect.codec, lane.target.codec
        if client is None or codec is None:
            return None
        return ContinuedLane(client, lane.target, codec, broken.relay, self._seam(live, target, broken))

    def _seam(self, live: LiveExchange, target: Target, broken: Broken) -> Seam:
        made = live.attempts[broken.first :]
        usage = Usage()
        for attempt in made:
            usage = sum_usage(usage, attempt.usage or Usage())
        cost: int | None = 0
        for attempt in made:
            cost = both(cost, told(attempt.cost_nusd, attempt.markup_nusd))
        return Seam(
            origin=broken.target.name,
            target=target.name,
            usage=usage,
            cost_nusd=cost,
        )

    def broken(self, live: LiveExchange, error: UpstreamError, before: Broken | None = None) -> Broken | None:
        """What there is to go on from, when the attempt under way has failed; `before`: when it was one at the rest.
        None: nothing."""
        trial = live.trial
        if not live.streaming or live.call.client.gone:
            return None
        relay = None if trial is None else trial.relay
        if trial is None or not isinstance(relay, ContinuingRelay):
            return before  # it failed before it could say anything
        if not relay.continuable:
            return None
        if before is None:
            return Broken(relay, error, trial.target, len(live.attempts))
        return Broken(relay, error, trial.target, before.first) if relay.committed else before

    async def can_go_on(self, live: LiveExchange, asked: Asked | None, broken: Broken) -> bool:
        """Set money aside for another attempt, and have it known what is asked of it. False: the budget has no room."""
        hold, key, route = live.hold, live.key, live.route
        if asked is None or hold is None or key is None or route is None:
            return False
        at = live.started_us / 1e6
        live.asked = asked = longer(asked, broken.relay.said)
        told = {"id": live.call.exchange_id, "origin": broken.target.name, "why": broken.error.code}
        try:
            more = cost_ceiling(key, live.rules, route, asked, live.snapshot.settings, at)
            await self._ledger.enlarge(hold, live.rules, more, at)
        except (LimitError, StoreUnavailable) as error:
            self._log.warning("an answer that broke off was not continued", limit=error.code, **told)
            return False
        self._log.warning("an answer that broke off is continued", at_chars=len(broken.relay.said), **told)
        return True


def longer(asked: Asked, said: str) -> Asked:
    """What a target that goes on is asked, as far as its price depends on it."""
    more = -(-len(said.encode()) // _BYTES_PER_TOKEN) + _ASKING_TOKENS
    return msgspec.structs.replace(asked, input_estimate=asked.input_estimate + more)
