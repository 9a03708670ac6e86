"""Conversations of the Responses dialect: what an answer goes on from, and what is kept of it, over any provider."""

from __future__ import annotations

import msgspec

from waypost.config.targets import Provider
from waypost.core.asked import Asked
from waypost.core.stored import StoredResponse
from waypost.dialects.lane import Lane, SameLane
from waypost.dialects.openai_responses.state import (
    Status,
    Stored,
    continued,
    input_items,
    previous_id,
    wants_store,
)
from waypost.dialects.sse import SseParser
from waypost.dialects.taking import object_or_none
from waypost.errors import GatewayError, InvalidRequest
from waypost.pipeline.exchange import LiveExchange, Trial
from waypost.ports import Clock, Responses
from waypost.telemetry.logs import Log

FAMILY = "openai_responses"
_DAY_S = 86_400
#: Events that end a stream with an answer worth keeping.
_LAST = (b'"response.completed"', b'"response.incomplete"')
_NO_BODY = msgspec.Raw(b"null")


class Conversations:
    """Goes on from kept answers, and keeps new ones. Stateless but for the port."""

    def __init__(self, responses: Responses, clock: Clock, log: Log) -> None:
        self._responses = responses
        self._clock = clock
        self._log = log

    async def go_on(self, live: LiveExchange) -> None:
        """Before anything is held for the request: put the conversation that it goes on from into its input.

        An answer that is not known here may still be known to a provider that speaks the dialect itself: see
        `can_serve`. Raises InvalidRequest for one that is not finished, and StoreUnavailable.
        """
        asked, key = live.asked, live.key
        assert asked is not None  # noqa: S101 - stage 3 set it
        assert key is not None  # noqa: S101 - stage 2 set it or raised
        previous = previous_id(asked)
        if previous is None:
            return
        found = None
        if live.snapshot.settings.responses_days:
            found = await self._responses.get(previous, key.key_id, self._clock.wall())
        if found is None:
            live.unknown_previous = previous
            return
        if found.status not in ("completed", "incomplete"):
            raise InvalidRequest(
                f"The response {previous!r} is {found.status}: only a finished one can be gone on from. Wait for its "
                "end, or leave `previous_response_id` out.",
                param="previous_response_id",
            )
        live.asked = continued(asked, decode(found))
        if found.provider is not None:
            live.original = (found.provider, asked)

    async def keep(self, live: LiveExchange, trial: Trial, body: bytes) -> bool:
        """Keep the response object, if the client wants it kept and the operator allows it. It is durable when this
        returns. False: it could not be kept, which the log says; the answer is worth giving all the same."""
        asked, key = live.asked, live.key
        days = live.snapshot.settings.responses_days
        if asked is None or key is None or not days or not wants_store(asked):
            return True
        try:
            own = isinstance(trial.lane, SameLane)
            stored = _stored(asked, body, live.call.exchange_id)
            provider = trial.target.provider.name if own else None
            await self._responses.put(row(stored, key.key_id, provider, self._clock.wall(), days))
        except GatewayError as error:
            self._log.warning("an answer could not be kept", why=error.message, id=live.call.exchange_id)
            return False
        return True


def asked_of(live: LiveExchange, provider: Provider, lane: Lane) -> Asked:
    """What this target is asked: a provider that made the earlier answer itself, and keeps it, is told its id and gets
    the new input alone; every other one gets the whole conversation."""
    asked = live.asked
    assert asked is not None  # noqa: S101 - stage 3 set it
    original = live.original
    if original is not None and original[0] == provider.name and isinstance(lane, SameLane):
        return original[1]
    return asked


def can_serve(live: LiveExchange, lane: Lane) -> bool:
    """An earlier answer that is not kept here can only be gone on from by its maker."""
    return live.unknown_previous is None or isinstance(lane, SameLane)


def refuse_unknown(previous: str) -> InvalidRequest:
    """The words for an answer that nobody here knows."""
    return InvalidRequest(
        f"There is no response {previous[:128]!r} of this key: it was made with `store: false` or by another key, or "
        "its time is over. Send the whole conversation as `input`.",
        param="previous_response_id",
    )


def last_response(out: bytes) -> bytes | None:
    """The response object in the last events of a stream; None when it did not end with one."""
    for event in SseParser().feed(out):
        if event.data is None:
            continue
        fields = object_or_none(msgspec.Raw(event.data)) or {}
        if bytes(fields.get("type", b"")) in _LAST and "response" in fields:
            return bytes(fields["response"])
    return None


def row(stored: Stored, key_id: str, provider: str | None, now: float, days: int) -> StoredResponse:
    """A kept answer as the store takes it."""
    return StoredResponse(
        response_id=stored.response_id,
        key_id=key_id,
        created_at=now,
        expires_at=now + days * _DAY_S,
        status=stored.status,
        provider=provider,
        record=encode(stored),
    )


class _Record(msgspec.Struct, array_like=True):
    """`Stored` on the disk: `Raw | None` is no type that can be read."""

    response_id: str
    created: int
    status: Status
    model: str
    fields: dict[str, msgspec.Raw]
    items: tuple[msgspec.Raw, ...]
    body: msgspec.Raw


_RECORD = msgspec.json.Decoder(_Record)


def encode(stored: Stored) -> bytes:
    """A kept answer for `StoredResponse.record`."""
    body = _NO_BODY if stored.body is None else stored.body
    return msgspec.json.encode(
        _Record(
            stored.response_id, stored.created, stored.status, stored.model, stored.fields, stored.items, body
        )
    )


def decode(found: StoredResponse) -> Stored:
    """The dialect's own view of a kept answer."""
    read = _RECORD.decode(found.record)
    body = None if bytes(read.body) == b"null" else read.body
    return Stored(read.response_id, read.created, read.status, read.model, read.fields, read.items, body)


class _Said(msgspec.Struct):
    id: str
    status: Status = "completed"
    created_at: float = 0
    model: str = ""


_SAID = msgspec.json.Decoder(_Said)


def _stored(asked: Asked, body: bytes, exchange_id: str) -> Stored:
    said = _SAID.decode(body)
    return Stored(
        response_id=said.id,
        created=int(said.created_at),
        status=said.status,
        model=said.model,
        fields={name: raw for name, raw in asked.fields.items() if name != "input"},
        items=tuple(input_items(asked, exchange_id)),
        body=msgspec.Raw(body),
    )
