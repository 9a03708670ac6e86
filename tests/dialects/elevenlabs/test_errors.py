from __future__ import annotations

import pytest

from waypost.dialects.elevenlabs.codec import ELEVENLABS_SPEECH, ELEVENLABS_TRANSCRIPTIONS
from waypost.errors import (
    CredentialRefused,
    Overcrowded,
    QuotaSpent,
    Rejected,
    Throttled,
    Unavailable,
    UpstreamError,
)


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (401, b'{"detail":{"status":"invalid_api_key","message":"Invalid API key"}}', CredentialRefused, ""),
        (401, b'{"detail":{"status":"quota_exceeded","message":"Spent."}}', QuotaSpent, ""),
        (404, b'{"detail":{"status":"voice_not_found","message":"No voice."}}', Rejected, "No voice."),
        (
            422,
            b'{"detail":[{"loc":["body","text"],"msg":"Field required","type":"missing"}]}',
            Rejected,
            "Field",
        ),
        (400, b'{"detail":"Plain words."}', Rejected, "Plain words."),
        (429, b'{"detail":{"status":"too_many_concurrent_requests","message":"Slower."}}', Throttled, ""),
        (429, b'{"detail":{"status":"system_busy","message":"Busy."}}', Overcrowded, ""),
        (500, b"oops", Unavailable, ""),
        (400, b"[]", Rejected, ""),
        (400, b'{"detail":[]}', Rejected, ""),
    ],
)
def test_errors(status: int, body: bytes, kind: type[UpstreamError], said: str) -> None:
    for dialect in (ELEVENLABS_SPEECH, ELEVENLABS_TRANSCRIPTIONS):
        error = dialect.parse_error(status, [], body)
        assert type(error) is kind
        assert said in error.message
