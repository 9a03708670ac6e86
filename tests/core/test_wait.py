from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.core.wait import parse_moment, parse_number, parse_span, seconds_until

#: Sat, 21 Nov 2026 10:00:00 GMT
AT = 1_795_255_200.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        ("11.382", 11.382),
        ("1s", 1.0),
        ("0s", 0.0),
        ("250ms", 0.25),
        ("6m0s", 360.0),
        ("2m59.56s", 179.56),
        ("1h30m", 5400.0),
        ("1d", 86_400.0),
        ("8m", 480.0),
        ("1795255260", 60.0),
        ("1795255260.5", 60.5),
        ("1795255140", 0.0),
        ("1795255260000", 60.0),
        ("2026-11-21T10:00:30Z", 30.0),
        ("2026-11-21T10:00:30.250Z", 30.25),
        ("2026-11-21T11:00:30+01:00", 30.0),
        ("2026-11-21T10:00:30", 30.0),
        ("2026-11-21T09:59:00Z", 0.0),
        ("Sat, 21 Nov 2026 10:00:30 GMT", 30.0),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("nan", None),
        ("1e3", None),
        ("²", None),
        ("2026-13-21T10:00:30Z", None),
        ("9" * 400, None),
        ("1ms1s", None),
    ],
)
def test_every_form(text: str, seconds: float | None) -> None:
    assert seconds_until(text, AT) == (pytest.approx(seconds) if seconds is not None else None)


def test_a_span_is_not_a_moment() -> None:
    assert parse_span("Sat, 21 Nov 2026 10:00:30 GMT") is None
    assert parse_moment("6m0s") is None
    assert parse_number("1s") is None


@given(st.text(max_size=60), st.floats(0, 4e9))
def test_no_text_raises_or_goes_back(text: str, at: float) -> None:
    found = seconds_until(text, at)
    assert found is None or found >= 0.0
