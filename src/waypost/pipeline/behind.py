"""Answers made in the background (`background: true`): the client is told an id and comes back for the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from waypost.core.asked import Asked
from waypost.core.key import Key
from waypost.dialects.fields import parse_object, render_fields
from waypost.dialects.openai_responses.identity import response_id
from waypost.dialects.openai_responses.state import (
    Stored,
    input_items,
    render_failed,
    render_stored,
    wants_background,
    wants_store,
)
from waypost.errors import Bug, Draining, GatewayError, InvalidRequest, Overloaded, Rejected
from waypost.pipeline.conversation import row
from waypost.pipeline.exchange import Call, LiveExchange
from waypost.pipeline.once import HEADER as IDEMPOTENCY
from waypost.pipeline.options import FIELD as OWN_FIELD
from waypost.ports import Clock, Responses
from waypost.telemetry.logs import Log

_GATEWAY_ONLY = ("background", "stream", "stream_options")
_JSON = (b"content-type", b"application/json")


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
        """A streamed answer, which is never asked for here."""
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
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def begin(self, live: LiveExchange) -> bool:
        """Begin to make an answer behind the client's back, if it wants that, and tell it under which id. False: it
        does not. Raises InvalidRequest, Overloaded and StoreUnavailable."""
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
        if asked.stream:
            raise InvalidRequest(
                "`background` together with `stream` is not served. Leave one of them out.", param="stream"
            )
        if len(self._tasks) >= settings.concurrency_max:
            # They hold no connection, so nothing else bounds them.
            raise Overloaded("As many answers are made in the background as may be. Ask again in a moment.")
        call = live.call
        stored = Stored(
            response_id=response_id(call.exchange_id),
            created=int(self._clock.wall()),
            status="queued",
            model=asked.model,
            fields={name: raw for name, raw in asked.fields.items() if name != "input"},
            items=tuple(input_items(asked, call.exchange_id)),
        )
        await self._put(stored, key, settings.responses_days)
        work = self._make(stored, key, asked, call, settings.responses_days)
        self._tasks[stored.response_id] = asyncio.ensure_future(work)
        live.outcome, live.status = "ok", 200
        await call.client.reply(
            200, [_JSON, (b"x-request-id", call.exchange_id.encode())], render_stored(stored)
        )
        return True

    def cancel(self, response_id: str) -> bool:
        """End the making of an answer; False when it is not under way."""
        task = self._tasks.get(response_id)
        return task is not None and task.cancel()

    async def stop(self) -> None:
        """End them all, and wait until each is kept as failed."""
        tasks = tuple(self._tasks.values())
        for task in tasks:
            task.cancel("shutdown")
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _make(self, stored: Stored, key: Key, asked: Asked, call: Call, days: int) -> None:
        sink = Sink()
        fields = {name: raw for name, raw in asked.fields.items() if name not in _GATEWAY_ONLY}
        fields["store"] = msgspec.Raw(b"false")  # it is kept here, under the id that the client knows
        # The idempotency key was for the request that began this, which has been answered.
        headers = {name: value for name, value in call.headers.items() if name != IDEMPOTENCY}
        own = parse_object(call.body).get(OWN_FIELD)
        if own is not None:
            fields[OWN_FIELD] = own  # taken out when this request was read, and it is read once more
        inner = msgspec.structs.replace(
            call,
            body=render_fields(fields),
            headers=headers,
            client=sink,
            exchange_id=f"{call.exchange_id}-b",
        )
        try:
            await self._put(msgspec.structs.replace(stored, status="in_progress"), key, days)
            await self._run(inner)
            done = _finished(stored, sink)
        except asyncio.CancelledError as cut:
            done = _cancelled(stored, shutdown=cut.args == ("shutdown",))
        except GatewayError as error:
            done = _failed(stored, error)
        finally:
            self._tasks.pop(stored.response_id, None)
        try:
            await self._put(done, key, days)
        except GatewayError as error:
            self._log.warning("an answer could not be kept", why=error.message, id=call.exchange_id)

    async def _put(self, stored: Stored, key: Key, days: int) -> None:
        await self._responses.put(row(stored, key.key_id, None, self._clock.wall(), days))


class _Error(msgspec.Struct, frozen=True):
    message: str = "The answer could not be made."


class _Envelope(msgspec.Struct, frozen=True):
    error: _Error = _Error()


_ENVELOPE = msgspec.json.Decoder(_Envelope)


def _finished(stored: Stored, sink: Sink) -> Stored:
    if sink.status != 200:
        said = _ENVELOPE.decode(sink.body) if sink.body else _Envelope()
        return _failed(stored, Rejected(said.error.message, status=sink.status or 500))
    fields = parse_object(sink.body)
    fields["id"] = msgspec.Raw(msgspec.json.encode(stored.response_id))
    fields["background"] = fields["store"] = msgspec.Raw(b"true")
    status = msgspec.json.decode(fields.get("status", b'"completed"'), type=str)
    kept = "incomplete" if status == "incomplete" else "completed"
    body = msgspec.Raw(render_fields(fields))
    return msgspec.structs.replace(stored, status=kept, body=body)


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
