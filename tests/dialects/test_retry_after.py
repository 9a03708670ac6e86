from __future__ import annotations

import pytest

from waypost.dialects.retry_after import retry_after_s

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
    ],
)
def test_every_form(headers: list[tuple[bytes, bytes]], wait: float | None) -> None:
    assert retry_after_s(headers) == (pytest.approx(wait) if wait is not None else None)
