"""Leasing: what this node may spend of accounts that it shares with others.

A request whose accounts have enough leased headroom waits for nothing. Otherwise headroom is leased for it and for some
more, which shrinks as a limit nears; what was not used for a while goes back. So no limit is overshot however many
nodes there are, and nobody is refused for long while there is headroom anywhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeVar

import msgspec

from waypost.core.lease import Granted, Want
from waypost.errors import StoreUnavailable
from waypost.ledger.accounts import AccountSpec
from waypost.ledger.purse import Purse
from waypost.ports import Clock, Leases

T = TypeVar("T")

#: How much is wished for beyond a need: so many of its like.
_AHEAD: Final = 64
#: How long a request waits for headroom that others have, and how often it looks.
_WAIT_S: Final = 0.5
_PAUSE_S: Final = 0.05
#: How long the database may take for an answer that a request waits for.
_PATIENCE_S: Final = 1.0
#: How often what was not used goes back, and how often this node is heard of.
TICK_S: Final = 0.25
_SEEN_S: Final = 5.0
_ALIVE_S: Final = 20.0
_REFUSED_MOST: Final = 10_000


class _Refused(msgspec.Struct, frozen=True):
    """Until when (monotonic) it is of no use to ask for so much of an account, and what was said."""

    until: float
    need: int
    said: Granted


class Leasing:
    """Owns the leases of this node. It belongs to the event loop's thread; the database is asked on one of its own."""

    def __init__(
        self,
        purse: Purse,
        leases: Leases,
        clock: Clock,
        name: str,
        version: str,
        backlog: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`name` and `version`: what others are told of this node. `backlog`: settled records that are not posted."""
        self._purse = purse
        self._leases = leases
        self._clock = clock
        self._told = (name, version)
        self._backlog = backlog
        self._sleep = sleep
        self._turn = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, "waypost-leases")
        self._nodes = 1
        self._seen_at = float("-inf")
        self._refused: dict[str, _Refused] = {}
        #: Accounts of which nobody knows what is leased, for an answer was lost.
        self._uncertain: set[str] = set()
        #: A call that took too long, and may still be under way.
        self._stalled: asyncio.Future[Any] | None = None

    @property
    def nodes(self) -> int:
        """How many nodes share the accounts, this one included."""
        return self._nodes

    @property
    def free_nusd(self) -> int:
        """Leased, and nothing held on it."""
        return sum(max(0, account.free_nusd or 0) for account in self._purse.leased.values())

    async def secure(self, specs: Sequence[AccountSpec], amount_nusd: int, at: float) -> None:
        """Have `amount_nusd` leased and free on every account with a limit. Raises BudgetExceeded for the first one
        that has no room, StoreUnavailable."""
        until = self._clock.monotonic() + _WAIT_S
        while True:
            refused = await self._once(specs, amount_nusd)
            if refused is None:
                return
            spec, said = refused
            account = self._purse.account(spec.account_id)
            if account is None:
                return  # its window is over: the next look finds another one
            spent = said.posted_nusd + amount_nusd > (spec.limit_nusd or 0)
            if spent or self._clock.monotonic() >= until:
                account.posted_nusd = max(account.posted_nusd, said.posted_nusd)
                raise self._purse.exceeded(spec, account, amount_nusd, at)
            await self._sleep(_PAUSE_S)

    async def tick(self) -> None:
        """Give back what was not used since the last time, settle debts, be heard of. Raises StoreUnavailable."""
        self._check_stalled()
        back, debts = self._unused()
        async with self._turn:
            try:
                await self._in(partial(self._leases.take, debts))
            except StoreUnavailable:
                for account_id, amount in debts.items():
                    self._purse.lease(account_id, -amount, 0)  # leased twice is safe, and cleared below
                self._uncertain.update(debts)
                self._uncertain.update(back)
                raise
            try:
                await self._in(partial(self._leases.give_back, back))
            except StoreUnavailable:
                self._uncertain.update(back)  # not kept: it may have gone back
                raise
            await self._clear()
            await self._keep_ahead()
        await self._be_heard()

    async def watch(self) -> None:
        """`tick` for ever, until cancelled. While the database does not answer, what is leased goes on."""
        while True:
            with suppress(StoreUnavailable):  # the ledger's `ready` tells of it
                await self.tick()
            await self._sleep(TICK_S)

    async def end(self) -> None:
        """Give everything back, once everything is posted. Raises StoreUnavailable."""
        async with self._turn:
            await self._in(self._leases.end)
            self._purse.leased.clear()

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown()

    def _unused(self) -> tuple[dict[str, int], dict[str, int]]:
        """What goes back, and what was spent beyond what was leased."""
        purse, back, debts = self._purse, dict[str, int](), dict[str, int]()
        for account_id, account in list(purse.leased.items()):
            free, kept = account.free_nusd or 0, max(account.used_nusd, account.ahead_nusd)
            account.used_nusd = 0
            if free > kept:
                back[account_id] = free - kept
                account.free_nusd = kept
            elif free < 0:
                debts[account_id] = -free
                account.free_nusd = 0
        dropped, purse.dropped = purse.dropped, {}
        for account_id, amount in dropped.items():
            into = back if amount > 0 else debts
            into[account_id] = into.get(account_id, 0) + abs(amount)
        return back, debts

    async def _clear(self) -> None:
        """Begin anew with accounts that are uncertain, once nothing is held on them or on its way into the books."""
        if not self._uncertain or self._backlog():
            return
        quiet = []
        for account_id in self._uncertain:
            account = self._purse.account(account_id)
            if account is None or not account.holds:
                quiet.append(account_id)
                if account is not None:
                    account.free_nusd = 0  # so nothing is held meanwhile
        await self._in(partial(self._leases.clear, quiet))
        self._uncertain.difference_update(quiet)

    async def _keep_ahead(self) -> None:
        """Have at hand what holds may be extended by, as far as there is any."""
        for account in list(self._purse.leased.values()):
            lacking = account.ahead_nusd - (account.free_nusd or 0)
            if account.ahead_nusd and lacking > 0:
                want = Want(account.account_id, account.limit_nusd, 0, lacking)
                for each in await self._in(partial(self._leases.grant, (want,), self._nodes)):
                    if each.amount_nusd:
                        self._purse.lease(each.account_id, each.amount_nusd, each.posted_nusd)

    async def _once(
        self, specs: Sequence[AccountSpec], amount_nusd: int
    ) -> tuple[AccountSpec, Granted] | None:
        """Try; None when there is enough now, else an account that has no room, and what was said of it."""
        async with self._turn:
            lacking = self._lacking(specs, amount_nusd)
            now = self._clock.monotonic()
            for spec, need in lacking:
                known = self._refused.get(spec.account_id)
                if known is not None and now < known.until and need >= known.need:
                    return spec, known.said
            if not lacking:
                return None
            granted = await self._granted(lacking, amount_nusd)
            for spec, need in lacking:
                said = granted[spec.account_id]
                if not said.amount_nusd and said.posted_nusd + said.leased_nusd + need > (
                    spec.limit_nusd or 0
                ):
                    if len(self._refused) >= _REFUSED_MOST:
                        self._refused.clear()
                    self._refused[spec.account_id] = _Refused(now + _PAUSE_S, need, said)
                    return spec, said
        return None

    async def _granted(
        self, lacking: Sequence[tuple[AccountSpec, int]], amount_nusd: int
    ) -> Mapping[str, Granted]:
        wish = _AHEAD * amount_nusd
        wants = [Want(spec.account_id, spec.limit_nusd or 0, need, wish) for spec, need in lacking]
        try:
            told = await self._in(partial(self._leases.grant, wants, self._nodes))
        except StoreUnavailable:
            self._uncertain.update(want.account_id for want in wants)
            raise
        for each in told:
            if each.amount_nusd:
                self._purse.lease(each.account_id, each.amount_nusd, each.posted_nusd)
        return {each.account_id: each for each in told}

    def _lacking(self, specs: Sequence[AccountSpec], amount_nusd: int) -> list[tuple[AccountSpec, int]]:
        told = []
        for spec in specs:
            account = self._purse.account(spec.account_id)
            free = 0 if account is None else account.free_nusd or 0
            if spec.limit_nusd is not None and free < amount_nusd:
                told.append((spec, amount_nusd - free))
        return told

    async def _be_heard(self) -> None:
        now = self._clock.wall()
        if now - self._seen_at >= _SEEN_S:
            await self._in(partial(self._leases.seen, *self._told, now))
            self._nodes = max(1, await self._in(partial(self._leases.live, now - _ALIVE_S)))
            self._seen_at = now

    async def _in(self, call: Callable[[], T]) -> T:
        """Run it on the thread. Raises StoreUnavailable also when it takes too long: then nobody knows what it did, and
        while it is not over nothing else is asked."""
        self._check_stalled()
        asked = asyncio.get_running_loop().run_in_executor(self._thread, call)
        try:
            return await asyncio.wait_for(asyncio.shield(asked), _PATIENCE_S)
        except TimeoutError:
            asked.add_done_callback(_seen)
            self._stalled = asked
            raise _late() from None

    def _check_stalled(self) -> None:
        if self._stalled is not None and not self._stalled.done():
            raise _late()


def _late() -> StoreUnavailable:
    return StoreUnavailable(
        "The database does not answer in time. The gateway tries again by itself.", retry_after_s=1.0
    )


def _seen(asked: asyncio.Future[Any]) -> None:
    if not asked.cancelled():
        asked.exception()
