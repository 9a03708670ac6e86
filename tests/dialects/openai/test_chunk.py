from __future__ import annotations

import msgspec
import pytest

from waypost.dialects.openai.chunk import Chunk, count_ordinary

ORDINARY = (
    b'data: {"choices":[{"index":0,"delta":{"content":"say \\\\ usage error"},"finish_reason":null}],'
    b'"usage": null}\n\n'
)


def test_ordinary_events_are_counted() -> None:
    assert count_ordinary(ORDINARY) == 1
    assert count_ordinary(ORDINARY * 4) == 4


@pytest.mark.parametrize(
    "change",
    [
        (b'"finish_reason":null', b'"finish_reason": "stop"'),
        (b'"usage": null', b'"usage" : {"prompt_tokens":1}'),
        (b'"usage": null', b'"error":{"message":"x"}'),
        (b'"content":"say', b'"content":"","x":"say'),
        (b"}\n\n", b"}\n"),
        (b"}\n\n", b"}\r\n\r\n"),
        (b"}\n\n", b"}\n\n: ping\n\n"),
        (b"data: {", b": ping\n\ndata: {"),
        (b"data: {", b"event: x\ndata: {"),
        (b"data: {", b"data:{"),
        (b"}\n\n", b"}\nid: 1\n\n"),
        (b"}\n\n", b"}\n\ndata: [DONE]\n\n"),
        (b'"delta"', b'\r\r"delta"'),
    ],
)
def test_anything_else_is_not(change: tuple[bytes, bytes]) -> None:
    assert count_ordinary(ORDINARY.replace(*change)) == 0
    assert count_ordinary(ORDINARY + ORDINARY.replace(*change) + ORDINARY) == 0


def test_content_size() -> None:
    body = (
        b'{"choices":[{"delta":{"role":"assistant","content":"","x":null,"tool_calls":[]}},'
        b'{"text":"\xc3\xa9"},{"delta":{"content":"ab"}}]}'
    )
    chunk = msgspec.json.decode(body, type=Chunk)
    assert [choice.content_size() for choice in chunk.choices or []] == [0, 2, 2]
    assert not chunk.has_usage()
    assert not chunk.has_error()
