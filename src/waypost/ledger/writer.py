"""One thread between the event loop and the database: the only place where the ledger meets it.

Settled exchanges are queued by the loop and posted in batches. While the database does not answer, the queue is kept
and posting is tried again with growing pauses; nothing that was settled is ever dropped.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import Final, NamedTuple

from waypost.errors import GatewayError, StoreUnavailable
from waypost.ledger.intents import Intents, Settled
from waypost.ports import Clock, Journal

BATCH_MAX: Final = 512
_PAUSE_FIRST_S: Final = 0.02
_PAUSE_MAX_S: Final = 0.5
#: A single odd record must not stop everything; many mean that something is wrong with the database.
_STUCK_MAX: Final = 100


class _Job(NamedTuple):
    call: Callable[[], dict[str, int]]
    done: Future[dict[str, int]]
    patient: bool
    """Waits for the database to come back; else it fails with the first failed attempt to drain the queue."""


class Writer:
    """Owns the thread. `add` costs a queue append; a wake-up is signalled once per batch, not once per record.

    `delay_s` is how long the first record of a batch waits for company. `unready_after_s` and `backlog_max` say when
    a database that does not keep up makes the ledger unready.
    """

    def __init__(
        self,
        journal: Journal,
        intents: Intents,
        *,
        clock: Clock,
        delay_s: float = 0.1,
        unready_after_s: float = 10.0,
        backlog_max: int = 100_000,
    ) -> None:
        self._journal = journal
        self._intents = intents
        self._clock = clock
        self._delay_s = delay_s
        self._unready_after_s = unready_after_s
        self._backlog_max = backlog_max
        self._queue: deque[Settled] = deque()
        self._jobs: deque[_Job] = deque()
        self._stuck: list[Settled] = []
        #: Per segment with a stuck record, the number before it: recovery must meet that record again.
        self._ceilings: dict[str, int] = {}
        self._awake = False
        self._stopping = False
        self._ended = False
        self._wake = threading.Event()
        self._urgent = threading.Event()
        self._halt = threading.Event()
        self._failing_since: float | None = None
        self._thread = threading.Thread(target=self._run, name="waypost-ledger", daemon=True)
        self.fault: str | None = None
        """None, or why the journal is too far behind to take new work."""

    @property
    def backlog(self) -> int:
        """Settled exchanges that the database does not have yet."""
        return len(self._queue) + len(self._stuck)

    @property
    def stuck(self) -> int:
        """Settled exchanges that the database refuses; the next start meets them again."""
        return len(self._stuck)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def add(self, settled: Settled) -> None:
        """Queue one settled exchange. Never blocks."""
        self._queue.append(settled)
        if not self._awake:
            self._awake = True
            self._wake.set()

    async def posted(self, account_ids: Sequence[str]) -> dict[str, int]:
        """What the journal has posted to each account, everything settled so far included.

        Raises StoreUnavailable.
        """
        return await asyncio.wrap_future(self.ask_posted(account_ids))

    def ask_posted(self, account_ids: Sequence[str]) -> Future[dict[str, int]]:
        """`posted`, as a future that may be shared."""
        return self._submit(lambda: self._journal.posted(account_ids), patient=False)

    async def flush(self) -> None:
        """Wait until the journal has everything that was settled so far, however long that takes."""
        await asyncio.wrap_future(self._submit(dict, patient=True))

    async def stop(self, timeout_s: float) -> int:
        """Post what is queued, waiting at most `timeout_s`, and end the thread. Returns how many records are left:
        they are in the intents files, and the next start posts them."""
        with suppress(TimeoutError, StoreUnavailable):  # what is left then is the answer
            await asyncio.wait_for(self.flush(), timeout_s)
        self._stopping = True
        self._halt.set()
        self._urgent.set()
        self._wake.set()
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)
        return self.backlog

    def sweep(self) -> None:
        """Delete the segments that nothing needs, after the thread has ended."""
        self._drop([])

    def _submit(self, call: Callable[[], dict[str, int]], *, patient: bool) -> Future[dict[str, int]]:
        done: Future[dict[str, int]] = Future()
        self._jobs.append(_Job(call, done, patient))
        if self._ended:
            self._give_up()
        self._awake = True
        self._urgent.set()
        self._wake.set()
        return done

    # --- the thread -------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._work()
        finally:
            if not self._stopping:
                self.fault = (
                    "The ledger's writer has ended by a fault. Restart the gateway: nothing settled is lost."
                )
            self._ended = (
                True  # before the jobs are looked at: `_submit` adds its own before it looks at this
            )
            self._give_up()

    def _give_up(self) -> None:
        """Nobody does these jobs any more: whoever waits for one is told so."""
        for job in tuple(self._jobs):
            with suppress(InvalidStateError):  # it was done, or its waiter has left
                job.done.set_exception(
                    StoreUnavailable("The ledger's writer has ended. Restart the gateway.")
                )

    def _work(self) -> None:
        pause_s = 0.0
        while not self._stopping:
            if not self._queue and not self._jobs:
                self._sleep()
                continue
            self._urgent.wait(self._delay_s)
            self._urgent.clear()
            jobs = [self._jobs.popleft() for _ in range(len(self._jobs))]
            try:
                failure = self._drain()
                self._judge(failure)
                self._finish(jobs, failure)
            except BaseException:
                self._jobs.extend(jobs)  # so that nobody waits for a thread that ends
                raise
            if failure is None:
                pause_s = 0.0
            else:
                pause_s = min(max(_PAUSE_FIRST_S, pause_s * 2), _PAUSE_MAX_S)
                self._halt.wait(pause_s)

    def _sleep(self) -> None:
        # `_awake` goes down before the queues are looked at again, and `add` appends before it looks at `_awake`:
        # one of the two sees the other, so no record waits for the next one to wake the thread.
        self._awake = False
        if not self._queue and not self._jobs and not self._stopping:
            self._wake.wait()
        self._awake = True
        self._wake.clear()

    def _drain(self) -> GatewayError | None:
        """Post what is in the queue now; the error that stopped it, if one did."""
        left = len(self._queue)
        while left > 0:
            batch = self._take(min(left, BATCH_MAX))
            left -= len(batch)
            try:
                self._post(batch)
            except StoreUnavailable as error:
                self._queue.extendleft(reversed(batch))
                return error
        return None

    def _take(self, limit: int) -> list[Settled]:
        """The next records of one segment."""
        batch = [self._queue.popleft()]
        segment = batch[0].segment
        while len(batch) < limit and self._queue[0].segment is segment:
            batch.append(self._queue.popleft())
        return batch

    def _post(self, batch: list[Settled]) -> None:
        last = batch[-1]
        name = last.segment.name
        upto = min(last.number, self._ceilings.get(name, last.number))
        try:
            self._journal.post(name, upto, [settled.exchange for settled in batch])
        except StoreUnavailable:
            raise
        except GatewayError:
            batch = self._post_one_by_one(batch)
        self._drop(batch)

    def _post_one_by_one(self, batch: list[Settled]) -> list[Settled]:
        # One record the database refuses must not stop the others. It is kept, and so is its segment, so that
        # nothing is lost and the next start meets it again.
        good: list[Settled] = []
        for at, settled in enumerate(batch):
            try:
                self._journal.repost([settled.exchange])
            except StoreUnavailable:
                self._drop(good)
                self._queue.extendleft(reversed(batch[at:]))
                batch.clear()
                raise
            except GatewayError:
                self._stuck.append(settled)
                self._ceilings.setdefault(settled.segment.name, settled.number - 1)
            else:
                good.append(settled)
        return good

    def _drop(self, applied: list[Settled]) -> None:
        for segment in self._intents.released(applied):
            try:
                os.unlink(segment.path)
                self._journal.forget(segment.name)
            except (OSError, StoreUnavailable):
                # Left over: the next start finds it wholly applied and deletes it.
                continue

    def _finish(self, jobs: list[_Job], failure: GatewayError | None) -> None:
        for job in jobs:
            if failure is not None and job.patient:
                self._jobs.append(job)
                continue
            if not job.done.set_running_or_notify_cancel():
                continue
            if failure is not None:
                job.done.set_exception(failure)
                continue
            try:
                job.done.set_result(job.call())
            except GatewayError as error:
                job.done.set_exception(error)

    def _judge(self, failure: GatewayError | None) -> None:
        now = self._clock.monotonic()
        if failure is None:
            self._failing_since = None
        elif self._failing_since is None:
            self._failing_since = now
        if len(self._stuck) > _STUCK_MAX:
            self.fault = (
                f"The database refuses {len(self._stuck)} settled record(s), which are kept in the intents files. "
                "Check the database, then restart the gateway."
            )
        elif len(self._queue) > self._backlog_max:
            self.fault = (
                f"{len(self._queue)} settled records wait for the database. Check its load and its disk."
            )
        elif self._failing_since is not None and now - self._failing_since >= self._unready_after_s:
            self.fault = "The database does not take settled records. Check it and its disk; posting goes on by itself."
        else:
            self.fault = None
