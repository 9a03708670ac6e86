"""ElevenLabs' errors: `{"detail": {"status", "message"}}`, or a list of what is wrong with the fields.

https://elevenlabs.io/docs/resources/errors; `types/validation_error.py` of elevenlabs-python at 54e58995 (2026-11-26).
"""

from __future__ import annotations

import msgspec

from waypost.dialects.fields import NULL, Fields, loose_string, parse_object
from waypost.dialects.masking import clean_message
from waypost.dialects.refusals import NO_MESSAGE, Headers, Said, lower
from waypost.dialects.taking import ITEMS, object_or_none
from waypost.dialects.verdict import no_answer, refuse, refuse_inside
from waypost.errors import UpstreamError

#: Its words for causes that other providers have other words for.
_SPENT = "insufficient_quota"
_WORDS = {"quota_exceeded": _SPENT, "too_many_concurrent_requests": "rate_limit_exceeded",
          "system_busy": "overloaded_error"}  # fmt: skip


def parse_error(status: int, headers: Headers, body: bytes) -> UpstreamError:
    """A non-2xx answer, by its status first and then by its body."""
    try:
        said = _read(parse_object(body))
    except ValueError:
        said = Said()
    if status == 401 and _SPENT in said.words:
        status = 402  # as others say it; 401 would be a wrong key
    return refuse(status, said, headers)


def parse_instead(fields: Fields) -> UpstreamError:
    """An object with status 200 that is no answer."""
    said = _read(fields)
    return no_answer() if said.message == NO_MESSAGE else refuse_inside(said)


def _read(fields: Fields) -> Said:
    raw = fields.get("detail", msgspec.Raw(NULL))
    inner = object_or_none(raw)
    if inner is None:
        inner = _first(raw)
    if inner is None:
        return Said(clean_message(loose_string(raw) or "") or NO_MESSAGE)
    word = loose_string(inner.get("status")) or loose_string(inner.get("code")) or ""
    message = loose_string(inner.get("message")) or loose_string(inner.get("msg")) or ""
    return Said(clean_message(message) or NO_MESSAGE, lower((_WORDS.get(word, word),)))


def _first(raw: msgspec.Raw) -> Fields | None:
    try:
        listed = ITEMS.decode(raw)
    except ValueError:
        return None
    return object_or_none(listed[0]) if listed else None
