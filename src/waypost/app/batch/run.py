"""One batch, from its input file to its results. Every line is a request of its own: authorized, held, priced, recorded
and settled by the pipeline like any other.

What is known of a line survives the process. Its result is in a results file. Else the ledger knows whether it was ever
sent to a provider: recovery has settled what was under way when a process died. Such a line is not asked a second time,
for it may have been paid for; it ends with the error `lost`. All others are begun anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from waypost.app.batch.again import wait_before_next
from waypost.app.batch.lines import UNLIMITED, Checked, Limits, check_file, read_at
from waypost.app.batch.results import Results
from waypost.app.batch.slots import Slots
from waypost.config.snapshot import Settings
from waypost.core.batch import Batch, BatchStatus, Ending, Fault, line_exchange
from waypost.core.file import StoredFile
from waypost.core.key import Key
from waypost.dialects.openai_batch.batches import ENDPOINTS
from waypost.dialects.openai_batch.files import RESULTS
from waypost.dialects.openai_batch.lines import InputLine, render_answered, render_unanswered
from waypost.errors import CallerError, GatewayError, InvalidRequest, StoreUnavailable
from waypost.pipeline.behind import Sink
from waypost.pipeline.exchange import Call
from waypost.ports import Batches, Clock, Files
from waypost.stores.content import ContentFolder
from waypost.telemetry.logs import Log

T = TypeVar("T")
Outcome = Literal["completed", "failed", "lost", "expired", "cancelled"]

_HEADERS = {b"content-type": b"application/json"}
_INSIST_S = 1.0
#: So often is tried, once a batch is to end, what its end can do without.
_LAST_TRIES = 5
_EXPIRED = ("batch_expired", "This request was not answered before the batch's window closed.")
_CANCELLED = ("batch_cancelled", "The batch was cancelled before this request was answered.")
_LOST = (
    "lost",
    "The gateway ended while a provider was at work on this request. It was settled at an estimate and its answer is "
    "gone; it was not sent again, for it may have been paid for. Send it in another batch if you need it.",
)
_UNREADABLE = (
    "unreadable_line",
    "This line of the input file is not any more what it was when the file was checked, so it was not asked.",
)


class Tools(msgspec.Struct, frozen=True):
    """What all batches are worked off with."""

    run: Callable[[Call], Awaitable[None]]
    """Answers a call, as the pipeline does."""
    key: Callable[[str], Awaitable[Key]]
    """The key of an id, now, with a low priority. Raises Unauthenticated, NotFound and StoreUnavailable."""
    files: Files
    batches: Batches
    content: ContentFolder
    settings: Callable[[], Settings]
    slots: Slots
    clock: Clock
    log: Log
    wait: Callable[[asyncio.Event, float], Awaitable[None]]
    """Until an event, or for so many seconds."""
    told: Callable[[Outcome], None]
    """A line has ended so."""


class BatchRun:
    """Works one batch off. Owns its record as long as it is not over."""

    def __init__(self, batch: Batch, tools: Tools, resumed: bool) -> None:
        """`resumed`: an earlier process may have begun it."""
        self.batch = batch
        self._tools = tools
        self._resumed = resumed
        self._results = Results(*(tools.content.work(f"{batch.batch_id}.{kind}") for kind in ("out", "err")))
        self._checked: Checked
        self._done: set[int] = set()
        #: Set whenever there is a reason not to begin another line.
        self._halt = asyncio.Event()
        self._stop = asyncio.Event()
        #: The key can not be used any more.
        self._refusal: GatewayError | None = None
        if batch.status == "cancelling":
            self._halt.set()

    @property
    def stopping(self) -> bool:
        """It rests until the next start."""
        return self._stop.is_set()

    def drain(self) -> None:
        """Begin no new line: the gateway is ending."""
        self._stop.set()
        self._halt.set()

    async def cancel(self) -> Batch:
        """End it once its lines under way have ended. Raises StoreUnavailable."""
        if self.batch.status in ("validating", "in_progress"):
            self.batch = self._changed(status="cancelling", cancelling_at=self._tools.clock.wall())
            self._halt.set()
            await self._tools.batches.put(self.batch)
        return self.batch

    async def run(self) -> None:
        """To its end, or until `drain`. Raises CancelledError when lines under way are to be given up."""
        try:
            if self.batch.ending is None and not await self._work():
                return
        finally:
            await self._close()
        await self._hand_over()

    async def _close(self) -> None:
        try:
            await asyncio.to_thread(self._results.close)
        except StoreUnavailable as error:
            self._log(error)

    # --- the lines -----------------------------------------------------------------------------------------------

    async def _work(self) -> bool:
        """Every line to its result; False when something is left, or there is nothing to hand over."""
        checked = await self._attempt(self._check)
        faults = () if checked is None else checked.faults
        if faults and not self._begun:
            await self._over(status="failed", failed_at=self._tools.clock.wall(), faults=faults)
            return False
        opened = await self._attempt(lambda: asyncio.to_thread(self._results.open))
        if isinstance(opened, Fault):
            return await self._break_off((*faults, opened))
        if opened is not None:
            self.batch = self._changed(completed=len(opened[0]), failed=len(opened[1]))
        if faults or checked is None or opened is None:
            return await self._break_off(faults)
        self._checked = checked
        await self._recall(*opened)
        if self.batch.status == "validating":
            self.batch = self._changed(status="in_progress", in_progress_at=self._tools.clock.wall())
        await self._insist(lambda: self._tools.batches.put(self.batch))
        await self._ask_all()
        return not self.stopping and await self._give_up_rest()

    async def _check(self) -> Checked:
        settings = self._tools.settings()
        limits = Limits(settings.storage.lines_max, settings.body_max_bytes)
        limits = UNLIMITED if self._begun else limits
        return await asyncio.to_thread(check_file, self._input, self.batch.endpoint, limits)

    @property
    def _begun(self) -> bool:
        """Its file was found good, in this process or in an earlier one: lines of it may have been paid for."""
        return self.batch.life > 0 or self.batch.status not in ("validating", "cancelling")

    async def _recall(self, good: list[str], bad: list[str]) -> None:
        """Find out what is done already, from the `custom_id` of every result."""
        numbers = self._checked.by_custom_id
        self._done = {numbers[one] for one in (*good, *bad) if one in numbers}
        self.batch = self._changed(life=self.batch.life + 1, total=len(numbers))
        if self._resumed and len(self._done) < len(numbers):
            sent = await self._attempt(lambda: self._tools.batches.dispatched(self.batch.exchange_id))
            for custom_id, number in numbers.items():
                if number in (sent or ()) and number not in self._done:
                    await self._unanswered(number, custom_id, _LOST, "lost")

    async def _ask_all(self) -> None:
        checked = self._checked
        left = (
            (number, offset, name)
            for number, offset, name in zip(
                checked.numbers, checked.offsets, checked.by_custom_id, strict=True
            )
            if number not in self._done
        )
        async with asyncio.TaskGroup() as group:
            for _ in range(min(self._tools.settings().storage.per_batch, len(checked.numbers))):
                group.create_task(self._ask_some(left))

    async def _ask_some(self, left: Iterator[tuple[int, int, str]]) -> None:
        for number, offset, custom_id in left:
            if self._halted():
                return
            await self._ask(number, offset, custom_id)

    def _halted(self) -> bool:
        return self._halt.is_set() or self._tools.clock.wall() >= self.batch.expires_at

    async def _ask(self, number: int, offset: int, custom_id: str) -> None:
        """One line, as often as it takes."""
        batch, tools = self.batch, self._tools

        async def read() -> InputLine | Fault:
            return await asyncio.to_thread(read_at, self._input, number, offset, batch.endpoint, UNLIMITED)

        line = await self._attempt(read)
        if isinstance(line, Fault):
            await self._unanswered(number, custom_id, _UNREADABLE, "failed")
            return
        tries = 0
        while line is not None:
            key = await self._attempt(self._key)
            if key is None:
                return
            tries += 1
            exchange_id = line_exchange(self.batch, number, tries)
            sink = Sink()
            async with tools.slots:
                if self._halted():
                    return
                await tools.run(self._call(line, exchange_id, key, sink))
            if self.stopping and sink.status == 503:
                return  # the next start asks, or finds that it may have been paid for
            wait_s = wait_before_next(sink, tries)
            if wait_s is None:
                await self._answered(number, line.custom_id, exchange_id, sink)
                return
            left_s = batch.expires_at - tools.clock.wall()
            await tools.wait(self._halt, min(wait_s, max(0.0, left_s)))
            if self._halted():
                return

    async def _key(self) -> Key | None:
        try:
            return await self._tools.key(self.batch.key_id)
        except CallerError as error:  # revoked, expired, or gone
            self._refusal = error
            self._halt.set()
            return None

    def _call(self, line: InputLine, exchange_id: str, key: Key, sink: Sink) -> Call:
        return Call(
            dialect=ENDPOINTS[self.batch.endpoint],
            body=line.body,
            headers=_HEADERS,
            key=None,
            exchange_id=exchange_id,
            received=self._tools.clock.monotonic(),
            client=sink,
            principal=key,
        )

    # --- results -------------------------------------------------------------------------------------------------

    async def _answered(self, number: int, custom_id: str, exchange_id: str, sink: Sink) -> None:
        try:
            line = render_answered(self._line_id(number), custom_id, sink.status, exchange_id, sink.body)
        except InvalidRequest as error:
            await self._unanswered(number, custom_id, (error.code, error.message), "failed")
            return
        good = 200 <= sink.status < 300
        await self._put(number, line, good, "completed" if good else "failed")

    async def _unanswered(self, number: int, custom_id: str, why: tuple[str, str], outcome: Outcome) -> None:
        await self._put(number, render_unanswered(self._line_id(number), custom_id, *why), False, outcome)

    async def _put(self, number: int, line: bytes, good: bool, outcome: Outcome) -> None:
        """Put a result on the disk, however long that takes: it is paid for."""
        try:
            await self._results.append(line, good)
        except StoreUnavailable as error:
            self._log(error)
            await self._insist(self._results.flush, even_stopping=True)
        self._done.add(number)
        counted = "completed" if good else "failed"
        self.batch = self._changed(**{counted: getattr(self.batch, counted) + 1})
        self._tools.told(outcome)

    def _line_id(self, number: int) -> str:
        return f"batch_req_{self.batch.batch_id.rpartition('_')[2]}_{number}"

    async def _give_up_rest(self) -> bool:
        """Lines that nobody will ask any more. False: the gateway is ending."""
        numbers = self._checked.by_custom_id
        ending, why, outcome = self._reason()
        for custom_id, number in numbers.items():
            if number not in self._done:
                await self._unanswered(number, custom_id, why, outcome)
                if self.stopping:
                    return False
        return await self._end(ending)

    async def _break_off(self, faults: tuple[Fault, ...]) -> bool:
        """Nobody can tell which lines are left. Ends as `_end`."""
        if self.stopping:
            return False
        halted: Ending = "cancelled" if self.batch.status == "cancelling" else "expired"
        return await self._end("completed" if faults else halted, faults)

    async def _end(self, ending: Ending, faults: tuple[Fault, ...] = ()) -> bool:
        """No line gets a result any more: what is left is to hand them over. False: the gateway is ending."""
        shown = self.batch.status if ending == "cancelled" else "finalizing"
        now = self._tools.clock.wall()
        self.batch = self._changed(status=shown, ending=ending, faults=faults, finalizing_at=now)
        await self._insist(lambda: self._tools.batches.put(self.batch))
        return not self.stopping

    def _reason(self) -> tuple[Ending, tuple[str, str], Outcome]:
        """How the batch ends, and what is told of lines that were not answered."""
        if self.batch.status == "cancelling":
            return "cancelled", _CANCELLED, "cancelled"
        if self._refusal is not None:
            return "completed", (self._refusal.code, self._refusal.message), "failed"
        left = len(self._done) < len(self._checked.numbers)
        return ("expired" if left else "completed"), _EXPIRED, "expired"

    # --- the end -------------------------------------------------------------------------------------------------

    async def _hand_over(self) -> None:
        """Make files of the results. Doing it again is no harm: the ids are made of the batch's."""
        batch = self.batch
        assert batch.ending is not None  # noqa: S101 - `_end` set it, in this process or an earlier one
        status: BatchStatus = "failed" if batch.faults else batch.ending
        output = await self._insist(lambda: self._hand_over_one("out", "output"))
        errors = await self._insist(lambda: self._hand_over_one("err", "error"))
        if output is None or errors is None:
            return
        now = self._tools.clock.wall()
        await self._over(
            status=status,
            output_file_id=output or None,
            error_file_id=errors or None,
            **{f"{status}_at": now},
        )

    async def _hand_over_one(self, kind: str, named: str) -> str:
        """The id of the file; empty: there is nothing to hand over."""
        tools, batch = self._tools, self.batch
        file_id = result_id(batch.batch_id, kind)
        work = tools.content.work(f"{batch.batch_id}.{kind}")
        size = await asyncio.to_thread(tools.content.adopt, work, file_id)
        if size is None:
            return ""
        retention_s = tools.settings().storage.retention_s
        keep_s = retention_s if batch.output_expires_s is None else min(batch.output_expires_s, retention_s)
        now = tools.clock.wall()
        name = f"{batch.batch_id}_{named}.jsonl"
        await tools.files.put(StoredFile(file_id, batch.key_id, RESULTS, name, size, now, now + keep_s))
        return file_id

    async def _over(self, **changes: object) -> None:
        self.batch = self._changed(**changes)
        until = self._tools.clock.wall() + self._tools.settings().storage.retention_s
        await self._insist(lambda: self._tools.batches.put(self.batch, until))

    # --- what everything needs -----------------------------------------------------------------------------------

    @property
    def _input(self) -> Path:
        return self._tools.content.place(self.batch.input_file_id)

    def _changed(self, **changes: object) -> Batch:
        return msgspec.structs.replace(self.batch, **changes)

    async def _insist(self, call: Callable[[], Awaitable[T]], *, even_stopping: bool = False) -> T | None:
        """As often as the store takes to be there again. None: the gateway is ending."""
        while even_stopping or not self.stopping:
            try:
                return await call()
            except StoreUnavailable as error:
                self._log(error)
            never = asyncio.Event()  # an ending gateway waits no shorter for what has to be done all the same
            await self._tools.wait(never if even_stopping else self._stop, _INSIST_S)
        return None

    async def _attempt(self, call: Callable[[], Awaitable[T]]) -> T | None:
        """As `_insist`, but not much longer than the batch goes on. None: it is to end, or the gateway is ending."""
        left = _LAST_TRIES
        while not self.stopping:
            try:
                return await call()
            except StoreUnavailable as error:
                self._log(error)
            halted = self._halted()
            left -= halted
            if not left:
                return None
            await self._tools.wait(self._stop if halted else self._halt, _INSIST_S)
        return None

    def _log(self, error: GatewayError) -> None:
        self._tools.log.warning("a batch waits", why=error.message, batch=self.batch.batch_id)


def result_id(batch_id: str, kind: str) -> str:
    """The id of a batch's file of results: the same however often it is made, and as hard to guess as the batch's."""
    return f"file-{sha256(f'{batch_id}.{kind}'.encode()).hexdigest()[:32]}"
