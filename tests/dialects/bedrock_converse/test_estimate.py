from __future__ import annotations

import base64

import msgspec
import pytest

from waypost.dialects.bedrock_converse.estimate import input_tokens


def message(*blocks: object) -> bytes:
    return msgspec.json.encode([{"role": "user", "content": list(blocks)}])


def test_text_is_counted_by_its_bytes() -> None:
    assert input_tokens(b"x" * 300) == 100


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [("image", 1600, 1700), ("document", 4000, 5000), ("video", 500, 700), ("audio", 200, 300)],
)
def test_media_are_not_text(kind: str, low: int, high: int) -> None:
    data = base64.b64encode(bytes(range(256)) * 375).decode()
    block = {kind: {"format": "x", "source": {"bytes": data}}}
    assert low <= input_tokens(message(block)) <= high


def test_text_can_not_hide_among_media() -> None:
    words = "A" * 3000
    body = message(
        {"text": words}, {"text": words}, {"image": {"format": "png", "source": {"bytes": "AA=="}}}
    )
    assert input_tokens(body) >= 1600 + 1000
