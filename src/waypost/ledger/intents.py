"""The append-only intents files: what is about to be spent, written before it is spent.

One `write(2)` per record on an O_APPEND file: the bytes are in the kernel's page cache when it returns, so they
survive `kill -9`; with `durability: fsync` a request also waits for a group fsync, so they survive a power cut.
Content (request and response bodies) is never written here.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from waypost.core.record import Checkpoint, DispatchMark, Exchange
from waypost.errors import StoreUnavailable
from waypost.ledger.segments import Kind, Segment, listed, number_of, path_of, render
from waypost.ports import Clock

SEGMENT_BYTES: Final = 8 * 1024 * 1024
_PROBE_S: Final = 1.0
_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC

Write = Callable[[int, bytes], int]


Pins = tuple[Segment, ...]
"""The segments that hold an attempt's mark and its checkpoints, each once."""


class Intents:
    """The writing side. It belongs to the event loop's thread.

    Raises StoreUnavailable when the first file can not be made.
    """

    def __init__(
        self,
        folder: Path,
        first: int,
        *,
        clock: Clock,
        fsync: bool = False,
        segment_bytes: int = SEGMENT_BYTES,
        write: Write = os.write,
        sync: Callable[[int], None] = os.fsync,
    ) -> None:
        self._folder = folder
        self._next = first
        self._clock = clock
        self._limit = segment_bytes
        self._write = write
        self._sync = sync
        self._encode = msgspec.json.Encoder().encode
        self._open: dict[str, Pins] = {}
        self._segments: dict[int, Segment] = {}
        #: Of settled records that are not in the file of their marks: how many have to be applied before the marks
        #: may go, and the marks' files.
        self._straddling: deque[tuple[int, Pins]] = deque()
        self._unsynced: list[Segment] = []
        self._pool = ThreadPoolExecutor(1, "waypost-fsync") if fsync else None
        self._syncing: asyncio.Future[None] | None = None
        self._appended = 0
        self._synced = 0
        self._probed_at = 0.0
        self.settled_count = 0
        """Settled records that are in the files, over the life of this process."""
        self.fault: str | None = None
        """None, or why the last record could not be written."""
        try:
            if fsync:  # a start may just have made the folder, and the one it is in
                self._sync_folder(folder.parent.parent)
                self._sync_folder(folder.parent)
            self._current = self._begin()
        except OSError as error:
            raise _refused(error) from None

    @property
    def open_dispatches(self) -> int:
        """Attempts that were dispatched and are not settled."""
        return len(self._open)

    def dispatch(self, mark: DispatchMark) -> None:
        """Append a dispatch mark. Raises StoreUnavailable: then the attempt must not be sent."""
        try:
            segment = self._append(Kind.DISPATCH, self._encode(mark))
        except OSError as error:
            raise _refused(error) from None
        segment.open += 1
        self._open[mark.attempt_id] = (segment,)

    def checkpoint(self, checkpoint: Checkpoint) -> None:
        """Append what a stream used so far. A full disk costs precision after a crash, nothing else."""
        pins = self._open.get(checkpoint.attempt_id)
        if pins is None:
            return
        try:
            segment = self._append(Kind.CHECKPOINT, self._encode(checkpoint))
        except OSError:
            return  # `fault` says so; the mark still stands, and the stream is settled at its end
        if pins[-1] is not segment:
            segment.open += 1
            self._open[checkpoint.attempt_id] = (*pins, segment)

    def settled(self, exchange: Exchange) -> Pins | None:
        """Append the end of an exchange, without its content. None: it is in the file.

        Otherwise it could not be written, and the caller has the only copy. Never raises for that. The segments of its
        marks come back: they are kept until they are given to `let_go`.
        """
        pins: Pins = ()
        for attempt in exchange.attempts:
            pins += self._open.pop(attempt.attempt_id, ())
        record = exchange
        if exchange.request_body is not None or exchange.response_body is not None:
            record = msgspec.structs.replace(exchange, request_body=None, response_body=None)
        try:
            segment = self._append(Kind.SETTLED, self._encode(record))
        except OSError:
            return pins  # `fault` says so
        segment.settled += 1
        self.settled_count += 1
        if len(pins) == 1 and pins[0] is segment:
            segment.open -= 1  # until this record is applied, the record itself keeps the file
        elif pins:
            self._straddling.append((self.settled_count, pins))
        return None

    def let_go(self, pins: Pins) -> None:
        """A record that is in no file was posted: its marks are needed no longer."""
        for segment in pins:
            segment.open -= 1

    def position(self, number: int, handled: int) -> int | None:
        """How many settled records come before the one with index `handled` in segment `number`; None for a segment
        that was dropped already."""
        segment = self._segments.get(number)
        return None if segment is None else segment.first + handled

    def unneeded(self, applied: int) -> list[Segment]:
        """The sealed segments that nothing needs any more now that the journal has `applied` settled records. Each is
        named once: whoever asks has to delete it."""
        straddling = self._straddling
        while straddling and straddling[0][0] <= applied:
            self.let_go(straddling.popleft()[1])
        free = [
            segment
            for segment in self._segments.values()
            if segment.sealed and not segment.open and segment.first + segment.settled <= applied
        ]
        for segment in free:
            del self._segments[segment.number]
        return free

    def left_over(self) -> list[str]:
        """Files that nothing needs any more and that are still there: who had to delete them has died."""
        return [path.name for path in listed(self._folder) if number_of(path.name) not in self._segments]

    def probe(self) -> None:
        """While a write has failed: try a small one, at most once a second, so that a healed disk is noticed."""
        now = self._clock.monotonic()
        if self.fault is None or now - self._probed_at < _PROBE_S:
            return
        self._probed_at = now
        try:
            self._append(Kind.NOTE, b"null")
        except OSError:
            return  # still in `fault`

    async def durable(self) -> None:
        """Wait until everything appended so far is on the disk; returns at once without `durability: fsync`.

        Call it in the same step of the event loop as `dispatch`. Raises StoreUnavailable when the disk refuses; what
        was not synced then counts as not written.
        """
        if self._pool is None:
            return
        wanted = self._appended
        while self._synced < wanted:
            if self._syncing is None:
                loop = asyncio.get_running_loop()
                batch, reached = tuple(self._unsynced), self._appended
                ending = [segment for segment in batch if segment.sealed]
                # A future of our own, done only once `_synced` is right: one that comes between the sync's end and
                # its callback would otherwise ask again and again without letting go of the loop.
                syncing = self._syncing = loop.create_future()
                running = loop.run_in_executor(self._pool, self._sync_all, batch)
                running.add_done_callback(partial(self._sync_ended, ending, reached, syncing))
            try:
                await asyncio.shield(self._syncing)
            except OSError as error:
                raise _refused(error) from None

    def close(self) -> None:
        """Seal the current segment. Nothing may be appended afterwards."""
        self._seal(self._current)
        for segment in self._unsynced:
            os.close(segment.fd)
        self._unsynced.clear()
        if self._pool is not None:
            self._pool.shutdown()

    def _append(self, kind: Kind, payload: bytes) -> Segment:
        line = render(kind, payload)
        segment = self._current
        try:
            if segment.sealed or segment.size >= self._limit:
                segment = self._rotate()
            written = self._write(segment.fd, line)
            if written != len(line):
                raise OSError(28, "no space for the whole record")
        except OSError as error:
            self._mend(segment)
            self.fault = _refused(error).message
            raise
        segment.size += written
        segment.records += 1
        self._appended += 1
        if self.fault is not None:
            self.fault = None
        return segment

    def _rotate(self) -> Segment:
        fresh = self._begin()  # first, so that a failure leaves the old one in place
        self._seal(self._current)
        self._current = fresh
        return fresh

    def _begin(self) -> Segment:
        path = path_of(self._folder, self._next)
        fd = os.open(path, _FLAGS, 0o600)
        segment = Segment(path, self._next, fd, self.settled_count)
        self._next += 1
        if self._pool is not None:
            try:
                self._sync_folder(self._folder)
            except OSError:
                os.close(fd)
                raise
            self._unsynced.append(segment)
        self._segments[segment.number] = segment
        return segment

    def _mend(self, segment: Segment) -> None:
        # What a failed write may have left is cut off, so that the next record starts on a line of its own; where
        # even that fails the file ends here and a new one is begun by the next record.
        if segment.sealed:
            return
        try:
            os.ftruncate(segment.fd, segment.size)
        except OSError:
            self._seal(segment)

    def _seal(self, segment: Segment) -> None:
        if segment.sealed:
            return
        segment.sealed = True
        if self._pool is None:
            os.close(segment.fd)

    def _sync_all(self, batch: tuple[Segment, ...]) -> None:
        for segment in batch:
            self._sync(segment.fd)

    def _sync_ended(
        self,
        ending: list[Segment],
        reached: int,
        waited_for: asyncio.Future[None],
        running: asyncio.Future[None],
    ) -> None:
        self._syncing = None
        fault = asyncio.CancelledError() if running.cancelled() else running.exception()
        if fault is None:
            self._synced = max(self._synced, reached)
        else:
            # After a failed fsync the kernel may have dropped the pages, so no later success can be trusted for
            # these files: they end here (https://www.usenix.org/conference/atc20/presentation/rebello, 2026-11-21).
            self.fault = (
                "The intents file could not be brought to the disk. Check the disk of the data folder."
            )
            self._seal(self._current)
            ending = list(self._unsynced)
        for segment in ending:
            self._unsynced.remove(segment)
            os.close(segment.fd)
        if fault is None:
            waited_for.set_result(None)
        else:
            waited_for.set_exception(fault)
            waited_for.exception()  # seen: every waiter may have left

    def _sync_folder(self, folder: Path) -> None:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._sync(fd)
        finally:
            os.close(fd)


def _refused(error: OSError) -> StoreUnavailable:
    return StoreUnavailable(
        f"The intents file can not be written ({os.strerror(error.errno or 5)}), so nothing may be sent to a provider. "
        "Free or repair the disk of the data folder; the gateway goes on by itself.",
        retry_after_s=1.0,
    )
