"""How long a provider asks to wait, in every form that is seen on the wire.

`retry-after`: seconds or an HTTP date, RFC 9110 §10.2.3. `retry-after-ms`: Azure and OpenAI; the official SDKs
prefer it. `x-ms-retry-after-ms`: Azure's gateways. `x-ratelimit-reset-*`: durations such as `1s` or `6m0s`,
https://platform.openai.com/docs/guides/rate-limits (2026-11-21); `x-ratelimit-reset` of other providers: seconds, or
Unix time in seconds or milliseconds. `anthropic-ratelimit-*-reset`: RFC 3339,
https://platform.claude.com/docs/en/api/rate-limits (2026-11-25).

The forms themselves are read in `core/wait.py`. A moment is read against the answer's own `date`, so no clock is needed
and no difference of clocks matters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from waypost.core.wait import parse_moment, parse_number, parse_span

Headers = Sequence[tuple[bytes, bytes]]

#: The longest wait that is believed, in seconds.
MAX_WAIT_S = 3600.0
#: The longest until a spent quota is whole again.
MAX_QUOTA_S = 32 * 86400.0

_IN_TEXT = re.compile(
    r"(?:try again|retry)(?: your request)? (?:in|after) (?:(\d{1,9}(?:\.\d{1,9})?) ?s(?:ec(?:ond)?s?)?\b"
    r"|((?:\d{1,9}(?:\.\d{1,9})?(?:ms|h|m|s))+))",
    re.IGNORECASE,
)
_REGAINED = re.compile(r"regain access on (\d{4}-\d\d-\d\d) at (\d\d:\d\d) UTC")
#: Below it a number of seconds is a wait; above it, Unix time; a thousand times that, in milliseconds.
_UNIX_S = 1e9
_UNIX_MS = 1e12
#: Limits with their remainder: the reset of one that has something left says nothing about this refusal.
_RESETS = (
    *(
        (b"x-ratelimit-reset" + kind, b"x-ratelimit-remaining" + kind)
        for kind in (b"-requests", b"-tokens", b"")
    ),
    *(
        (b"anthropic-ratelimit-" + kind + b"-reset", b"anthropic-ratelimit-" + kind + b"-remaining")
        for kind in (b"requests", b"tokens", b"input-tokens", b"output-tokens")
    ),
)


def retry_after_s(headers: Headers) -> float | None:
    """Seconds to wait, 0…3600, or None when the answer does not say, or says something that is no time to come.

    More than an hour is an hour: nobody is believed for longer. Whoever parks a credential by it waits a second at
    least.
    """
    found = _fields(headers)
    for name in (b"retry-after-ms", b"x-ms-retry-after-ms"):
        millis = parse_number(found.get(name, ""))
        if millis is not None:
            return _clamp(millis / 1000)
    given = found.get(b"retry-after")
    if given:
        seconds = _moment_or_wait(given, found)
        if seconds is not None:
            return _clamp(seconds)
    waits = [
        wait
        for reset, remaining in _RESETS
        if _is_spent(found.get(remaining))
        and (wait := _moment_or_wait(found.get(reset, ""), found)) is not None
    ]
    return _clamp(max(waits)) if waits else None


def wait_in_text(message: str) -> float | None:
    """The wait that a message tells of (`Please try again in 7m12.5s`), 0…3600 s: Groq, OpenAI, Azure, Gemini."""
    found = _IN_TEXT.search(message)
    if found is None:
        return None
    seconds = float(found[1]) if found[1] else parse_span(found[2].lower())
    return None if seconds is None else _clamp(seconds)


def until_s(message: str, headers: Headers) -> float | None:
    """Seconds until a spent quota is whole again, where the message names the day, as Anthropic's do."""
    found = _REGAINED.search(message)
    if found is None:
        return None
    wait = _until(f"{found[1]}T{found[2]}:00Z", _fields(headers).get(b"date"))
    return None if wait is None else min(wait, MAX_QUOTA_S)


def _fields(headers: Headers) -> Mapping[bytes, str]:
    return {name.lower(): value.decode("latin-1").strip() for name, value in headers}


def _is_spent(remaining: str | None) -> bool:
    return remaining is None or parse_number(remaining) in (None, 0.0)


def _clamp(seconds: float) -> float:
    return min(seconds, MAX_WAIT_S)


def _moment_or_wait(text: str, found: Mapping[bytes, str]) -> float | None:
    seconds = parse_span(text)
    if seconds is None:
        return _until(text, found.get(b"date"))
    if seconds < _UNIX_S:
        return seconds
    now = parse_moment(found.get(b"date", ""))
    then = seconds / 1000 if seconds >= _UNIX_MS else seconds
    if now is None or then >= 1e11:
        return MAX_WAIT_S  # absurd, or without a clock to tell
    wait = then - now
    return wait if wait >= 0 else None


def _until(text: str, date: str | None) -> float | None:
    then, now = parse_moment(text), parse_moment(date or "")
    if then is None or now is None:
        return None
    wait = then - now
    return wait if wait >= 0 else None
