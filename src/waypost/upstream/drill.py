"""Rehearsed outages: what a target would do if it failed, done here, to the requests of a rehearsal and to no others.

A fault that needs no real answer sends nothing, so nothing is billed. Those that break a stream in its middle send the
real request and break the real stream; what the provider bills for it is real, and settled as that of any stream that
broke.
"""

# ruff: noqa: ARG002  # answers here are read in one way, whatever else `ports.Answer` offers

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec

from waypost.core.origin import Deadlines
from waypost.errors import InvalidRequest
from waypost.ports import Answer
from waypost.upstream.answer import WholeAnswer
from waypost.upstream.faults import cut, overdue, unreachable

Sleep = Callable[[float], Awaitable[None]]

_STATUSES: Final = (400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504, 529)
_SHAPES: Final = ("refuse", "timeout", "stall", "cut", "garbage", "slow")
#: Every fault by its name.
FAULTS: Final = (*map(str, _STATUSES), *_SHAPES)
_IN_STREAM: Final = ("stall", "cut")
_KINDS: Mapping[int, str] = MappingProxyType(
    {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error", 529: "overloaded_error"}
)
_RETRY_AFTER: Final = b"5"
_JSON: Final = (b"content-type", b"application/json")
_EVENTS: Final = (b"content-type", b"text/event-stream")
_HTML: Final = (b"content-type", b"text/html")
_PAGE: Final = b"<html><body><h1>502 Bad Gateway</h1>a rehearsed outage</body></html>"


class Fault(msgspec.Struct, frozen=True):
    """What happens in place of a proper answer."""

    kind: str
    """One of `FAULTS`: an HTTP status; `refuse`: no connection; `timeout`: no answer; `stall`: an answer that goes
    silent; `cut`: one that breaks off; `garbage`: a proxy's page; `slow`: a late, proper answer."""
    after: int = 4
    """For `stall` and `cut`: events of the real stream that come through. 0: none, and nothing is sent."""
    delay_s: float = 2.0
    """For `slow`."""

    def sends(self, stream: bool) -> bool:
        """Whether the real request goes out. Whole answers are never broken in their middle."""
        return self.kind == "slow" or (stream and self.after > 0 and self.kind in _IN_STREAM)


def check_fault(fault: Fault) -> Fault:
    """Raises InvalidRequest for a fault that there is not."""
    if fault.kind not in FAULTS:
        raise InvalidRequest(
            f"There is no fault {fault.kind[:40]!r}. Take one of: {', '.join(FAULTS)}.", param="fault"
        )
    if not 0 <= fault.after <= 10_000:
        raise InvalidRequest("`after` has to be a number of events from 0 to 10000.", param="after")
    if not 0 < fault.delay_s <= 600:
        raise InvalidRequest("`delay` has to be more than 0 s and at most 600 s.", param="delay")
    return fault


async def pretend(fault: Fault, deadlines: Deadlines, stream: bool, sleep: Sleep) -> Answer:
    """The answer to a request that is not sent. Raises UpstreamError, as the upstream client would."""
    kind = fault.kind
    if kind == "refuse":
        raise unreachable(ConnectionRefusedError(111, "rehearsed"))
    if kind == "garbage":
        return _whole(200, _HTML, _PAGE)
    if kind in _IN_STREAM and stream:
        return Silence(fault, deadlines.idle_s, sleep)
    if kind == "cut":
        raise cut()
    if kind in ("timeout", "stall"):
        await sleep(deadlines.first_byte_s)
        raise overdue("first_byte")
    return _refusal(int(kind))


async def send_broken(
    fault: Fault, send: Callable[[], Awaitable[Answer]], deadlines: Deadlines, sleep: Sleep
) -> Answer:
    """The answer to a request that is sent, late or to be broken. Raises UpstreamError."""
    if fault.kind == "slow":
        await sleep(fault.delay_s)
        return await send()
    answer = await send()
    return answer if answer.body is not None else Breaking(answer, fault, deadlines.idle_s, sleep)


def _refusal(status: int) -> Answer:
    told = "This failure is part of an outage rehearsal."
    kind = _KINDS.get(status, "server_error" if status >= 500 else "invalid_request_error")
    # Each dialect finds its own words in it.
    body = {"type": "error", "message": told, "error": {"type": kind, "message": told, "code": status}}
    more = ((b"retry-after", _RETRY_AFTER),) if status in (429, 529) else ()
    return _whole(status, _JSON, msgspec.json.encode(body), *more)


def _whole(status: int, kind: tuple[bytes, bytes], body: bytes, *more: tuple[bytes, bytes]) -> WholeAnswer:
    headers = [kind, *more]
    return WholeAnswer(status, headers, dict(headers), body)


class Silence(WholeAnswer):
    """A stream that began and has nothing in it: it goes silent, or breaks off."""

    __slots__ = ("_idle_s", "_kind", "_sleep")

    def __init__(self, fault: Fault, idle_s: float, sleep: Sleep) -> None:
        super().__init__(200, [_EVENTS], dict([_EVENTS]), None)
        self._kind = fault.kind
        self._idle_s = idle_s
        self._sleep = sleep

    async def next(self) -> bytes:
        """Raises TimedOut or Truncated."""
        if self._kind == "cut":
            raise cut()
        await self._sleep(self._idle_s)
        raise overdue("idle")

    async def pump(
        self, deliver: Callable[[bytes], bool], frame: Callable[[bytes, int], bool] | None = None
    ) -> bool:
        """See `next`."""
        return bool(await self.next())


class Breaking:
    """A real stream that is broken after some events. `ports.Answer`."""

    def __init__(self, answer: Answer, fault: Fault, idle_s: float, sleep: Sleep) -> None:
        self.status = answer.status
        self.headers: Sequence[tuple[bytes, bytes]] = answer.headers
        self.body = answer.body
        self._answer = answer
        self._kind = fault.kind
        self._left = fault.after
        self._idle_s = idle_s
        self._sleep = sleep

    def header(self, name: bytes) -> bytes | None:
        """See `ports.Answer`."""
        return self._answer.header(name)

    async def next(self) -> bytes:
        """See `ports.Answer`. Raises TimedOut or Truncated once the events are through."""
        if self._left <= 0:
            await self._break()
        return self._take(await self._answer.next())

    async def pump(
        self, deliver: Callable[[bytes], bool], frame: Callable[[bytes, int], bool] | None = None
    ) -> bool:
        """See `ports.Answer`. Chunks are not offered as they were framed: each has to be looked into."""
        wanted = True

        def take(piece: bytes) -> bool:
            nonlocal wanted
            wanted = deliver(self._take(piece))
            return wanted and self._left > 0

        if self._left > 0:
            stopped = await self._answer.pump(take)
            if self._left > 0 or not wanted:
                return stopped
        await self._break()
        return False

    def close(self) -> None:
        """See `ports.Answer`."""
        self._answer.close()

    async def _break(self) -> None:
        self._answer.close()
        if self._kind == "cut":
            raise cut()
        await self._sleep(self._idle_s)
        raise overdue("idle")

    def _take(self, piece: bytes) -> bytes:
        """As much of a piece as comes through. What has no ends of events in it counts as one."""
        end = b"\r\n\r\n" if b"\r\n\r\n" in piece else b"\n\n"
        at = 0
        while self._left > 0 and (found := piece.find(end, at)) >= 0:
            at = found + len(end)
            self._left -= 1
        if at == 0 and piece:
            self._left -= 1
            return piece
        return piece[:at] if self._left <= 0 else piece
