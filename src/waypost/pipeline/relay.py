"""Stage 9: the upstream's answer to the client, metered beside.

The commit point: bytes go to the client from the first content or tool delta on. What comes before it (role and
ping events) is held back, so that until then another target may still answer unseen.
"""

from __future__ import annotations

import asyncio

import msgspec

from waypost.core.usage import Usage
from waypost.dialects.dialect import StreamRelay
from waypost.errors import TimedOut, UpstreamError
from waypost.pipeline import headers
from waypost.pipeline.exchange import LiveExchange, Trial
from waypost.pipeline.settle import Settle
from waypost.ports import Answer, Clock, Ledger

_CHECKPOINT_S = 2.0
_TRAILER_S = 0.5
_EVENT_STREAM = (b"content-type", b"text/event-stream; charset=utf-8")
_JSON = (b"content-type", b"application/json")


class Relay:
    """Carries answers. Raises UpstreamError when the upstream fails; the caller knows whether it was committed."""

    def __init__(self, clock: Clock, ledger: Ledger, settle: Settle) -> None:
        self._clock = clock
        self._ledger = ledger
        self._settle = settle

    async def whole(self, live: LiveExchange, trial: Trial, answer: Answer) -> None:
        """A complete body: read the usage, write the cost into it, settle, then answer."""
        dialect, asked = live.call.dialect, live.asked
        assert asked is not None  # noqa: S101 - stage 3 set it
        answer.close()
        reply = dialect.parse_reply(answer.body or b"")
        usage = reply.usage
        if usage is None:
            usage = dialect.estimate_output(asked, reply)
            reply = msgspec.structs.replace(reply, usage=usage)
        cost = self._settle.price(live, trial, usage, reply.tier)
        body = dialect.render_reply(reply, cost)
        now = self._clock.monotonic()
        trial.first_token = now
        live.close_trial(now, "settled", usage, cost)
        live.status = 200
        live.finish_reason = reply.finish_reason
        live.outcome = "disconnected" if live.call.client.gone else "ok"
        live.response_body = body
        lines = self._headers(live, trial, answer, now)
        lines.append(_JSON)
        lines.append(headers.cost(cost))
        self._settle.settle(live)
        await live.call.client.reply(200, lines, body)

    async def stream(self, live: LiveExchange, trial: Trial, answer: Answer) -> None:
        """An event stream: events pass as they came, the meter reads beside them."""
        asked = live.asked
        assert asked is not None  # noqa: S101 - stage 3 set it
        relay = live.call.dialect.stream_relay(
            asked, lambda usage, tier: self._settle.price(live, trial, usage, tier)
        )
        trial.relay = relay
        try:
            held = await self._until_commit(live, relay, answer)
            await self._start(live, trial, answer)
            await self._pass(live, trial, relay, answer, held)
        finally:
            answer.close()

    async def _until_commit(self, live: LiveExchange, relay: StreamRelay, answer: Answer) -> bytes:
        """Everything up to the first delta, in hand. Raises UpstreamError while another target may still answer."""
        monotonic = self._clock.monotonic
        held: list[bytes] = []
        limit = live.trial.target.provider.deadlines.progress_s if live.trial is not None else 0.0
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
        trial.first_token = live.first_token = now
        live.status = 200
        live.streaming = True
        lines = self._headers(live, trial, answer, now)
        lines.append(_EVENT_STREAM)
        await live.call.client.start(200, lines)

    async def _pass(
        self, live: LiveExchange, trial: Trial, relay: StreamRelay, answer: Answer, out: bytes
    ) -> None:
        client = live.call.client
        write, take, monotonic = client.write, answer.next, self._clock.monotonic
        keep: list[bytes] | None = [] if self._settle.keeps_content(live) else None
        limit = trial.target.provider.deadlines.progress_s
        progressed, deltas, checked = monotonic(), relay.deltas, monotonic()
        while True:
            if keep is not None:
                keep.append(out)
            if relay.failure is not None:
                if out:
                    await write(out)
                raise relay.failure
            if relay.finished:
                break
            if out:
                await write(out)
            if live.aborted is not None:
                raise live.aborted
            chunk = await take()
            out = relay.feed(chunk) if chunk else relay.end()
            now = monotonic()
            if relay.deltas != deltas:
                progressed, deltas = now, relay.deltas
                if now - checked > _CHECKPOINT_S:
                    checked = now
                    self._settle.checkpoint(live, trial, relay.partial())
            elif now - progressed > limit:
                raise _no_progress(limit)
        if keep is not None:
            live.response_body = b"".join(keep)
        await self._finish(live, trial, relay, answer, out)

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
        if out:
            await client.write(out)
        await client.finish()
        await _read_trailer(answer)

    def _headers(self, live: LiveExchange, trial: Trial, answer: Answer, now: float) -> headers.Headers:
        target = trial.target
        lines = headers.served(
            live.call.exchange_id,
            target.model,
            target.provider.name,
            trial.number,
            live.overhead_us(now),
            answer.headers,
        )
        if target.provider.quirks.drop and live.asked is not None:
            names = [name for name in target.provider.quirks.drop if name in live.asked.fields]
            if names:
                lines.append(headers.dropped(names))
        return lines


async def _read_trailer(answer: Answer) -> None:
    """Read the body's end behind the terminator, so that the connection can serve again; not for long."""
    try:
        async with asyncio.timeout(_TRAILER_S):
            while await answer.next():
                pass
    except (TimeoutError, UpstreamError):
        # The exchange is complete and settled; a provider that dawdles or breaks here only loses its connection.
        answer.close()


def _no_progress(limit: float) -> TimedOut:
    return TimedOut(f"The provider sent signs of life and no content for {limit:g} s.", phase="progress")
