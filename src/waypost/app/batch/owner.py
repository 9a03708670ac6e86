"""Owns the batches that are not over: which are worked off, which wait, and what of them outlives the process."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

import msgspec

from waypost.app.batch.run import BatchRun, Outcome, Tools
from waypost.app.ending import end_all
from waypost.core.batch import OVER, Batch
from waypost.errors import Draining, Overloaded
from waypost.telemetry.metrics import Labelled


class BatchOwner:
    """One per process, on the event loop."""

    def __init__(self, tools: Callable[[Callable[[Outcome], None]], Tools]) -> None:
        """`tools` is given whom to tell how lines ended."""
        self._lines: Counter[Outcome] = Counter()
        self._tools = tools(self._told)
        #: By id; those that wait have no task. Oldest first.
        self._runs: dict[str, BatchRun] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._draining_since: float | None = None

    @property
    def running(self) -> int:
        """Batches that are worked off."""
        return len(self._tasks)

    def labelled(self) -> Sequence[Labelled]:
        """For `/metrics`."""
        rows = [((outcome,), float(count)) for outcome, count in sorted(self._lines.items())]
        return (Labelled("waypost_batch_lines_total", ("outcome",), rows),)

    async def resume(self) -> None:
        """Take up what an earlier process left. Raises StoreUnavailable."""
        for batch in await self._tools.batches.unfinished():
            self._runs.setdefault(batch.batch_id, BatchRun(batch, self._tools, resumed=True))
        self._begin_next()

    def check_room(self) -> None:
        """Raises Overloaded and Draining when no batch is taken."""
        if self._draining_since is not None:
            raise Draining("The gateway is shutting down. Ask another replica, or again in a moment.")
        if len(self._runs) - len(self._tasks) >= self._tools.settings().storage.waiting_max:
            raise Overloaded("As many batches are waiting as may. Ask again when some are over.")

    async def submit(self, batch: Batch) -> None:
        """Keep a new batch, and work it off when its turn comes. Raises as `check_room`, and StoreUnavailable."""
        self.check_room()
        await self._tools.batches.put(batch)
        self._runs[batch.batch_id] = BatchRun(batch, self._tools, resumed=False)
        self._begin_next()

    def now(self, batch: Batch) -> Batch:
        """A batch as it stands at this moment: of one under way the store knows less."""
        run = self._runs.get(batch.batch_id)
        return batch if run is None else run.batch

    async def cancel(self, batch: Batch) -> Batch:
        """See `BatchRun.cancel`; a batch that was broken off, or waits to be taken up, is taken up to be ended. Raises
        StoreUnavailable."""
        if batch.batch_id not in self._runs:
            if batch.status in OVER or batch.ending is not None:
                return batch
            if batch.status != "cancelling":
                now = self._tools.clock.wall()
                batch = msgspec.structs.replace(batch, status="cancelling", cancelling_at=now)
                await self._tools.batches.put(batch)
            # `resume` may have taken it up meanwhile, as it was.
            self._runs.setdefault(batch.batch_id, BatchRun(batch, self._tools, resumed=True))
        cancelled = await self._runs[batch.batch_id].cancel()
        self._begin_next()
        return cancelled

    def drain(self) -> None:
        """Begin no new line."""
        if self._draining_since is None:
            self._draining_since = self._tools.clock.monotonic()
            for run in self._runs.values():
                run.drain()

    async def stop(self) -> None:
        """Wait for lines under way as long as requests are waited for, then give them up."""
        self.drain()
        tasks = tuple(self._tasks.values())
        if not tasks:
            return
        since = self._draining_since
        assert since is not None  # noqa: S101 - `drain` set it
        left_s = since + self._tools.settings().drain_s - self._tools.clock.monotonic()
        _, late = await asyncio.wait(tasks, timeout=max(0.0, left_s))
        await end_all(late)

    def _told(self, outcome: Outcome) -> None:
        self._lines[outcome] += 1

    def _begin_next(self) -> None:
        """Work off as many as may be; of those that wait first the ones whose key has the fewest under way."""
        while self._draining_since is None and len(self._tasks) < self._tools.settings().storage.running_max:
            busy = Counter(self._runs[batch_id].batch.key_id for batch_id in self._tasks)
            waiting = [run for batch_id, run in self._runs.items() if batch_id not in self._tasks]
            if not waiting:
                return
            run = min(waiting, key=lambda run: busy[run.batch.key_id])
            batch_id = run.batch.batch_id
            task = self._tasks[batch_id] = asyncio.ensure_future(self._work_off(run))
            task.add_done_callback(lambda _, batch_id=batch_id: self._ended(batch_id))  # type: ignore[misc]

    async def _work_off(self, run: BatchRun) -> None:
        try:
            await run.run()
        except Exception as error:  # noqa: BLE001 - told of; the others go on, and the next start takes it up
            self._tools.log.fault(
                "a batch was broken off and is taken up at the next start", error, batch=run.batch.batch_id
            )

    def _ended(self, batch_id: str) -> None:
        del self._tasks[batch_id]
        del self._runs[batch_id]
        self._begin_next()
