"""Answers made in the background (`background: true`): the client is told an id and comes back for the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from waypost.core.asked import Asked
from waypost.core.key import Key
from waypost.dialects.fields import parse_object, render_fields
from waypost.dialects.openai_responses.background import BackgroundStream, owned
from waypost.dialects.openai_responses.identity import response_id
from waypost.dialects.openai_responses.state import (
    Stored,
    input_items,
    render_failed,
    render_stored,
    wants_background,
    wants_store,
)
from waypost.errors import Bug, Draining, GatewayError, InvalidRequest, Overloaded, Rejected, Truncated
from waypost.pipeline.conversation import row
from waypost.pipeline.event_logs import EventLog, EventLogs, Follower
from waypost.pipeline.exchange import Call, LiveExchange
from waypost.pipeline.once import HEADER as IDEMPOTENCY
from waypost.pipeline.options import FIELD as OWN_FIELD
from waypost.ports import Clock, Responses
from waypost.telemetry.logs import Log

_GATEWAY_ONLY = ("background", "store")
_OF_STREAMS = ("stream", "stream_options")
_JSON = (b"content-type", b"application/json")
_PREVIOUS = "previous_response_id"


class Sink:
    """A `Client` that nobody listens behind."""

    def __init__(self) -> None:
        self.gone = False
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""

    def on_gone(self, call: Callable[[], None]) -> None:
        """Nobody is there to leave."""
        del call

    async def reply(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        """The answer."""
        self.status, self.headers, self.body = status, headers, body

    async def start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """A streamed answer."""
        del headers
        self.status = status

    async def write(self, chunk: bytes) -> None:
        """See `start`."""
        self.body += chunk

    def try_write(self, chunk: bytes) -> bool:
        """See `start`."""
        self.body += chunk
        return True

    def framed(self) -> Callable[[bytes], bool] | None:
        """No answer is sent in HTTP chunks."""
        return None

    async def finish(self) -> None:
        """See `start`."""


class StreamSink(Sink):
    """One whose stream is kept event by event."""

    def __init__(self, stream: BackgroundStream, add: Callable[[bytes], None]) -> None:
        """`add` takes each event."""
        super().__init__()
        self.stream = stream
        self._add = add

    async def write(self, chunk: bytes) -> None:
        """See `start`."""
        self.try_write(chunk)

    def try_write(self, chunk: bytes) -> bool:
        """See `start`."""
        for event in self.stream.feed(chunk):
            self._add(event)
        return True


class Behind:
    """Owns the answers that are being made for nobody's waiting. One that is not finished when the gateway ends has
    failed, and says so."""

    def __init__(
        self, run: Callable[[Call], Awaitable[None]], responses: Responses, clock: Clock, log: Log
    ) -> None:
        """`run` answers a call, as the pipeline does."""
        self._run = run
        self._responses = responses
        self._clock = clock
        self._log = log
        self._tasks: dict[str, asyncio.Task[Stored]] = {}
        self._logs = EventLogs(clock)
        #: Those under way that are not to be kept any more.
        self._forgotten: set[str] = set()

    async def begin(self, live: LiveExchange) -> bool:
        """Begin to make an answer behind the client's back, if it wants that, and tell it under which id, or each event
        for as long as it listens. False: it does not. Raises InvalidRequest, Overloaded and StoreUnavailable."""
        asked, key, settings = live.asked, live.key, live.snapshot.settings
        assert asked is not None  # noqa: S101 - stage 3 set it
        assert key is not None  # noqa: S101 - stage 2 set it or raised
        if not wants_background(asked):
            return False
        if not settings.responses_days or not wants_store(asked):
            raise InvalidRequest(
                "`background` needs the answer to be kept: leave `store` out, and have `responses.store` on in the "
                "gateway's configuration.",
                param="background",
            )
        if len(self._tasks) >= settings.concurrency_max:
            # They hold no connection, so nothing else bounds them.
            raise Overloaded("As many answers are made in the background as may be. Ask again in a moment.")
        call = live.call
        fields = {name: raw for name, raw in asked.fields.items() if name != "input"}
        if asked.form:  # a conversation that was put together here
            fields[_PREVIOUS] = msgspec.Raw(msgspec.json.encode(asked.form))
        stored = Stored(
            response_id=response_id(call.exchange_id),
            created=int(self._clock.wall()),
            status="queued",
            model=asked.model,
            fields=fields,
            items=tuple(input_items(asked, call.exchange_id)),
        )
        await self._put(stored, key, settings.responses_days)
        live.outcome, live.status = "ok", 200
        days, request_id = settings.responses_days, (b"x-request-id", call.exchange_id.encode())
        if not asked.stream:
            work = self._work(stored, key, days, _inner(call, asked, Sink()))
            self._tasks[stored.response_id] = asyncio.ensure_future(work)
            await call.client.reply(200, [_JSON, request_id], render_stored(stored))
            return True
        log = self._logs.open(stored.response_id)
        follower = self._logs.follow(stored.response_id)
        work = self._stream(stored, key, days, call, asked, log)
        self._tasks[stored.response_id] = asyncio.ensure_future(work)
        live.streaming, live.relay = True, follower
        await call.client.start(200, [(b"content-type", call.dialect.stream_type(asked)), request_id])
        try:
            while events := await follower.next():
                await call.client.write(events)
        finally:
            follower.leave()
        await call.client.finish()
        return True

    def follow(self, response_id: str, after: int | None) -> Follower:
        """The events of an answer that was asked for as a stream, as `EventLogs.follow`. Who may see it was decided."""
        return self._logs.follow(response_id, after)

    def cancel(self, response_id: str) -> bool:
        """End the making of an answer; False when it is not under way."""
        task = self._tasks.get(response_id)
        return task is not None and task.cancel()

    def forget(self, response_id: str) -> None:
        """End the making of an answer that is not to be kept; and forget its events."""
        if self.cancel(response_id):
            self._forgotten.add(response_id)
        self._logs.forget(response_id)

    async def stop(self) -> None:
        """End them all, and wait until each is kept as failed."""
        tasks = tuple(self._tasks.values())
        for task in tasks:
            task.cancel("shutdown")
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _stream(
        self, stored: Stored, key: Key, days: int, call: Call, asked: Asked, log: EventLog
    ) -> Stored:
        stream = BackgroundStream(stored)
        try:
            for event in stream.begin():
                self._logs.add(log, event)
            sink = StreamSink(stream, lambda event: self._logs.add(log, event))
            done = await self._work(stored, key, days, _inner(call, asked, sink))
            self._logs.add(log, stream.end(done))  # now that it is kept
        finally:
            self._logs.end(stored.response_id, log)
        return done

    async def _work(self, stored: Stored, key: Key, days: int, inner: Call) -> Stored:
        """Have the inner call answered, and keep what came of it."""
        try:
            await self._put(msgspec.structs.replace(stored, status="in_progress"), key, days)
            await self._run(inner)
            done = _finished(stored, inner.client)
        except asyncio.CancelledError as cut:
            done = _cancelled(stored, shutdown=cut.args == ("shutdown",))
        except GatewayError as error:
            done = _failed(stored, error)
        finally:
            self._tasks.pop(stored.response_id, None)
        try:
            if stored.response_id not in self._forgotten:
                await self._put(done, key, days)
        except GatewayError as error:
            self._log.warning("an answer could not be kept", why=error.message, id=inner.exchange_id)
        self._forgotten.discard(stored.response_id)
        return done

    async def _put(self, stored: Stored, key: Key, days: int) -> None:
        await self._responses.put(row(stored, key.key_id, None, self._clock.wall(), days))


def _inner(call: Call, asked: Asked, sink: Sink) -> Call:
    """The request whose answer it is, with nobody behind it."""
    left_out = _GATEWAY_ONLY if asked.stream else _GATEWAY_ONLY + _OF_STREAMS
    fields = {name: raw for name, raw in asked.fields.items() if name not in left_out}
    fields["store"] = msgspec.Raw(b"false")  # it is kept here, under the id that the client knows
    # The idempotency key was for the request that began this, which has been answered.
    headers = {name: value for name, value in call.headers.items() if name != IDEMPOTENCY}
    own = parse_object(call.body).get(OWN_FIELD)
    if own is not None:
        fields[OWN_FIELD] = own  # taken out when this request was read, and it is read once more
    return msgspec.structs.replace(
        call,
        body=render_fields(fields),
        headers=headers,
        client=sink,
        exchange_id=f"{call.exchange_id}-b",
    )


class _Error(msgspec.Struct, frozen=True):
    message: str = "The answer could not be made."


class _Envelope(msgspec.Struct, frozen=True):
    error: _Error = _Error()


_ENVELOPE = msgspec.json.Decoder(_Envelope)


def _finished(stored: Stored, sink: object) -> Stored:
    assert isinstance(sink, Sink)  # noqa: S101 - `_inner` set it
    if sink.status != 200:
        said = _ENVELOPE.decode(sink.body) if sink.body else _Envelope()
        return _failed(stored, Rejected(said.error.message, status=sink.status or 500))
    if isinstance(sink, StreamSink):
        return _streamed(stored, sink.stream)
    fields = owned(parse_object(sink.body), stored)
    status = msgspec.json.decode(fields.get("status", b'"completed"'), type=str)
    kept = "incomplete" if status == "incomplete" else "completed"
    body = msgspec.Raw(render_fields(fields))
    return msgspec.structs.replace(stored, status=kept, body=body)


def _streamed(stored: Stored, stream: BackgroundStream) -> Stored:
    if stream.body is not None and stream.failure is None:
        return msgspec.structs.replace(stored, status=stream.status, body=stream.body)
    return _failed(stored, stream.failure or Truncated("The answer broke off before its end. Ask again."))


def _failed(stored: Stored, error: GatewayError) -> Stored:
    body = msgspec.Raw(render_failed(stored, error))
    return msgspec.structs.replace(stored, status="failed", body=body)


def _cancelled(stored: Stored, *, shutdown: bool) -> Stored:
    if shutdown:
        return _failed(
            stored, Draining("The gateway was shut down before this answer was finished. Ask again.")
        )
    return msgspec.structs.replace(stored, status="cancelled")


def lost(stored: Stored) -> Stored:
    """An answer that was under way when the gateway's process ended."""
    return _failed(stored, Bug("The gateway's process ended before this answer was finished. Ask again."))
