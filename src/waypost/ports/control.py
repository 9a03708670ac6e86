"""The control API, as the HTTP side sees it: what came, and what is to be answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import msgspec

from waypost.errors import GatewayError


class Visit(msgspec.Struct, frozen=True):
    """One HTTP request to the control API."""

    method: str
    path: str
    """Decoded, without the query."""
    query: bytes
    headers: Mapping[bytes, bytes]
    """Names in lower case."""
    read: Callable[[int], Awaitable[bytes]]
    """The body, of at most so many bytes. Raises TooLarge, TooSlow and Disconnected."""
    request_id: str
    address: str = ""
    """Where the connection comes from."""
    https: bool = False

    def __repr__(self) -> str:
        return f"Visit({self.method} {self.path}, {self.request_id})"


class Said(msgspec.Struct, frozen=True):
    """The answer to a visit."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""

    def __repr__(self) -> str:
        return f"Said({self.status})"


class ControlApi(Protocol):
    """What answers on the control API's own paths."""

    def methods(self, path: str) -> frozenset[str] | None:
        """What a path takes; None when it is not the control API's."""
        ...

    async def answer(self, visit: Visit) -> Said:
        """The answer, whatever it is: errors of the gateway are answers too."""
        ...

    def refuse(self, error: GatewayError, visit_path: str, request_id: str) -> Said:
        """An error as the control API says it."""
        ...
