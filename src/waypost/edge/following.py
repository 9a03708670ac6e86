"""An answer that is made in the background, for a client that follows it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from waypost.dialects.dialect import EVENT_STREAM
from waypost.edge.gate import Following
from waypost.ports import Client


@contextmanager
def leaving(answer: Following) -> Iterator[None]:
    """Whatever happens, it is left in the end."""
    try:
        yield
    finally:
        answer.leave()


async def follow(client: Client, answer: Following, own: Sequence[tuple[bytes, bytes]]) -> None:
    """Send its events until it ends or the client leaves. `own`: headers of the gateway's own."""
    client.on_gone(answer.leave)
    await client.start(200, [(b"content-type", EVENT_STREAM), *own])
    while events := await answer.next():
        await client.write(events)
    await client.finish()
