"""`/v1/responses/{id}` and what hangs on it: kept answers, for the key that asked for them."""

from __future__ import annotations

from typing import Protocol
from urllib.parse import parse_qsl

import msgspec

from waypost.core.key import Key
from waypost.core.stored import StoredResponse
from waypost.dialects.openai_responses.state import (
    PAGE_USUAL,
    Order,
    render_deleted,
    render_listing,
    render_stored,
)
from waypost.edge.gate import Following
from waypost.errors import InvalidRequest, NotFound
from waypost.pipeline.behind import lost
from waypost.pipeline.conversation import decode, encode
from waypost.policy.authenticate import Authenticate
from waypost.ports import Clock, Responses
from waypost.stores.sql.responses import ResponseRows

_ORDERS: dict[str, Order] = {"asc": "asc", "desc": "desc"}
#: Digits of the largest number of an event.
_LONGEST_NUMBER = 15
_UNDER_WAY = ("queued", "in_progress")


class Making(Protocol):
    """Answers that are made in the background, and the events of those that were asked for as streams."""

    def cancel(self, response_id: str) -> bool:
        """End it; False when it is not under way."""
        ...

    def forget(self, response_id: str) -> None:
        """End it, do not keep it, and forget its events."""
        ...

    def follow(self, response_id: str, after: int | None) -> Following:
        """Its events behind number `after`. Raises InvalidRequest when they are not kept."""
        ...


class MakingElsewhere(Protocol):
    """`Making` by the other workers of this gateway, as far as one of them makes the answer."""

    async def cancel(self, response_id: str) -> bool: ...

    async def forget(self, response_id: str) -> None: ...

    async def follow(self, response_id: str, after: int | None) -> Following | None:
        """None where no other worker has its events."""
        ...


class KeptAnswers:
    """`edge.gate.Shelf`."""

    def __init__(
        self,
        responses: Responses,
        authenticate: Authenticate,
        clock: Clock,
        making: Making,
        elsewhere: MakingElsewhere | None = None,
    ) -> None:
        self._elsewhere = elsewhere
        self._responses = responses
        self._authenticate = authenticate
        self._clock = clock
        self._making = making

    async def answer(
        self, purpose: str, method: str, response_id: str, query: bytes, presented: bytes | None
    ) -> bytes | Following:
        """See `edge.gate.Shelf`."""
        key = await self._authenticate.key_of(presented)
        found = await self._find(response_id, key)
        if purpose == "response_items":
            return _listing(found, query)
        if purpose == "response_cancel":
            return await self._cancelled(found, key)
        if method == "DELETE":
            self._making.forget(response_id)
            if self._elsewhere is not None:
                await self._elsewhere.forget(response_id)
            await self._responses.delete(response_id, key.key_id)
            return render_deleted(response_id)
        asked = dict(parse_qsl(query.decode("latin-1")))
        if asked.get("stream", "").lower() == "true":
            return await self._follow(response_id, _after(asked.get("starting_after")))
        return render_stored(decode(found))

    async def _find(self, response_id: str, key: Key) -> StoredResponse:
        found = await self._responses.get(response_id, key.key_id, self._clock.wall())
        if found is None:
            raise NotFound(
                f"There is no response {response_id[:128]!r} of this key. It was made with `store: false`, by another "
                "key, or its time is over."
            )
        return found

    async def _cancel(self, response_id: str) -> bool:
        if self._making.cancel(response_id):
            return True
        return self._elsewhere is not None and await self._elsewhere.cancel(response_id)

    async def _follow(self, response_id: str, after: int | None) -> Following:
        try:
            return self._making.follow(response_id, after)
        except InvalidRequest:
            found = None if self._elsewhere is None else await self._elsewhere.follow(response_id, after)
            if found is None:
                raise
            return found

    async def _cancelled(self, found: StoredResponse, key: Key) -> bytes:
        stored = decode(found)
        if found.status not in _UNDER_WAY:
            return render_stored(stored)
        stored = msgspec.structs.replace(stored, status="cancelled")
        if not await self._cancel(found.response_id):
            # Another process made it and is gone: nobody will finish it.
            changed = msgspec.structs.replace(
                found, status="cancelled", record=encode(stored), key_id=key.key_id
            )
            await self._responses.put(changed)
        return render_stored(stored)


def _after(said: str | None) -> int | None:
    if said is None:
        return None
    if not said.isascii() or not said.isdigit() or len(said) > _LONGEST_NUMBER:
        raise InvalidRequest("`starting_after` has to be the number of an event.", param="starting_after")
    return int(said)


def _listing(found: StoredResponse, query: bytes) -> bytes:
    asked = dict(parse_qsl(query.decode("latin-1")))
    limit = asked.get("limit", str(PAGE_USUAL))
    order = _ORDERS.get(asked.get("order", "desc"))
    if not limit.isdigit() or len(limit) > 4:
        raise InvalidRequest("`limit` has to be a whole number.", param="limit")
    if order is None:
        raise InvalidRequest("`order` has to be asc or desc.", param="order")
    return render_listing(decode(found).items, int(limit), asked.get("after"), order)


def end_lost(rows: ResponseRows) -> None:
    """Answers that were being made when the gateway last ended have failed. Blocking, at start. Raises
    StoreUnavailable."""
    for found in rows.unfinished():
        failed = lost(decode(found))
        rows.put(msgspec.structs.replace(found, status=failed.status, record=encode(failed)))
