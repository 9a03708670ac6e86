"""An answer that is made in the background, for a client that follows it."""

from __future__ import annotations

from collections.abc import Sequence

from waypost.dialects.dialect import EVENT_STREAM
from waypost.edge.gate import Following
from waypost.ports import Client


async def follow(client: Client, answer: Following, own: Sequence[tuple[bytes, bytes]]) -> None:
    """Send its events until it ends or the client leaves. `own`: headers of the gateway's own."""
    try:
        client.on_gone(answer.leave)
        await client.start(200, [(b"content-type", EVENT_STREAM), *own])
        while events := await answer.next():
            await client.write(events)
        await client.finish()
    finally:
        answer.leave()
