"""Stage 9: the upstream's answer to the client, metered beside.

The commit point: bytes go to the client from the first content or tool delta on. What comes before it (role and
ping events) is held back, so that until then another target may still answer unseen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, runtime_checkable

import msgspec

from waypost.core.asked import Reply
from waypost.core.markup import marked
from waypost.core.usage import Usage, with_asked
from waypost.dialects.dialect import StreamRelay
from waypost.dialects.openai_media.sounds import transcript_type
from waypost.errors import Misshapen, TimedOut, UpstreamError
from waypost.pipeline import headers, shape
from waypost.pipeline.conversation import FAMILY, Conversations, last_response
from waypost.pipeline.exchange import LiveExchange, Trial
from waypost.pipeline.settle import Settle
from waypost.ports import Answer, Clock

_CHECKPOINT_S = 2.0
_TRAILER_S = 0.5
_JSON = (b"content-type", b"application/json")
_PASSING = (b"audio/", b"image/", b"video/", b"text/plain", b"text/vtt", b"application/x-subrip")


class Relay:
    """Carries answers. Raises UpstreamError when the upstream fails; the caller knows whether it was committed."""

    def __init__(self, clock: Clock, settle: Settle, conversations: Conversations | None = None) -> None:
        self._clock = clock
        self._settle = settle
        self._conversations = conversations
        self._names = headers.Names()

    async def open(self, live: LiveExchange, trial: Trial, answer: Answer) -> None:
        """A stream up to its first content, which is kept in the trial. Raises UpstreamError while another target may
        still answer."""
        trial.held = await self._until_commit(live, trial, answer)
        trial.first_token = self._clock.monotonic()

    async def stream(self, live: LiveExchange, trial: Trial) -> None:
        """An event stream from the commit point on: events pass as they came, the meter reads beside them."""
        answer, relay = trial.answer, trial.relay
        assert answer is not None  # noqa: S101 - the attempt set it
        assert relay is not None  # noqa: S101 - `open` set it
        live.relay = relay
        if not live.streaming:
            await self._start(live, trial, answer)
        await self._pass(live, trial, relay, answer, trial.held)

    def close(self, trial: Trial) -> None:
        """Let go of an answer, whatever became of it; what of it could not be read is counted. Once for
        each attempt."""
        if trial.answer is not None:
            trial.answer.close()
        relay = trial.relay
        if relay is not None and relay.skipped:
            self._settle.skipped(trial, relay.skipped)

    async def whole(self, live: LiveExchange, trial: Trial, reply: Reply) -> None:
        """A complete body: price it, write the cost into it, settle, then answer."""
        lane, asked, answer = trial.lane, live.asked, trial.answer
        assert answer is not None  # noqa: S101 - the attempt set it
        assert asked is not None  # noqa: S101 - stage 3 set it
        usage = reply.usage
        if usage is None:
            usage = lane.estimate_output(asked, reply)
        if asked.units is not None:
            usage = with_asked(usage, asked.units)
        if usage is not reply.usage:
            reply = msgspec.structs.replace(reply, usage=usage)
        cost = self._settle.price(live, trial, usage, reply.tier)
        now = self._clock.monotonic()
        if live.shape is not None:
            try:
                shape.check_whole(live, trial, reply, answer.body or b"")
            except Misshapen as error:
                live.close_trial(now, "settled", usage, cost, error)
                raise
        shown = cost if not trial.target.markup else marked(cost, trial.target.markup)
        body = lane.render_reply(asked, reply, shown, live.stamp())
        trial.first_token = now
        live.close_trial(now, "settled", usage, cost)
        live.status = 200
        live.finish_reason = reply.finish_reason
        live.outcome = "disconnected" if live.call.client.gone else "ok"
        live.response_body = body
        if live.call.dialect.family == FAMILY and not await self._keep(live, trial, body):
            trial.dropped = (*trial.dropped, "store")
        lines = self._headers(live, trial, answer, now)
        if reply.transcript is not None:
            lines.append((b"content-type", transcript_type(asked)))
        else:
            lines.append(_JSON if reply.raw is None else _content_type(answer))
        lines.append(headers.cost(shown))
        if shown is not cost and cost is not None:
            lines.append(headers.upstream_cost(cost))
        self._settle.settle(live)
        if live.snapshot.settings.durability == "fsync":
            await self._settle.on_disk()
        await live.call.client.reply(200, lines, body)

    async def _until_commit(self, live: LiveExchange, trial: Trial, answer: Answer) -> bytes:
        """Everything up to the first delta, in hand."""
        asked = live.asked
        assert asked is not None  # noqa: S101 - stage 3 set it
        relay = trial.relay = trial.lane.stream_relay(
            asked, lambda usage, tier: self._settle.shown(live, trial, usage, tier), live.stamp()
        )
        monotonic = self._clock.monotonic
        held: list[bytes] = []
        limit = trial.target.provider.deadlines.progress_s
        began = monotonic()
        while not (relay.committed or relay.finished):
            waiting = monotonic()
            chunk = await answer.next()
            now = monotonic()
            live.waited += now - waiting
            held.append(relay.feed(chunk) if chunk else relay.end())
            if relay.failure is not None:
                raise relay.failure
            if not chunk:
                break
            if now - began > limit and not relay.committed:
                raise _no_progress(limit)
        return b"".join(held)

    async def _start(self, live: LiveExchange, trial: Trial, answer: Answer) -> None:
        now = self._clock.monotonic()
        live.first_token = trial.first_token
        live.status = 200
        live.streaming = True
        lines = self._headers(live, trial, answer, now)
        asked = live.asked
        assert asked is not None  # noqa: S101 - stage 3 set it
        kind = live.call.dialect.stream_type(asked)
        lines.append((b"content-type", kind) if kind else _content_type(answer))
        await live.call.client.start(200, lines)

    async def _pass(
        self, live: LiveExchange, trial: Trial, relay: StreamRelay, answer: Answer, held: bytes
    ) -> None:
        """Chunks go from socket to socket in `Passage.deliver`, within one turn of the event loop; this coroutine
        wakes only for what is not ordinary: a slow client, the end, a failure."""
        passage = Passage(self._clock, self._settle, live, trial, relay)
        passage.take(held)
        try:
            out = await self._carry(live, trial, relay, answer, passage)
        finally:
            live.response_body = _joined(live.response_body, passage.kept())
        if live.shape is not None:
            shape.check_stream(live, trial, live.response_body or b"")
        await self._finish(live, trial, relay, answer, out)

    async def _carry(
        self, live: LiveExchange, trial: Trial, relay: StreamRelay, answer: Answer, passage: Passage
    ) -> bytes:
        """Until the stream's end, whose bytes are returned."""
        while True:
            out = passage.pending()
            if relay.failure is not None:
                if out:
                    await live.call.client.write(out)
                raise relay.failure
            if relay.finished:
                return out
            if out:
                await live.call.client.write(out)
            if live.aborted is not None:
                raise live.aborted
            if passage.stalled:
                raise _no_progress(trial.target.provider.deadlines.progress_s)
            if not await answer.pump(passage.deliver, passage.frame):
                passage.take(relay.end())

    async def _finish(
        self, live: LiveExchange, trial: Trial, relay: StreamRelay, answer: Answer, out: bytes
    ) -> None:
        """Settle before the last bytes go out: a client that saw the end was accounted for."""
        client = live.call.client
        usage: Usage = relay.usage if relay.usage is not None else relay.partial()
        cost = self._settle.price(live, trial, usage, relay.tier)
        live.close_trial(self._clock.monotonic(), "settled", usage, cost)
        live.finish_reason = relay.finish_reason
        live.outcome = "disconnected" if client.gone else "ok"
        self._settle.settle(live)
        if live.snapshot.settings.durability == "fsync":
            await self._settle.on_disk()
        if live.call.dialect.family == FAMILY:
            await self._keep(live, trial, last_response(out))
        if out:
            await client.write(out)
        await client.finish()
        await _read_trailer(relay, answer)

    async def _keep(self, live: LiveExchange, trial: Trial, body: bytes | None) -> bool:
        """Keep an answer of the Responses dialect. False: it should have been kept and could not be."""
        if self._conversations is None or body is None or live.call.dialect.family != FAMILY:
            return True
        return await self._conversations.keep(live, trial, body)

    def _headers(self, live: LiveExchange, trial: Trial, answer: Answer, now: float) -> headers.Headers:
        lines = headers.answered(
            live.call.exchange_id,
            self._names.of(trial.target),
            trial.number,
            live.overhead_us(now),
            answer.headers,
            trial.lane.passed,
        )
        if live.told:
            lines = headers.with_own(lines, live.told)
        if live.shape is not None:
            lines.append(shape.header(live.shape, trial))
        if trial.dropped:
            lines.append(headers.dropped(trial.dropped))
        return lines


