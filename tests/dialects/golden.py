"""Golden cases: one JSON file each, found by glob."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from waypost.core.usage import Usage

ROOT = Path(__file__).parent.parent / "golden"


def cases(dialect: str, kind: str) -> list[Any]:
    found = sorted((ROOT / dialect / kind).glob("*.json"))
    return [pytest.param(msgspec.json.decode(path.read_bytes()), id=path.stem) for path in found]


def sse(events: list[Any]) -> bytes:
    """Events as OpenAI writes them: compact JSON, LF, one data line each."""
    return b"".join(
        b"data: " + (event.encode() if isinstance(event, str) else msgspec.json.encode(event)) + b"\n\n"
        for event in events
    )


def named_sse(events: list[Any]) -> bytes:
    """Events as the responses API writes them: each names its type in front of its data."""
    return b"".join(
        b"event: %b\ndata: %b\n\n" % (event["type"].encode(), msgspec.json.encode(event)) for event in events
    )


def counts_of(usage: Usage | None) -> dict[str, Any] | None:
    """As cases state it: nothing but tokens is counted in them."""
    if usage is None:
        return None
    counts = msgspec.structs.asdict(usage)
    assert counts.pop("units") is None
    return counts
