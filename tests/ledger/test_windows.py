from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.books import AT
from waypost.ledger.windows import window

PERIODS = ("minute", "hour", "day", "week", "month", "year")


def stamp(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("per", "name", "start", "end"),
    [
        ("minute", "minute:2026-12-31T23:59Z", "2026-12-31T23:59", "2027-01-01T00:00"),
        ("hour", "hour:2026-12-31T23:00Z", "2026-12-31T23:00", "2027-01-01T00:00"),
        ("day", "day:2026-12-31", "2026-12-31", "2027-01-01"),
        ("week", "week:2026-12-28", "2026-12-28", "2027-01-04"),
        ("month", "month:2026-12-01", "2026-12-01", "2027-01-01"),
        ("year", "year:2026-01-01", "2026-01-01", "2027-01-01"),
    ],
)
def test_windows_follow_the_calendar(per, name, start, end):
    found = window(per, stamp("2026-12-31T23:59:59.5"))

    assert (found.name, found.starts_at, found.ends_at) == (name, stamp(start), stamp(end))


def test_a_total_window_never_ends():
    assert window("total", AT).ends_at is None
    assert window("total", AT) == window("total", AT + 10**9)


@given(st.sampled_from(PERIODS), st.floats(0, 4_000_000_000))
def test_windows_tile_time(per, at):
    found = window(per, at)

    assert found.starts_at <= at < found.ends_at
    assert window(per, found.starts_at) == found
    assert window(per, found.ends_at).starts_at == found.ends_at
    assert window(per, found.ends_at - 0.001) == found


@given(st.sampled_from(PERIODS), st.floats(0, 4_000_000_000), st.floats(0, 4_000_000_000))
def test_windows_that_are_counted_from_a_moment_tile_time(per, at, anchor):
    found = window(per, at, anchor)

    assert found.starts_at <= at < found.ends_at
    assert window(per, found.starts_at, anchor) == found
    assert window(per, found.ends_at - 0.001, anchor) == found
    following = window(per, found.ends_at, anchor)
    # Months are counted from the anchor: after one that is too short for its day, the next begins on its day again.
    assert following.starts_at == found.ends_at
    assert found.name != following.name
    assert len(found.name) <= 40
    assert found.name != window(per, at).name


@pytest.mark.parametrize(
    ("per", "anchor", "at", "start", "end"),
    [
        ("month", "2026-01-31T10:00", "2026-02-15", "2026-01-31T10:00", "2026-02-28T10:00"),
        ("month", "2026-01-31T10:00", "2026-03-01", "2026-02-28T10:00", "2026-03-31T10:00"),
        ("month", "2026-01-31T10:00", "2028-02-29T10:00", "2028-02-29T10:00", "2028-03-31T10:00"),
        ("month", "2026-06-15T12:30:05", "2026-06-15T12:30:04", "2026-05-15T12:30:05", "2026-06-15T12:30:05"),
        ("year", "2024-02-29", "2026-01-01", "2025-02-28", "2026-02-28"),
        ("year", "2024-02-29", "2028-03-01", "2028-02-29", "2029-02-28"),
        ("week", "2026-09-23T08:00", "2026-10-01", "2026-09-30T08:00", "2026-10-07T08:00"),
        ("day", "2026-09-23T08:00", "2026-09-20T07:00", "2026-09-19T08:00", "2026-09-20T08:00"),
    ],
)
def test_windows_from_an_anchor_are_as_long_as_the_calendar_has_them(per, anchor, at, start, end):
    found = window(per, stamp(at), stamp(anchor))

    assert (found.starts_at, found.ends_at) == (stamp(start), stamp(end))
    assert found.name == f"{per}:{datetime.fromisoformat(start):%Y-%m-%dT%H:%M:%SZ}"


def test_a_total_begins_with_its_anchor():
    before, after = window("total", AT - 1, AT), window("total", AT, AT)

    assert (before.name, before.ends_at) == ("total", AT)
    assert (after.name, after.starts_at, after.ends_at) == ("total:2026-09-21T14:13:20Z", AT, None)
