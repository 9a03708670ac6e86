"""Converse streams of golden cases, as bytes."""

from __future__ import annotations

from typing import Any

import msgspec

from waypost.dialects.bedrock_converse.eventstream import FrameSplitter, Header, decode_frame, encode_frame

Said = dict[str, Any]


def frame(said: Said) -> bytes:
    """`{"contentBlockDelta": {…}}` as one message; a name that ends in `Exception` is an exception."""
    [(name, body)] = said.items()
    kind = "exception" if name.endswith("Exception") else "event"
    headers = (
        Header(f":{kind}-type", name),
        Header(":content-type", "application/json"),
        Header(":message-type", kind),
    )
    return encode_frame(headers, msgspec.json.encode(body))


def stream(events: list[Said]) -> bytes:
    return b"".join(map(frame, events))


def said(raw: bytes) -> list[Said]:
    """The messages of a stream, in the form that `frame` takes."""
    found: list[Said] = []
    for each in FrameSplitter().feed(raw):
        message = decode_frame(each)
        name = message.text(":event-type") or message.text(":exception-type")
        found.append({name: msgspec.json.decode(message.payload)})
    return found


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """`data` cut at these places, modulo its length."""
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[edges[i] : edges[i + 1]] for i in range(len(edges) - 1)]


TEXT: list[Said] = [
    {"messageStart": {"role": "assistant"}},
    {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": "Hello"}}},
    {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": " there"}}},
    {"contentBlockStop": {"contentBlockIndex": 0}},
    {"messageStop": {"stopReason": "end_turn"}},
    {
        "metadata": {
            "usage": {"inputTokens": 9, "outputTokens": 2, "totalTokens": 11},
            "metrics": {"latencyMs": 5},
            "serviceTier": {"type": "flex"},
        }
    },
]
