from __future__ import annotations

import pytest

from waypost.core.wait import parse_span
from waypost.dialects.retry_after import retry_after_s, until_s, wait_in_text

NOW = (b"Date", b"Sat, 21 Nov 2026 10:00:00 GMT")


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ([], None),
        ([(b"Retry-After", b"3")], 3.0),
        ([(b"retry-after", b"1.5")], 1.5),
        ([(b"retry-after-ms", b"250"), (b"retry-after", b"9")], 0.25),
        ([(b"retry-after", b"-1")], None),
        ([(b"retry-after", b"soon")], None),
        ([(b"retry-after", b"nan")], None),
        ([(b"retry-after", b"999999999")], 3600.0),
        ([(b"retry-after", b"9" * 400)], None),
        ([(b"retry-after", b"Sat, 21 Nov 2026 10:00:30 GMT"), NOW], 30.0),
        ([(b"retry-after", b"Sat, 21 Nov 2026 09:00:30 GMT"), NOW], None),
        ([(b"retry-after", b"Sat, 21 Nov 2026 10:00:30 GMT")], None),
        ([(b"x-ratelimit-reset-requests", b"1s")], 1.0),
        ([(b"x-ratelimit-reset-requests", b"6m0s")], 360.0),
        ([(b"x-ratelimit-reset-tokens", b"2m59.56s")], 179.56),
        ([(b"x-ratelimit-reset-tokens", b"120ms")], 0.12),
        ([(b"x-ratelimit-reset-requests", b"1h"), (b"x-ratelimit-remaining-requests", b"5")], None),
        ([(b"x-ratelimit-reset-requests", b"1s"), (b"x-ratelimit-reset-tokens", b"4s")], 4.0),
        ([(b"x-ratelimit-reset-tokens", b"tomorrow")], None),
        ([(b"x-ms-retry-after-ms", b"1500")], 1.5),
        ([(b"retry-after", b"0")], 0.0),
        ([(b"retry-after", b"6m0s")], 360.0),
        ([(b"retry-after", b"250ms")], 0.25),
        ([(b"retry-after", b"31536000000")], 3600.0),
        ([(b"retry-after", b"31536000000"), NOW], 3600.0),
        ([(b"retry-after", b"2026-11-21T10:00:05Z"), NOW], 5.0),
        ([(b"retry-after", b"2026-11-21T12:00:05+02:00"), NOW], 5.0),
        ([(b"retry-after", b"2026-13-45T99:00:00Z"), NOW], None),
        ([(b"x-ratelimit-reset", b"1795255210"), NOW], 10.0),
        ([(b"x-ratelimit-reset", b"1795255210500"), NOW], 10.5),
        ([(b"x-ratelimit-reset", b"1795255190"), NOW], None),
        ([(b"x-ratelimit-reset", b"12")], 12.0),
        ([(b"x-ratelimit-reset", b"12"), (b"x-ratelimit-remaining", b"3")], None),
        ([(b"anthropic-ratelimit-tokens-reset", b"2026-11-21T10:00:07Z"), NOW], 7.0),
        (
            [
                (b"anthropic-ratelimit-requests-reset", b"2026-11-21T10:00:07Z"),
                (b"anthropic-ratelimit-requests-remaining", b"4"),
                (b"anthropic-ratelimit-output-tokens-reset", b"2026-11-21T10:00:03Z"),
                (b"anthropic-ratelimit-output-tokens-remaining", b"0"),
                NOW,
            ],
            3.0,
        ),
    ],
)
def test_every_form(headers: list[tuple[bytes, bytes]], wait: float | None) -> None:
    assert retry_after_s(headers) == (pytest.approx(wait) if wait is not None else None)


@pytest.mark.parametrize(
    ("message", "wait"),
    [
        ("Please try again in 7m12.5s. Visit …", 432.5),
        ("Please try again in 850ms.", 0.85),
        ("Please retry in 20.04s.", 20.04),
        ("Please retry after 26 seconds.", 26.0),
        ("Try again in 3 s", 3.0),
        ("try again in 1h2m3s", 3600.0),
        ("try again in 99h", 3600.0),
        ("try again in a moment", None),
        ("try again in 5 minutes", None),
        ("", None),
    ],
)
def test_in_a_message(message: str, wait: float | None) -> None:
    assert wait_in_text(message) == (pytest.approx(wait) if wait is not None else None)


def test_until_a_quota_is_whole_again() -> None:
    told = "You will regain access on 2026-12-01 at 00:00 UTC."
    assert until_s(told, [NOW]) == 9 * 86400 + 14 * 3600
    assert until_s(told, []) is None
    assert until_s(told.replace("2026-12", "2026-11"), [NOW]) is None
    assert until_s(told.replace("2026-12", "2036-12"), [NOW]) == 32 * 86400
    assert until_s("soon", [NOW]) is None


@pytest.mark.parametrize("text", ["", "x", "1" * 41, "-3", "1s1h", "nan", "1e5"])
def test_no_duration(text: str) -> None:
    assert parse_span(text) is None
