from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.config.values import (
    is_secret_reference,
    parse_duration,
    parse_markup,
    parse_moment,
    parse_size,
    render_moment,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10s", 10),
        ("5m", 300),
        ("1h30m", 5400),
        ("1d", 86400),
        ("500ms", 0.5),
        ("1.5s", 1.5),
        ("0s", 0),
        ("1m1ms", 60.001),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "10", "s", "5m1h", "1h 30m", "-1s", "1.5h", "1s1s", "١s", "10s\n"])
def test_not_durations(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(text)


@given(st.integers(0, 9), st.integers(0, 59), st.integers(0, 59))
def test_parts_add_up(hours: int, minutes: int, seconds: int) -> None:
    assert parse_duration(f"{hours}h{minutes}m{seconds}s") == hours * 3600 + minutes * 60 + seconds


def test_sizes() -> None:
    assert parse_size("32MiB") == 32 * 1024 * 1024
    assert parse_size("500 kB") == 500_000
    assert parse_size("0B") == 0
    for text in ("32", "MiB", "1.5MiB", "-1B", "1 TB"):
        with pytest.raises(ValueError, match="not a size"):
            parse_size(text)


def test_references() -> None:
    assert is_secret_reference("env:OPENAI_API_KEY")
    assert is_secret_reference("file:/run/secrets/a b")
    for text in ("sk-abc", "env:", "env:1A", "env:A B", "file:", "vault:x", "env:A\n"):
        assert not is_secret_reference(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2027-01-31", "2027-01-31"),
        ("2027-01-31T00:00:00+00:00", "2027-01-31"),
        ("2027-01-31T01:00+01:00", "2027-01-31"),
        ("2027-01-31T12:30:01.5Z", "2027-01-31T12:30:01.500000Z"),
        ("@1e+300", "@1e+300"),
        ("@-1", "@-1.0"),
    ],
)
def test_moments(text: str, shown: str) -> None:
    assert render_moment(parse_moment(text)) == shown


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_moment_that_was_written_is_read_as_what_is_written_again(at: float) -> None:
    text = render_moment(at)
    assert render_moment(parse_moment(text)) == text


@pytest.mark.parametrize(
    ("text", "markup"), [("0%", 0), ("5%", 50_000), ("2.5%", 25_000), ("0.0001%", 1), ("9999%", 99_990_000)]
)
def test_markups_are_exact(text: str, markup: int) -> None:
    assert parse_markup(text) == markup


@pytest.mark.parametrize("text", ["", "5", "0.05", "5 %", "-5%", "1.00001%", "10000%", "%", "5%%", "٥%"])
def test_what_is_no_markup(text: str) -> None:
    with pytest.raises(ValueError, match="not a percentage"):
        parse_markup(text)
