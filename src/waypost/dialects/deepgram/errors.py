"""Deepgram's errors: `{"err_code", "err_msg"}`, and the newer `{"category", "message", "details"}`.

https://developers.deepgram.com/docs/errors (2026-11-26)
"""

from __future__ import annotations

from waypost.dialects.fields import Fields, loose_string, parse_object
from waypost.dialects.masking import clean_message
from waypost.dialects.refusals import NO_MESSAGE, Headers, Said, lower
from waypost.dialects.verdict import no_answer, refuse, refuse_inside
from waypost.errors import UpstreamError

#: Its words for causes that other providers have other words for.
_WORDS = {"ASR_PAYMENT_REQUIRED": "payment_required", "INVALID_AUTH": "invalid_api_key",
          "INSUFFICIENT_PERMISSIONS": "permission_denied", "TOO_MANY_REQUESTS": "too_many_requests"}  # fmt: skip


def parse_error(status: int, headers: Headers, body: bytes) -> UpstreamError:
    """A non-2xx answer, by its status first and then by its body."""
    try:
        said = _read(parse_object(body))
    except ValueError:
        said = Said()
    return refuse(status, said, headers)


def parse_instead(fields: Fields) -> UpstreamError:
    """An object with status 200 that is no answer."""
    said = _read(fields)
    return no_answer() if said.message == NO_MESSAGE else refuse_inside(said)


def _read(fields: Fields) -> Said:
    word = loose_string(fields.get("err_code")) or loose_string(fields.get("category")) or ""
    message = next(
        (text for name in ("err_msg", "message", "details") if (text := loose_string(fields.get(name)))), ""
    )
    return Said(clean_message(message) or NO_MESSAGE, lower((_WORDS.get(word, word),)))
