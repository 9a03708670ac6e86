"""The ledger: reserve, mark, settle. Composes the purse, the intents files and the writer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import cast

from waypost.core.record import Checkpoint, DispatchMark, Exchange
from waypost.core.rules import FreeShare, Rules
from waypost.errors import Bug, StoreUnavailable
from waypost.ledger.accounts import Accounts, AccountSpec
from waypost.ledger.intents import SEGMENT_BYTES, Intents
from waypost.ledger.leasing import Leasing
from waypost.ledger.purse import Purse, PurseHold
from waypost.ledger.recovery import RecoveryReport, open_folder, recover
from waypost.ledger.segments import next_number
from waypost.ledger.writer import Launch, Writer
from waypost.ports import Clock, Hold, Journal, Leases


class BookLedger:
    """`ports.Ledger` over one data folder and one journal. Use `open_ledger`."""

    def __init__(self, purse: Purse, intents: Intents, writer: Writer, clock: Clock) -> None:
        self.purse = purse
        #: Where accounts are shared with other nodes.
        self.leasing: Leasing | None = None
        self._accounts = Accounts()
        self._intents = intents
        self._writer = writer
        self._clock = clock
        self._loading: dict[tuple[str, ...], asyncio.Future[None]] = {}
        #: Straight to the intents, without a frame between: see `ports.Ledger`.
        self.dispatch: Callable[[DispatchMark], None] = intents.dispatch
        self.checkpoint: Callable[[Checkpoint], None] = intents.checkpoint

    def try_reserve(
        self, rules: Rules, amount_nusd: int, at: float, *, free: bool = False
    ) -> PurseHold | None:
        """See `ports.Ledger`. Raises BudgetExceeded."""
        return self.purse.reserve(self._accounts.of(rules, at), amount_nusd, at, free=free)

    def extend(self, hold: Hold, rules: Rules, more_nusd: int, at: float) -> None:
        """See `ports.Ledger`. Raises BudgetExceeded, and Bug for a hold that is closed."""
        self.purse.extend(cast(PurseHold, hold), self._accounts.of(rules, at), more_nusd, self._clock.wall())

    async def enlarge(
        self, hold: Hold, rules: Rules, more_nusd: int, at: float, *, wait: bool = True
    ) -> None:
        """See `ports.Ledger`. Raises BudgetExceeded and StoreUnavailable, and Bug for a hold that is closed."""
        if self.leasing is not None:
            await self.leasing.secure(self._accounts.of(rules, at), more_nusd, at, wait=wait)
        self.extend(hold, rules, more_nusd, at)

    def keep_ahead(self, hold: Hold) -> None:
        """See `ports.Ledger`."""
        self.purse.keep_ahead(cast(PurseHold, hold))

    def left(self, rules: Rules, at: float) -> int | None:
        """See `ports.Ledger`."""
        return self.purse.left(self._accounts.of(rules, at))

    def left_free(self, share: FreeShare, at: float) -> int | None:
        """See `ports.Ledger`."""
        (spec,) = self._accounts.of(share.only, at)
        return self.purse.left_of(spec)

    async def load(self, rules: Rules, at: float, amount_nusd: int = 0) -> None:
        """See `ports.Ledger`. One read per account however many requests wait for it. Raises StoreUnavailable, and
        BudgetExceeded where accounts are shared."""
        specs = self._accounts.of(rules, at)
        missing = self.purse.missing(specs)
        if missing:
            await self._open(missing, at)
        if self.leasing is not None:
            await self.leasing.secure(specs, amount_nusd, at)

    async def _open(self, missing: tuple[AccountSpec, ...], at: float) -> None:
        wanted = tuple(spec.account_id for spec in missing)
        loading = self._loading.get(wanted)
        if loading is None:
            # A future of our own, done only once the accounts are in: a caller that came between the read's end and
            # its callback would otherwise find neither an account nor anything to wait for, and ask for ever.
            loading = self._loading[wanted] = asyncio.get_running_loop().create_future()
            reading = self._writer.ask_posted(wanted)
            reading.add_done_callback(partial(self._loaded, missing, wanted, at))
        await asyncio.shield(loading)

    async def durable(self) -> None:
        """See `ports.Ledger`. Raises StoreUnavailable."""
        await self._intents.durable()

    def settle(self, hold: Hold | None, exchange: Exchange) -> None:
        """See `ports.Ledger`. Raises Bug, and changes nothing, when the hold is closed already or is not the one
        whose accounts the exchange names."""
        cost = 0
        for attempt in exchange.attempts:
            cost += attempt.cost_nusd or 0
        if hold is None:
            if exchange.accounts:
                raise Bug("An exchange names budget accounts, but nothing was held on them.")
        else:
            if exchange.accounts is not hold.accounts and exchange.accounts != hold.accounts:
                raise Bug("An exchange names other budget accounts than those it was held against.")
            assert isinstance(hold, PurseHold)  # noqa: S101 - there is no other; `cast` is a call
            self.purse.close(hold, cost, exchange.attempts)
        pins = self._intents.settled(exchange)
        if pins is not None or exchange.request_body is not None or exchange.response_body is not None:
            self._writer.carry(exchange, pins)
        else:
            self._writer.nudge()

    @property
    def ready(self) -> str | None:
        """See `ports.Ledger`. While the disk refuses writes, asking is what notices that it has healed."""
        intents = self._intents
        if intents.fault is not None:
            intents.probe()
            if intents.fault is not None:
                return intents.fault
        return self._writer.fault

    @property
    def backlog(self) -> int:
        """Settled exchanges that the database does not have yet."""
        return self._writer.backlog

    @property
    def fullness(self) -> float:
        """The same, in parts of the backlog with which nothing new is taken."""
        return self._writer.fullness

    @property
    def stuck(self) -> int:
        """Settled exchanges that the database refuses, to be alerted on."""
        return self._writer.stuck

    @property
    def open_dispatches(self) -> int:
        """Attempts that were dispatched and are not settled."""
        return self._intents.open_dispatches

    async def flush(self) -> None:
        """Wait until the journal has everything that was settled so far."""
        await self._writer.flush()

    @property
    def writer_starts(self) -> int:
        """How often the writer process was started: one more for each that died."""
        return self._writer.starts

    def share(self, leases: Leases, name: str, version: str) -> Leasing:
        """From now on limits hold by leases. Blocks on the database, to give back what an earlier process left: call it
        before serving, and `watch` what is returned. Raises StoreUnavailable."""
        self.leasing = Leasing(self.purse, leases, self._clock, name, version)
        self.purse.shared = True
        return self.leasing

    async def stop(self, timeout_s: float = 30.0) -> int:
        """Have everything posted, end the writer, close the files. Returns how many settled records are left for the
        next start to post: 0 unless the database did not answer in time."""
        return await self._writer.stop(timeout_s)

    def _loaded(
        self,
        missing: tuple[AccountSpec, ...],
        wanted: tuple[str, ...],
        at: float,
        reading: asyncio.Future[dict[str, int]],
    ) -> None:
        loading = self._loading.pop(wanted)
        # Cancelled: the loop ends. Its waiters are answered all the same, and not as if they had been cancelled.
        fault = (
            StoreUnavailable("The gateway is ending.", retry_after_s=1.0)
            if reading.cancelled()
            else reading.exception()
        )
        if fault is not None:
            loading.set_exception(fault)
            loading.exception()  # seen: every waiter may have left
            return
        posted = reading.result()
        for spec in missing:
            self.purse.open(spec, posted.get(spec.account_id, 0), at)
        loading.set_result(None)


def open_ledger(
    data: Path,
    journal: Journal,
    clock: Clock,
    launch: Launch,
    *,
    fsync: bool = False,
    segment_bytes: int = SEGMENT_BYTES,
    told: Callable[[str], None] = lambda _: None,
) -> tuple[BookLedger, RecoveryReport]:
    """Recover what an earlier process left in `<data>/intents`, then open the ledger and start its writer.

    Needs a running event loop, and blocks on the database: call it before serving. The `journal` is used for recovery
    only; `told` hears of writers that die. Raises StoreUnavailable when the folder or the database can not be used.
    """
    folder = open_folder(data / "intents")
    report = recover(folder, journal)
    intents = Intents(
        folder,
        next_number(folder, journal.applied()),
        clock=clock,
        fsync=fsync,
        segment_bytes=segment_bytes,
    )
    writer = Writer(intents, launch, clock=clock, told=told)
    writer.start()
    return BookLedger(Purse(), intents, writer, clock), report
