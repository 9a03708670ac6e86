from __future__ import annotations

import pytest

from waypost.dialects.gemini.chunk import CHUNK


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


def test_flags() -> None:
    assert CHUNK.decode(b'{"usageMetadata":{"a":1}}').has_usage()
    assert not CHUNK.decode(b'{"usageMetadata":{}}').has_usage()
    assert CHUNK.decode(b'{"error":{"code":1}}').has_error()
    assert not CHUNK.decode(b'{"error":null}').has_error()
