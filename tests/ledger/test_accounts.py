from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.books import AT, key
from waypost.ledger.accounts import Accounts, window

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


def test_a_key_without_a_budget_has_no_account():
    assert Accounts().of(key(None), AT) == ()


def test_a_key_has_one_account_named_after_its_window():
    (spec,) = Accounts().of(key(500, "day"), AT)

    assert spec.account_id == "key:k1:day:2026-09-21"
    assert (spec.scope, spec.scope_id, spec.label, spec.limit_nusd) == ("key", "k1", "app", 500)
    assert spec.ends_at == stamp("2026-09-22")


def test_specs_are_kept_until_the_window_ends_or_the_key_changes():
    accounts, one = Accounts(), key(500, "hour")
    first = accounts.of(one, AT)
    changed = msgspec.structs.replace(one, budget_nusd=900)

    assert accounts.of(one, AT + 60) is first
    assert accounts.of(changed, AT + 60)[0].limit_nusd == 900
    assert accounts.of(one, AT + 3600)[0].account_id == "key:k1:hour:2026-09-21T15:00Z"
    assert accounts.of(one, AT)[0].account_id == "key:k1:hour:2026-09-21T14:00Z"
