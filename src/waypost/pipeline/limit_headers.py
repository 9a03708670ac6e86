"""How the limits of a key are told with every answer: in the words of the client's vendor.

- OpenAI: https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers (2026-11-26): `requests` and
  `tokens`, with the time until they are whole as a duration such as `1s` or `6m0s`. Where only input or output tokens
  are limited, the one with less left is told as `tokens`.
- Anthropic: https://platform.claude.com/docs/en/api/rate-limits#response-headers (2026-11-26): also `input-tokens` and
  `output-tokens`, with that time in RFC 3339.
- Others have no such headers.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from waypost.core.limit import LimitUnit
from waypost.policy.limits import Shown

Lines = tuple[tuple[bytes, bytes], ...]

_ANTHROPIC: Mapping[LimitUnit, bytes] = {
    "requests": b"requests",
    "tokens": b"tokens",
    "input_tokens": b"input-tokens",
    "output_tokens": b"output-tokens",
}


def lines_of(shown: Mapping[LimitUnit, Shown], family: str, wall: float) -> Lines:
    """The headers for a client of this family of dialects."""
    if family.startswith("openai"):
        return _openai(shown)
    return _anthropic(shown, wall) if family.startswith("anthropic") else ()


def _openai(shown: Mapping[LimitUnit, Shown]) -> Lines:
    tokens = [each for unit, each in shown.items() if unit != "requests"]
    told = {
        b"requests": shown.get("requests"),
        b"tokens": shown.get("tokens") or min(tokens, key=lambda each: each.remaining, default=None),
    }
    return tuple(
        line
        for name, each in told.items()
        if each is not None
        for line in (
            (b"x-ratelimit-limit-" + name, b"%d" % each.amount),
            (b"x-ratelimit-remaining-" + name, b"%d" % each.remaining),
            (b"x-ratelimit-reset-" + name, duration(each.reset_s)),
        )
    )


def _anthropic(shown: Mapping[LimitUnit, Shown], wall: float) -> Lines:
    return tuple(
        line
        for unit, each in shown.items()
        for line in (
            (b"anthropic-ratelimit-" + _ANTHROPIC[unit] + b"-limit", b"%d" % each.amount),
            (b"anthropic-ratelimit-" + _ANTHROPIC[unit] + b"-remaining", b"%d" % each.remaining),
            (b"anthropic-ratelimit-" + _ANTHROPIC[unit] + b"-reset", _moment(wall + each.reset_s)),
        )
    )


def duration(seconds: float) -> bytes:
    """As Go writes it, rounded up to the millisecond: `0s`, `120ms`, `1.5s`, `6m0s`, `1h0m0s`."""
    milliseconds = int(-(-seconds * 1000 // 1))
    if 0 < milliseconds < 1000:
        return b"%dms" % milliseconds
    whole, rest = divmod(milliseconds, 1000)
    minutes, whole = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{whole}.{rest:03d}".rstrip("0").rstrip(".") + "s"
    if hours:
        text = f"{hours}h{minutes}m{text}"
    elif minutes:
        text = f"{minutes}m{text}"
    return text.encode()


def _moment(at: float) -> bytes:
    return datetime.fromtimestamp(-(-at // 1), UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
