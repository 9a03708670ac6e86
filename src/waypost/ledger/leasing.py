"""Leasing: what this node may spend of accounts that it shares with others.

A request whose accounts have enough leased headroom waits for nothing. Otherwise headroom is leased for it and for some
more, which shrinks as a limit nears; what was not used for a while goes back. An account in use is given more before it
runs out, so that a hot one costs a few questions a second, however many requests there are. So no limit is overshot
however many nodes there are, and nobody is refused for long while there is headroom anywhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeVar

import msgspec

from waypost.core.lease import Granted, Move, Want
from waypost.errors import StoreUnavailable
from waypost.ledger.accounts import AccountSpec
from waypost.ledger.purse import Account, Purse
from waypost.ledger.resting import Resting
from waypost.ports import Clock, Leases

T = TypeVar("T")
Tells = Callable[[Any], bool]

#: How much is wished for beyond a need: so many of its like, or what is held in so many ticks where that is more.
_AHEAD: Final = 64
_STOCK: Final = 4
#: An account in use may have such a stock where so many times as much is left of its limit for each node.
_FAR: Final = 64
#: Of what is left of a limit, for each node: what nobody misses, and is kept for so many ticks after it was in use.
_SPARE: Final = 1024
_REST_TICKS: Final = 40
#: How long a request waits for headroom that others have, and how often it looks.
_WAIT_S: Final = 0.5
_PAUSE_S: Final = 0.05
#: How long the database may take for an answer that a request waits for.
_PATIENCE_S: Final = 1.0
#: How long a request waits for its turn to ask, behind others that do.
_TURN_S: Final = 5.0
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
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`name` and `version`: what others are told of this node. Blocks on the database, to give back what an earlier
        process left: make it before serving. Raises StoreUnavailable."""
        self._purse = purse
        self._leases = leases
        self._clock = clock
        self._told = (name, version)
        self._sleep = sleep
        self._turn = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, "waypost-leases")
        self._nodes = 1
        self._seen_at = float("-inf")
        self._refused: dict[str, _Refused] = {}
        self._resting = Resting(_REST_TICKS)
        self._number = leases.begin()
        #: A move of which nobody knows the end, for its answer was lost or not waited for; and whether it is in force
        #: here.
        self._pending: tuple[Move, bool] | None = None
        #: A call that took too long, and may still be under way; and what its answer tells of the move.
        self._stalled: tuple[asyncio.Future[Any], Tells | None] | None = None

    @property
    def nodes(self) -> int:
        """How many nodes share the accounts, this one included."""
        return self._nodes

    @property
    def free_nusd(self) -> int:
        """Leased, and nothing held on it. Requests are no money."""
        leased = {**self._purse.leased, **{account.account_id: account for account in self._resting}}
        return sum(max(0, account.free_nusd or 0) for account in leased.values() if not account.counts)

    async def secure(
        self, specs: Sequence[AccountSpec], amount_nusd: int, at: float, *, wait: bool = True
    ) -> None:
        """Have `amount_nusd` leased and free on every account with a limit. `wait`: also for what others may give back.
        Raises BudgetExceeded for the first one that has no room, StoreUnavailable."""
        until = self._clock.monotonic() + (_WAIT_S if wait else 0.0)
        while True:
            refused = await self._once(specs, amount_nusd, self._clock.monotonic() + _TURN_S)
            if refused is None:
                return
            spec, said = refused
            account = self._purse.account(spec.account_id)
            if account is None:
                return  # its window is over: the next look finds another one
            spent = said.posted_nusd + spec.need(amount_nusd) > (spec.limit_nusd or 0)
            if spent or self._clock.monotonic() >= until:
                account.posted_nusd = max(account.posted_nusd, said.posted_nusd)
                raise self._purse.exceeded(spec, account, amount_nusd, at)
            await self._sleep(_PAUSE_S)

    async def tick(self) -> None:
        """Give back what was not used since the last time, settle debts, be heard of. Raises StoreUnavailable."""
        async with self._turn:
            await self._find_out()
            amounts, wants = self._unused()
            if amounts:
                await self._carry_out(self._leases.change, Move(self._next(), amounts), here=True)
            await self._keep_ahead()
            if wants:
                await self._grant(wants)
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
            self._check_stalled()
            await self._in(self._leases.end)
            self._purse.leased.clear()
            self._resting.clear()

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown()

    def _unused(self) -> tuple[dict[str, int], list[Want]]:
        """What goes back, below 0, and what was spent beyond what was leased; both are so here from now on. And what
        accounts in use should have again, before a request has to wait for it."""
        purse, amounts, wants, low = self._purse, dict[str, int](), list[Want](), False
        for account in self._looked_at():
            account_id, free, stock = account.account_id, account.free_nusd or 0, self._stock(account)
            if account.used_nusd < stock and free < stock:
                wants.append(Want(account_id, account.limit_nusd, 0, stock - free))
                low |= 2 * free < stock
            kept = max(stock, account.ahead_nusd, min(free, self._spare(account)))
            account.used_nusd = 0
            if free > kept:
                amounts[account_id] = kept - free
                account.free_nusd = kept
            elif free < 0:
                amounts[account_id] = -free
                account.free_nusd = 0
        dropped, purse.dropped = purse.dropped, {}
        for account_id, amount in dropped.items():
            amounts[account_id] = amounts.get(account_id, 0) - amount
        changed = {account_id: amount for account_id, amount in amounts.items() if amount}
        return changed, wants if low else []

    def _looked_at(self) -> Iterator[Account]:
        """Accounts of which something is leased, but for those that rest."""
        purse, resting = self._purse, self._resting
        for account in resting.due():
            if account.used_nusd:
                resting.put(account)
                account.used_nusd = 0
            elif purse.account(account.account_id) is account:
                account.limit_nusd = 0  # nothing of it is to spare, until it is met again
                purse.leased[account.account_id] = account
        for account in list(purse.leased.values()):
            resting.wake(account.account_id)
            idle = not account.used_nusd and not account.ahead_nusd
            if idle and 0 < (account.free_nusd or 0) <= self._spare(account):
                resting.put(account)
                del purse.leased[account.account_id]
                continue
            yield account
            if idle and not account.free_nusd and not account.holds:
                del purse.leased[account.account_id]

    def _stock(self, account: Account) -> int:
        """How much an account in use should have at hand: of a limit that is far away enough for a while, else what was
        held since the last tick."""
        stock = _STOCK * account.used_nusd
        return stock if stock * _FAR * self._nodes <= _room(account) else account.used_nusd

    def _spare(self, account: Account) -> int:
        return max(0, _room(account) // (_SPARE * self._nodes))

    def _next(self) -> int:
        self._number += 1
        return self._number

    async def _carry_out(self, call: Callable[[Move], T], move: Move, *, here: bool) -> T:
        """Carry out a move. `here`: in this process it is in force already. When its answer is lost, or nobody waits
        for it any more, `_find_out` tells what became of it."""
        self._pending = move, here
        done = await self._in(partial(call, move), tells=_carried_out)
        self._pending = None
        if not here:
            self._take_in(move, 1)
        return done

    async def _find_out(self) -> None:
        """What became of a move whose answer was lost. Raises StoreUnavailable."""
        self._check_stalled()
        if self._pending is None:
            return
        move, here = self._pending
        reached = self._told_late()
        if reached is None:
            reached = await self._in(partial(self._leases.reached, move.number), tells=bool)
        self._pending = None
        if reached != here:
            self._take_in(move, 1 if reached else -1)

    def _take_in(self, move: Move, sign: int) -> None:
        for account_id, amount in move.amounts.items():
            self._purse.lease(account_id, sign * amount)

    async def _keep_ahead(self) -> None:
        """Have at hand what holds may be extended by, as far as there is any."""
        for account in list(self._purse.leased.values()):
            lacking = account.ahead_nusd - (account.free_nusd or 0)
            if account.ahead_nusd and lacking > 0:
                await self._grant([Want(account.account_id, account.limit_nusd, 0, lacking)])

    async def _once(
        self, specs: Sequence[AccountSpec], amount_nusd: int, until: float
    ) -> tuple[AccountSpec, Granted] | None:
        """Try; None when there is enough now, else an account that has no room, and what was said of it. Raises
        StoreUnavailable, also when its turn does not come until then."""
        async with self._turn:
            lacking = self._lacking(specs, amount_nusd)
            now = self._clock.monotonic()
            for spec, need in lacking:
                known = self._refused.get(spec.account_id)
                if known is not None and now < known.until and need >= known.need:
                    return spec, known.said
            if not lacking:
                return None
            if now > until:
                raise _late()
            if self._pending is not None:
                await self._find_out()
                lacking = self._lacking(specs, amount_nusd)
                if not lacking:
                    return None  # it was granted before, and only not heard of in time
            else:
                self._check_stalled()
            granted = await self._grant(
                [
                    Want(spec.account_id, spec.limit_nusd or 0, need, self._wish(spec, amount_nusd))
                    for spec, need in lacking
                ]
            )
            for spec, need in lacking:
                said = granted[spec.account_id]
                room = (spec.limit_nusd or 0) - said.posted_nusd - said.leased_nusd
                if not said.amount_nusd and need > room:
                    if len(self._refused) >= _REFUSED_MOST:
                        self._refused.clear()
                    self._refused[spec.account_id] = _Refused(now + _PAUSE_S, need, said)
                    return spec, said
        return None

    async def _grant(self, wants: Sequence[Want]) -> Mapping[str, Granted]:
        def ask(move: Move) -> Sequence[Granted]:
            return self._leases.grant(wants, self._nodes, move)

        told = await self._carry_out(ask, Move(self._next(), {}), here=False)
        for each in told:
            self._purse.see(each.account_id, each.posted_nusd)
        return {each.account_id: each for each in told}

    def _lacking(self, specs: Sequence[AccountSpec], amount_nusd: int) -> list[tuple[AccountSpec, int]]:
        told = []
        for spec in specs:
            account = self._purse.account(spec.account_id)
            free = 0 if account is None else account.free_nusd or 0
            wanted = spec.need(amount_nusd)
            if spec.limit_nusd is not None and free < wanted:
                told.append((spec, wanted - free))
        return told

    def _wish(self, spec: AccountSpec, amount_nusd: int) -> int:
        account = self._purse.account(spec.account_id)
        return max(_AHEAD * spec.need(amount_nusd), 0 if account is None else self._stock(account))

    async def _be_heard(self) -> None:
        now = self._clock.wall()
        if now - self._seen_at >= _SEEN_S:
            await self._in(partial(self._leases.seen, *self._told, now))
            self._nodes = max(1, await self._in(partial(self._leases.live, now - _ALIVE_S)))
            self._seen_at = now

    async def _in(self, call: Callable[[], T], *, tells: Tells | None = None) -> T:
        """Run it on the thread. Raises StoreUnavailable also when it takes too long: then nobody knows what it did, and
        while it is not over nothing else is asked. `tells`: what its answer says of the pending move, if it comes."""
        self._check_stalled()
        asked = asyncio.get_running_loop().run_in_executor(self._thread, call)
        asked.add_done_callback(_seen)
        # Not `wait_for`: up to Python 3.11 it can swallow the cancellation of whoever waits.
        done, _ = await asyncio.wait((asked,), timeout=_PATIENCE_S)
        if done:
            return asked.result()
        self._stalled = asked, tells
        raise _late()

    def _check_stalled(self) -> None:
        if self._stalled is not None and not self._stalled[0].done():
            raise _late()

    def _told_late(self) -> bool | None:
        """Whether the pending move is in force, as an answer told that nobody waited for. So a database that always
        takes too long still grants: whoever comes again finds it."""
        stalled, self._stalled = self._stalled, None
        if (
            stalled is None
            or stalled[1] is None
            or stalled[0].cancelled()
            or stalled[0].exception() is not None
        ):
            return None
        return stalled[1](stalled[0].result())


def _late() -> StoreUnavailable:
    return StoreUnavailable(
        "The database does not answer in time. The gateway tries again by itself.", retry_after_s=1.0
    )


def _carried_out(_answer: object) -> bool:
    return True


def _seen(asked: asyncio.Future[Any]) -> None:
    if not asked.cancelled():
        asked.exception()


def _room(account: Account) -> int:
    """Of its limit, as it was last met: what is neither spent nor held, as far as this node knows."""
    return account.limit_nusd - account.posted_nusd - account.held_nusd