@runtime_checkable
class Plain(Protocol):
    """A relay that can tell, of most pieces, that they go to the client unchanged."""

    deltas: int
    size: int
    """Bytes of the events that had content."""

    def ordinary(self, chunk: bytes) -> int:
        """How many content deltas the piece holds if it goes on as it is; 0 when `feed` has to see it. Changes
        nothing: whoever sends the piece on adds to `deltas` and `size`."""
        ...


class Passage:
    """The stream's hot loop: what happens to one chunk between the two sockets, without a task switch."""

    __slots__ = (
        "_checked",
        "_deltas",
        "_feed",
        "_kept",
        "_limit",
        "_live",
        "_now",
        "_out",
        "_progressed",
        "_relay",
        "_settle",
        "_trial",
        "_try_write",
        "frame",
        "stalled",
    )

    def __init__(
        self, clock: Clock, settle: Settle, live: LiveExchange, trial: Trial, relay: StreamRelay
    ) -> None:
        self._settle = settle
        self._live = live
        self._trial = trial
        self._relay = relay
        self._feed = relay.feed
        self._try_write = live.call.client.try_write
        self._now = clock.monotonic
        self._limit = trial.target.provider.deadlines.progress_s
        self._progressed = self._checked = clock.monotonic()
        self._deltas = relay.deltas
        self._out = b""
        keeps = live.shape is not None or settle.keeps_content(live)
        self._kept: list[bytes] | None = [] if keeps else None
        write = live.call.client.framed()
        #: Takes a chunk as it was framed upstream, where that is possible.
        self.frame: Callable[[bytes, int], bool] | None = None
        if isinstance(relay, Plain) and write is not None and self._kept is None:
            self.frame = self._pass_frame(relay, write)
        #: Signs of life came, and no content, for longer than allowed.
        self.stalled = False

    def take(self, out: bytes) -> None:
        """Bytes for the client that the coroutine has to write."""
        self._out = out
        if self._kept is not None:
            self._kept.append(out)

    def pending(self) -> bytes:
        """What `deliver` could not write, or `take` was given; once."""
        out, self._out = self._out, b""
        return out

    def kept(self) -> bytes | None:
        """The whole answer, where content is stored."""
        return None if self._kept is None else b"".join(self._kept)

    def deliver(self, chunk: bytes) -> bool:
        """One chunk from the upstream to the client. False hands over to the coroutine, with `pending` bytes."""
        relay = self._relay
        out = self._feed(chunk)
        if self._kept is not None:
            self._kept.append(out)
        now = self._now()
        if relay.deltas != self._deltas:
            self._deltas = relay.deltas
            self._progressed = now
            if now - self._checked > _CHECKPOINT_S:
                self._checked = now
                self._settle.checkpoint(self._live, self._trial, relay.partial())
        elif now - self._progressed > self._limit:
            self.stalled = True
        if relay.finished or relay.failure is not None or self.stalled or self._live.aborted is not None:
            self._out = out
            return False
        if out and not self._try_write(out):
            self._out = out
            return False
        return True

    def _pass_frame(self, relay: Plain, write: Callable[[bytes], bool]) -> Callable[[bytes, int], bool]:
        """The way of nearly every chunk, in as few steps as it can be done: anything unusual is left to `deliver`."""
        ordinary, now, live = relay.ordinary, self._now, self._live

        def pass_frame(frame: bytes, start: int) -> bool:
            count = ordinary(frame[start:-2])
            if not count or live.aborted is not None:
                return False
            at = now()
            if at - self._checked > _CHECKPOINT_S or not write(frame):
                return False
            relay.size += len(frame) - start - 2
            relay.deltas = self._deltas = relay.deltas + count
            self._progressed = at
            return True

        return pass_frame


def _joined(before: bytes | None, kept: bytes | None) -> bytes | None:
    return kept if before is None or kept is None else before + kept


async def _read_trailer(relay: StreamRelay, answer: Answer) -> None:
    """Read the body's end behind the terminator, so that the connection can serve again; not for long. What else stands
    there the relay counts, and nobody is sent it."""
    try:
        async with asyncio.timeout(_TRAILER_S):
            while chunk := await answer.next():
                relay.feed(chunk)
    except (TimeoutError, UpstreamError):
        # The exchange is complete and settled; a provider that dawdles or breaks here only loses its connection.
        answer.close()


def _content_type(answer: Answer) -> tuple[bytes, bytes]:
    """The provider's own, for bodies that pass as they are; never one that a browser would run."""
    kind = answer.header(b"content-type") or b""
    passes = kind.lower().startswith(_PASSING)
    return (b"content-type", kind if passes else b"application/octet-stream")


def _no_progress(limit: float) -> TimedOut:
    return TimedOut(f"The provider sent signs of life and no content for {limit:g} s.", phase="progress")
