"""A question of one word for a provider that nobody has asked lately, so that its health is known before a client needs
it. It is an attempt as any other: the board of health hears of it, the ledger books it, and no key pays."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from waypost.config.snapshot import Route, Snapshot
from waypost.config.targets import Provider, Target
from waypost.dialects.dialect import Dialect
from waypost.dialects.lane import Lanes
from waypost.errors import GatewayError
from waypost.pipeline.exchange import Call, LiveExchange
from waypost.pipeline.settle import Settle
from waypost.pipeline.shadow import Nobody
from waypost.ports import Clock
from waypost.routing.board import Board
from waypost.routing.planned import Chosen, Plan

#: Some providers refuse fewer, and models that reason say nothing within one.
_TOKENS = 16


class Prober:
    """Asks. Stateless but for what it was given."""

    def __init__(
        self,
        *,
        run: Callable[[LiveExchange, Plan], Awaitable[None]],
        admit: Callable[[LiveExchange, Route], Awaitable[None]],
        snapshot: Callable[[], Snapshot],
        dialect: Dialect,
        lanes: Lanes,
        board: Board,
        clock: Clock,
        settle: Settle,
        new_id: Callable[[], str],
    ) -> None:
        """`run` is `Attempts.run`, `admit` is `Admission.admit_own`; `dialect` is one that every chat provider can be
        asked through."""
        self._run = run
        self._admit = admit
        self._snapshot = snapshot
        self._dialect = dialect
        self._lanes = lanes
        self._board = board
        self._clock = clock
        self._settle = settle
        self._new_id = new_id

    async def ask(self, provider: Provider) -> bool:
        """Ask a provider with a `probe` one word; True when it answered. False too when it has no dialect for that."""
        probe = provider.probe
        if probe is None:
            return False
        lane = self._lanes.find(self._dialect, provider.dialects_for(probe.model))
        if lane is None:
            return False
        snapshot = self._snapshot()
        target = target_of(snapshot, provider, probe.model)
        body = msgspec.json.encode(
            {
                "model": target.name,
                "messages": [{"role": "user", "content": "Say yes."}],
                "max_tokens": _TOKENS,
            }
        )
        call = Call(
            self._dialect, body, {}, None, f"{self._new_id()}-probe", self._clock.monotonic(), Nobody()
        )
        live = LiveExchange(call, snapshot, int(self._clock.wall() * 1e6))
        live.shadow, live.board = True, self._board
        live.asked = self._dialect.parse_ask(body)
        live.deadline = call.received + provider.deadlines.total_s
        try:
            await self._admit(live, Route(target.name, (target,)))
            await self._run(live, Plan((Chosen(target, lane, "only"),)))
        except GatewayError as error:
            live.error, live.status = error.code, error.status
            live.outcome = "failed" if live.attempts else "refused"
            return False
        finally:
            self._settle.settle(live)
        return True


def target_of(snapshot: Snapshot, provider: Provider, model: str) -> Target:
    """A model at a provider, with this credential of it."""
    targets = snapshot.find(f"{provider.name}/{model}").targets
    return next((each for each in targets if each.provider.key_name == provider.key_name), targets[0])
