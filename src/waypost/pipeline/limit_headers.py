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
from time import gmtime

from waypost.core.limit import LimitUnit, Shown
from waypost.ports import Clock

Lines = tuple[tuple[bytes, bytes], ...]


def _names(word: bytes) -> tuple[bytes, bytes, bytes]:
    """The limit, what remains, and when it is whole again."""
    head = b"anthropic-ratelimit-" + word
    return head + b"-limit", head + b"-remaining", head + b"-reset"


_ANTHROPIC: Mapping[LimitUnit, tuple[bytes, bytes, bytes]] = {
    "requests": _names(b"requests"),
    "tokens": _names(b"tokens"),
    "input_tokens": _names(b"input-tokens"),
    "output_tokens": _names(b"output-tokens"),
}


def lines_of(shown: Mapping[LimitUnit, Shown], family: str, clock: Clock) -> Lines:
    """The headers for a client of this family of dialects."""
    if family.startswith("openai"):
        return _openai(shown)
    return _anthropic(shown, clock.wall()) if family.startswith("anthropic") else ()


def _openai(shown: Mapping[LimitUnit, Shown]) -> Lines:
    requests, tokens = shown.get("requests"), shown.get("tokens")
    if tokens is None and len(shown) > (requests is not None):
        others = (each for each in shown.values() if each is not requests)
        tokens = min(others, key=lambda each: each.remaining)
    told: Lines = ()
    if requests is not None:
        told = (
            (b"x-ratelimit-limit-requests", b"%d" % requests.amount),
            (b"x-ratelimit-remaining-requests", b"%d" % requests.remaining),
            (b"x-ratelimit-reset-requests", duration(requests.reset_s)),
        )
    if tokens is not None:
        told += (
            (b"x-ratelimit-limit-tokens", b"%d" % tokens.amount),
            (b"x-ratelimit-remaining-tokens", b"%d" % tokens.remaining),
            (b"x-ratelimit-reset-tokens", duration(tokens.reset_s)),
        )
    return told


def _anthropic(shown: Mapping[LimitUnit, Shown], wall: float) -> Lines:
    told: list[tuple[bytes, bytes]] = []
    for unit, each in shown.items():
        limit, remaining, reset = _ANTHROPIC[unit]
        told += (
            (limit, b"%d" % each.amount),
            (remaining, b"%d" % each.remaining),
            (reset, _moment(wall + each.reset_s)),
        )
    return tuple(told)


def duration(seconds: float) -> bytes:
    """As Go writes it, rounded up to the millisecond: `0s`, `120ms`, `1.5s`, `6m0s`, `1h0m0s`."""
    milliseconds = int(-(-seconds * 1000 // 1))
    if milliseconds < 1000:
        return b"%dms" % milliseconds if milliseconds else b"0s"
    whole, rest = divmod(milliseconds, 1000)
    minutes, whole = divmod(whole, 60)
    text = (b"%d.%03d" % (whole, rest)).rstrip(b"0") + b"s" if rest else b"%ds" % whole
    if not minutes:
        return text
    hours, minutes = divmod(minutes, 60)
    return b"%dh%dm%b" % (hours, minutes, text) if hours else b"%dm%b" % (minutes, text)


def _moment(at: float) -> bytes:
    return b"%04d-%02d-%02dT%02d:%02d:%02dZ" % gmtime(-(-at // 1))[:6]
