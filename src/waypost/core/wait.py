"""How long to wait, in every form that providers write it.

Seconds (`1`, `11.382`), durations (`1s`, `250ms`, `6m0s`, `2m59.56s`), moments: Unix seconds or milliseconds, RFC 3339
as Anthropic has it, HTTP dates (RFC 9110 §5.6.7). https://platform.openai.com/docs/guides/rate-limits (2026-11-21).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

#: Longer texts are none of the forms.
_LONGEST = 40
#: Numbers from here on are moments, not spans: 2001 in Unix seconds, and in Unix milliseconds.
_MOMENT = 1e9
_MOMENT_MS = 1e12

_DURATION = re.compile(
    r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?", re.ASCII
)
_NUMBER = re.compile(r"\d{1,15}(?:\.\d{1,15})?", re.ASCII)


def parse_number(text: str) -> float | None:
    """A plain decimal number, not negative."""
    return float(text) if _NUMBER.fullmatch(text) else None


def parse_span(text: str) -> float | None:
    """A span of time in seconds: a number of them, or a duration such as `6m0s`."""
    if not text or len(text) > _LONGEST:
        return None
    plain = parse_number(text)
    if plain is not None:
        return plain
    parts = _DURATION.fullmatch(text)
    if parts is None:
        return None
    days, hours, minutes, seconds, millis = (float(part) if part else 0.0 for part in parts.groups())
    return days * 86_400 + hours * 3600 + minutes * 60 + seconds + millis / 1000


def parse_moment(text: str) -> float | None:
    """A date in Unix seconds: RFC 3339 or an HTTP date; without a zone it is UTC."""
    if not text or len(text) > _LONGEST:
        return None
    try:
        moment = datetime.fromisoformat(text) if text[0].isdigit() else parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def seconds_until(text: str, at: float) -> float | None:
    """Seconds from `at` (Unix seconds) until what the text says, 0.0 when that has passed; None for other texts."""
    span = parse_span(text)
    if span is None:
        moment = parse_moment(text)
    elif span >= _MOMENT:
        moment = span / 1000 if span >= _MOMENT_MS else span
    else:
        return span
    return None if moment is None else max(0.0, moment - at)
