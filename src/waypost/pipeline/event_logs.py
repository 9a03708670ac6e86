"""Events of answers that are made in the background: kept, so that a client that was cut off can go on from where it
was."""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import islice

from waypost.dialects.openai_responses.errors import render_stream_error
from waypost.errors import GatewayError, InvalidRequest, Overloaded
from waypost.ports import Clock

#: Bytes of events kept of one answer, and of all together; the first events go first.
MOST_BYTES = 16 * 1024 * 1024
TOTAL_BYTES = 64 * 1024 * 1024
#: Seconds for which they are kept once the answer is there.
KEPT_S = 600.0


class EventLog:
    """The events of one answer. The number of an event is its place among all of them."""

    __slots__ = ("counted", "ended_at", "events", "first", "followers", "size")

    def __init__(self) -> None:
        self.events: deque[bytes] = deque()
        #: The number of the first event that is still kept.
        self.first = 0
        self.size = 0
        #: It is among those whose sizes are added up.
        self.counted = True
        #: Monotonic seconds; None while the answer is being made.
        self.ended_at: float | None = None
        self.followers: set[Follower] = set()

    @property
    def next(self) -> int:
        """The number that the next event gets."""
        return self.first + len(self.events)

    def shorten(self) -> int:
        """Forget the first event; how many bytes that were."""
        size = len(self.events.popleft())
        self.first += 1
        self.size -= size
        return size

    def wake(self) -> None:
        """Tell all that follow that there is news."""
        for follower in self.followers:
            follower.wake()


class Follower:
    """One client that is told the events of an answer, from a place on, as they come."""

    __slots__ = ("_left", "_log", "_news", "_place")

    def __init__(self, log: EventLog, place: int) -> None:
        self._log = log
        self._place = place
        self._news = asyncio.Event()
        self._left = False
        log.followers.add(self)

    def wake(self) -> None:
        """There is news."""
        self._news.set()

    def leave(self) -> None:
        """The client has left, or has all of it. Idempotent."""
        self._left = True
        self._log.followers.discard(self)
        self._news.set()

    async def next(self) -> bytes:
        """The events that came since; b"" behind the last one."""
        while not self._left:
            log = self._log
            if self._place < log.first:
                self._left = True
                return self.fail(
                    Overloaded("This client read too slowly: events that it has not read are no longer kept.")
                )
            if self._place < log.next:
                found = b"".join(islice(log.events, self._place - log.first, None))
                self._place = log.next
                return found
            if log.ended_at is not None:
                return b""
            self._news.clear()
            await self._news.wait()
        return b""

    def fail(self, error: GatewayError) -> bytes:
        """As `StreamRelay.fail`: this client is told no more."""
        return render_stream_error(error, self._place)


class EventLogs:
    """Owns the logs of answers that were asked for as streams."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        #: Those that ended are in the order of their ends, before or between those under way.
        self._logs: dict[str, EventLog] = {}
        self._size = 0

    def __len__(self) -> int:
        return len(self._logs)

    def open(self, response_id: str) -> EventLog:
        """For an answer that is about to be made."""
        self._tidy()
        log = self._logs[response_id] = EventLog()
        return log

    def add(self, log: EventLog, event: bytes) -> None:
        """One more event. What is over the bounds goes: of this log, then the oldest of those that ended."""
        log.events.append(event)
        log.size += len(event)
        grown = len(event)
        while log.size > MOST_BYTES and len(log.events) > 1:
            grown -= log.shorten()
        if log.counted:
            self._size += grown
        if self._size > TOTAL_BYTES:
            self._make_room(log)
        log.wake()

    def end(self, response_id: str, log: EventLog) -> None:
        """No more events will come."""
        log.ended_at = self._clock.monotonic()
        log.wake()
        if self._logs.get(response_id) is log:
            self._logs[response_id] = self._logs.pop(response_id)

    def follow(self, response_id: str, after: int | None = None) -> Follower:
        """From the event behind number `after` on, or from the beginning. Raises InvalidRequest, with `param`, when
        they are not kept."""
        self._tidy()
        log = self._logs.get(response_id)
        if log is None:
            raise InvalidRequest(
                "The events of this answer are not kept: it was not asked for with `background` and `stream`, or it "
                f"ended more than {KEPT_S / 60:g} minutes ago or before the gateway was started anew. Leave `stream` "
                "out.",
                param="stream",
            )
        place = 0 if after is None else after + 1
        if place < log.first or place > log.next:
            raise InvalidRequest(
                f"Of this answer the events {log.first} to {log.next - 1} are kept. Begin after one of them, or leave "
                "`stream` out.",
                param="starting_after",
            )
        return Follower(log, place)

    def forget(self, response_id: str) -> None:
        """Its events are not wanted any more. Who follows it is told its end all the same."""
        log = self._logs.pop(response_id, None)
        if log is not None:
            self._size -= log.size
            log.counted = False

    def _tidy(self) -> None:
        now = self._clock.monotonic()
        for response_id, log in tuple(self._logs.items()):
            if log.ended_at is not None and now - log.ended_at > KEPT_S:
                self.forget(response_id)

    def _make_room(self, growing: EventLog) -> None:
        for response_id, log in tuple(self._logs.items()):
            if self._size <= TOTAL_BYTES:
                return
            if log.ended_at is not None:
                self.forget(response_id)
        while self._size > TOTAL_BYTES and growing.counted and len(growing.events) > 1:
            self._size -= growing.shorten()
