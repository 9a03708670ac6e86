"""Streams as Anthropic writes them: each event with its name."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec


def sse(events: list[Any]) -> bytes:
    """Golden events as bytes."""
    return b"".join(
        b"event: %b\ndata: %b\n\n" % (event["type"].encode(), msgspec.json.encode(event)) for event in events
    )


def pieces(stream: bytes, cuts: list[int]) -> list[bytes]:
    """The stream, cut at these places."""
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    return [stream[a:b] for a, b in pairwise(edges)]


def unsse(stream: bytes) -> list[Any]:
    """The events of a stream that we wrote; the name of each is its type."""
    events: list[Any] = []
    for block in stream.decode().split("\n\n")[:-1]:
        name, data = block.split("\n")
        event = msgspec.json.decode(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        events.append(event)
    return events
