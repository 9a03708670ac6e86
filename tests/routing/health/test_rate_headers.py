from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.health.rig import WALL
from waypost.providers.registry import all_providers
from waypost.providers.rows.shapes import ANTHROPIC_RATES, OPENAI_RATES
from waypost.providers.spec import RateHeaders
from waypost.routing.health.rate_headers import Told, names_of, read

ONE = names_of(RateHeaders(requests_limit="l", requests_remaining="r", requests_reset="t"))


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [
        (b"6ms", 0.006),
        (b"250ms", 0.25),
        (b"1s", 1.0),
        (b"6m0s", 360.0),
        (b"2m59.56s", 179.56),
        (b"12", 12.0),
        (b"11.382", 11.382),
        (b" 11 ", 11.0),
        (b"1795255230", 30.0),
        (b"1795255230000", 30.0),
        (b"1795255000", 0.0),
        (b"2026-11-21T10:00:30Z", 30.0),
        (b"2026-11-21T09:00:30Z", 0.0),
        (b"2026-11-21T12:00:30+02:00", 30.0),
        (b"Sat, 21 Nov 2026 10:00:30 GMT", 30.0),
        (b"2026-99-99T10:00:30Z", 60.0),
        (b"tomorrow", 60.0),
        (b"", 60.0),
        (b"99999999", 86_400.0),
        (b"\xff\xfe", 60.0),
    ],
)
def test_every_form_of_a_reset(reset: bytes, seconds: float) -> None:
    headers = [(b"l", b"10"), (b"r", b"3"), (b"t", reset)]
    assert read(ONE, headers, WALL) == [Told("requests", 10, 3, pytest.approx(seconds))]


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (b"0", 0),
        (b"9999", 9999),
        (b" 7 ", 7),
        (b"59.5", 59),
        (b"100, 100;w=60", 100),
        (b"-1", None),
        (b"", None),
        (b"many", None),
        (b"nan", None),
        (b"9" * 5000, None),
    ],
)
def test_every_form_of_a_count(value: bytes, count: int | None) -> None:
    assert read(ONE, [(b"r", value)], WALL) == (
        [] if count is None else [Told("requests", None, count, 60.0)]
    )


def test_anthropics_own_headers() -> None:
    headers = [
        (f"anthropic-ratelimit-{what}-{part}".encode(), value)
        for what, most in (("requests", b"50"), ("input-tokens", b"40000"), ("output-tokens", b"8000"))
        for part, value in (("limit", most), ("remaining", b"40"), ("reset", b"2026-11-21T10:00:30Z"))
    ]
    assert read(names_of(ANTHROPIC_RATES), headers, WALL) == [
        Told("requests", 50, 40, 30.0),
        Told("input", 40_000, 40, 30.0),
        Told("output", 8000, 40, 30.0),
    ]


def test_every_row_names_headers_of_its_own_in_lower_case() -> None:
    for spec in all_providers():
        names = names_of(spec.rates)
        assert all(name == name.lower() for name in names)
        assert len(names) == sum(bool(getattr(spec.rates, field)) for field in spec.rates.__struct_fields__)


@given(
    st.lists(st.tuples(st.sampled_from(sorted(names_of(OPENAI_RATES))), st.binary(max_size=40))),
    st.floats(0, 4e9),
)
def test_nothing_raises(headers: list[tuple[bytes, bytes]], wall: float) -> None:
    for told in read(names_of(OPENAI_RATES), headers, wall):
        assert told.left >= 0
        assert 0.0 <= told.reset_s <= 86_400.0
