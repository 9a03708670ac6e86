"""The few ASGI shapes the edge uses, typed. Specification: https://asgi.readthedocs.io/en/latest/specs/www.html
(version 3.0, read 2026-11-21)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

#: Scopes and messages are open dictionaries by specification: extensions may add keys of any type.
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

Headers = list[tuple[bytes, bytes]]


def address(scope: Scope) -> str | None:
    """The other end of the connection."""
    peer = scope.get("client")
    return None if peer is None else str(peer[0])
