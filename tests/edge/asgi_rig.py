"""Calling the edge in process, as an ASGI server other than ours would."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

from waypost.edge.app import Edge


class Exchange:
    """One in-process request: feeds messages in, collects what comes out."""

    def __init__(
        self,
        edge: Edge,
        method: str,
        path: str,
        body: bytes | None = b"",
        headers: list[tuple[bytes, bytes]] | None = None,
    ) -> None:
        self.edge = edge
        self.scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "path": path,
            "query_string": b"",
            "client": ("127.0.0.1", 50_000),
            "headers": [(b"host", b"gateway"), *(headers or [])],
        }
        self.inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        if body is not None:
            self.feed(body)
        self.sent: list[MutableMapping[str, Any]] = []
        self.block_sends = False

    def feed(self, body: bytes, more: bool = False) -> None:
        self.inbox.put_nowait({"type": "http.request", "body": body, "more_body": more})

    def leave(self) -> None:
        self.inbox.put_nowait({"type": "http.disconnect"})

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        if self.block_sends:
            await asyncio.Event().wait()
        self.sent.append(message)

    async def run(self) -> Exchange:
        await self.edge(self.scope, self.inbox.get, self._send)
        return self

    @property
    def status(self) -> int:
        status: int = self.sent[0]["status"]
        return status

    @property
    def headers(self) -> dict[bytes, bytes]:
        pairs = self.sent[0]["headers"]
        found = dict(pairs)
        assert len(found) == len(pairs), "a header was sent twice"
        return found

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self.sent[1:])
