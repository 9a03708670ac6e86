from __future__ import annotations

import pytest

from waypost.dialects.gemini.chunk import CHUNK, is_ordinary


@pytest.mark.parametrize(
    ("parts", "size"),
    [
        (b'[{"text":"hello"}]', 5),
        (b'[{"text":"","thoughtSignature":"abcd"}]', 0),
        (b'[{"text":"ab","thought":true}]', 2),
        (b'[{"functionCall":{"name":"f"}}]', 10),
        (b"[]", 0),
        (b"null", 0),
    ],
)
def test_content(parts: bytes, size: int) -> None:
    chunk = CHUNK.decode(b'{"candidates":[{"content":{"parts":%b}}]}' % parts)
    assert chunk.candidates is not None
    assert chunk.candidates[0].content_size() == size


def test_ends() -> None:
    chunk = CHUNK.decode(b'{"candidates":[{"finishReason":"STOP"},{"index":1}]}')
    assert chunk.candidates is not None
    assert [candidate.ended() for candidate in chunk.candidates] == [True, False]
    assert chunk.finish_reason() == "STOP"
    unset = CHUNK.decode(b'{"candidates":[{"finishReason":"FINISH_REASON_UNSPECIFIED"}]}')
    assert unset.finish_reason() is None


def test_a_blocked_prompt() -> None:
    assert CHUNK.decode(b'{"promptFeedback":{"blockReason":"SAFETY"}}').finish_reason() == "SAFETY"
    assert CHUNK.decode(b"{}").finish_reason() is None


@pytest.mark.parametrize(
    ("raw", "ordinary"),
    [
        (b'data: {"candidates":[{"content":{"parts":[{"text":"a \\"error\\" b"}]}}]}\n\n', True),
        (b'data: {"candidates":[{"content":{"parts":[{"text":""}]}}]}\n\n', False),
        (b'data: {"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}]}\n\n', False),
        (b'data: {"candidates":[{"content":{"parts":[{"functionCall":{"name":"f"}}]}}]}\n\n', False),
        (b'data: {"error":{"text":"a"}}\n\n', False),
        (b'data: {"text":"a"}\r\n\r\n', False),
        (b'data: {"text":"a"\ndata: }\n\n', False),
        (b'id: 1\ndata: {"text":"a"}\n\n', False),
    ],
)
def test_ordinary_events(raw: bytes, ordinary: bool) -> None:
    assert is_ordinary(raw) is ordinary


def test_flags() -> None:
    assert CHUNK.decode(b'{"usageMetadata":{"a":1}}').has_usage()
    assert not CHUNK.decode(b'{"usageMetadata":{}}').has_usage()
    assert CHUNK.decode(b'{"error":{"code":1}}').has_error()
    assert not CHUNK.decode(b'{"error":null}').has_error()
