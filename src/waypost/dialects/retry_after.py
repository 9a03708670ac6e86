"""How long a provider asks to wait, in every form that is seen on the wire.

`retry-after`: seconds or an HTTP date, RFC 9110 §10.2.3. `retry-after-ms`: Azure and OpenAI; the official SDKs
prefer it. `x-ratelimit-reset-*`: durations such as `1s` or `6m0s`, https://platform.openai.com/docs/guides/rate-limits
(2026-11-21).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

#: The longest wait that is believed, in seconds.
MAX_WAIT_S = 3600.0

_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")
_NUMBER = re.compile(r"\d{1,15}(?:\.\d{1,15})?")
_RESETS = (
    (b"x-ratelimit-reset-requests", b"x-ratelimit-remaining-requests"),
    (b"x-ratelimit-reset-tokens", b"x-ratelimit-remaining-tokens"),
)


def retry_after_s(headers: Sequence[tuple[bytes, bytes]]) -> float | None:
    """Seconds to wait, 0…3600, or None when the answer does not say, or says something absurd.

    A date is read against the answer's own `date` header, so no clock is needed.
    """
    found = {name.lower(): value.decode("latin-1").strip() for name, value in headers}
    millis = _number(found.get(b"retry-after-ms"))
    if millis is not None:
        return _clamp(millis / 1000)
    given = found.get(b"retry-after")
    if given:
        seconds = _number(given)
        if seconds is None:
            seconds = _until(given, found.get(b"date"))
        if seconds is not None:
            return _clamp(seconds)
    waits = [
        wait
        for reset, remaining in _RESETS
        if found.get(remaining, "0") == "0" and (wait := _duration(found.get(reset))) is not None
    ]
    return _clamp(max(waits)) if waits else None


def _clamp(seconds: float) -> float:
    return min(seconds, MAX_WAIT_S)


def _number(text: str | None) -> float | None:
    return float(text) if text and _NUMBER.fullmatch(text) else None


def _until(text: str, date: str | None) -> float | None:
    if not date:
        return None
    try:
        then, now = parsedate_to_datetime(text), parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return None
    wait = (_utc(then) - _utc(now)).total_seconds()
    return wait if wait >= 0 else None


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _duration(text: str | None) -> float | None:
    if not text or len(text) > 40:
        return None
    plain = _number(text)
    if plain is not None:
        return plain
    parts = _DURATION.fullmatch(text)
    if parts is None:
        return None
    hours, minutes, seconds, millis = (float(part) if part else 0.0 for part in parts.groups())
    return hours * 3600 + minutes * 60 + seconds + millis / 1000
