"""What the gateway tells of its own work and takes orders for, for keys and for the command line of its machine."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from typing import Protocol
from urllib.parse import parse_qsl

import msgspec

from waypost.app.generations import describe, describe_as_openrouter
from waypost.app.targets_list import TargetsList
from waypost.core.key import Key
from waypost.core.record import Exchange
from waypost.edge.gate import Errand
from waypost.errors import Forbidden, NotFound
from waypost.pipeline.explain import Explain
from waypost.pipeline.plans import OPERATOR
from waypost.policy.authenticate import Authenticate

#: What only an operator may.
_OPERATORS = frozenset(("drills", "drill"))
#: The log is written within a tenth of a second of a request's end, and clients ask at once.
_LOOKS = 3
_LOOK_AGAIN_S = 0.15


class Orders(Protocol):
    """Rehearsals, as the desk takes orders for them."""

    async def answer(self, errand: Errand) -> object:
        """What to answer to one of the purposes `drills` and `drill`, as a value for JSON. Raises GatewayError."""
        ...


class ControlDesk:
    """`edge.gate.Desk`."""

    def __init__(
        self,
        *,
        authenticate: Authenticate,
        token: str,
        explain: Explain,
        find: Callable[[str], Awaitable[Exchange | None]],
        targets: TargetsList,
        orders: Orders,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`token`: what the command line of this machine shows instead of a key; it opens this desk and nothing else.
        `find`: an exchange of the request log by its id."""
        self._authenticate = authenticate
        self._token = token.encode()
        self._explain = explain
        self._find = find
        self._targets = targets
        self._orders = orders
        self._sleep = sleep

    async def admit(self, purpose: str, presented: bytes | None) -> Key:
        """See `edge.gate.Desk`."""
        if presented and self._token and hmac.compare_digest(presented, self._token):
            return OPERATOR
        key = await self._authenticate.key_of(presented)
        if purpose in _OPERATORS and not key.operator:
            raise Forbidden(
                f"The key {key.name!r} is no operator's, and rehearsing outages is theirs. Make one with `waypost keys "
                "create --operator`, or use the command line on the gateway's machine."
            )
        return key

    async def answer(self, errand: Errand) -> bytes:
        """See `edge.gate.Desk`."""
        if errand.purpose == "explain":
            told = self._explain.explain(errand.body, errand.headers, errand.key)
            return msgspec.json.encode(told)
        if errand.purpose == "targets":
            return msgspec.json.encode(self._targets.list(errand.key))
        if errand.purpose == "generation":
            return await self._generation(errand)
        return msgspec.json.encode(await self._orders.answer(errand))

    async def _generation(self, errand: Errand) -> bytes:
        named = errand.name
        if not named:
            named = dict(parse_qsl(errand.query.decode("latin-1"))).get("id", "")
        exchange = None
        for look in range(_LOOKS):
            if look:
                await self._sleep(_LOOK_AGAIN_S)
            exchange = _for(errand.key, await self._find(named))
            if exchange is not None:
                break
        if exchange is None:
            raise NotFound(
                f"There is no request {named[:80]!r} of this key in the log. The id is in the header "
                "x-waypost-request-id; the log is kept as long as `retention_days` says."
            )
        return msgspec.json.encode(describe(exchange) if errand.name else describe_as_openrouter(exchange))


def _for(key: Key, exchange: Exchange | None) -> Exchange | None:
    """Another key's request is not told from one that does not exist, by its time neither."""
    if exchange is None or key.operator or exchange.key_id == key.key_id:
        return exchange
    return None
