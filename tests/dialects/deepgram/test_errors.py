from __future__ import annotations

import pytest

from waypost.dialects.deepgram.codec import DEEPGRAM_SPEECH, DEEPGRAM_TRANSCRIPTIONS
from waypost.errors import CredentialRefused, QuotaSpent, Rejected, Throttled, Unavailable, UpstreamError


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (401, b'{"err_code":"INVALID_AUTH","err_msg":"Invalid credentials."}', CredentialRefused, ""),
        (402, b'{"err_code":"ASR_PAYMENT_REQUIRED","err_msg":"No funds."}', QuotaSpent, ""),
        (400, b'{"err_code":"Bad Request","err_msg":"Failed to read."}', Rejected, "Failed to read."),
        (400, b'{"category":"INVALID_JSON","message":"No JSON.","details":"x"}', Rejected, "No JSON."),
        (429, b'{"err_code":"TOO_MANY_REQUESTS","err_msg":"Slower."}', Throttled, "Slower."),
        (503, b"<html>", Unavailable, ""),
    ],
)
def test_errors(status: int, body: bytes, kind: type[UpstreamError], said: str) -> None:
    for dialect in (DEEPGRAM_SPEECH, DEEPGRAM_TRANSCRIPTIONS):
        error = dialect.parse_error(status, [], body)
        assert type(error) is kind
        assert said in error.message
