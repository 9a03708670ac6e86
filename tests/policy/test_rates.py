from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.core.key import Key
from waypost.errors import RateLimited
from waypost.policy.rates import Rates


def key(rpm: int | None) -> Key:
    return Key(key_id="k", name="app", digest=b"", hint="", created_at=0, rpm=rpm)


def admitted(rates: Rates, limited: Key, now: float) -> bool:
    try:
        rates.take(limited, now)
    except RateLimited:
        return False
    return True


@given(rpm=st.integers(1, 600), gaps=st.lists(st.floats(0, 5, allow_nan=False), min_size=1, max_size=200))
def test_no_window_of_a_minute_admits_more_than_twice_the_limit_nor_starves(
    rpm: int, gaps: list[float]
) -> None:
    rates, now, times = Rates(), 0.0, []
    for gap in gaps:
        now += gap
        if admitted(rates, key(rpm), now):
            times.append(now)
    for start in times:
        assert sum(start <= t < start + 60 for t in times) <= 2 * rpm
    assert len(times) >= min(rpm, len(gaps))


def test_a_burst_of_the_whole_allowance_then_a_steady_trickle() -> None:
    rates, limited = Rates(), key(60)
    assert sum(admitted(rates, limited, 0.0) for _ in range(100)) == 60
    assert not admitted(rates, limited, 0.99)
    assert admitted(rates, limited, 1.0)
    assert not admitted(rates, limited, 1.0)


def test_the_refusal_says_how_long_to_wait_and_waiting_helps() -> None:
    rates, limited = Rates(), key(2)
    rates.take(limited, 0.0)
    rates.take(limited, 0.0)
    with pytest.raises(RateLimited) as refused:
        rates.take(limited, 10.0)
    wait = refused.value.retry_after_s
    assert wait == pytest.approx(20.0)
    rates.take(limited, 10.0 + (wait or 0))


def test_what_is_given_back_can_be_taken_again() -> None:
    rates, limited = Rates(), key(1)
    rates.take(limited, 0.0)
    rates.give_back(limited)
    assert admitted(rates, limited, 0.0)


def test_full_allowances_are_forgotten() -> None:
    rates = Rates()
    rates.take(key(60), 0.0)
    assert rates.prune(0.5) == 1
    assert rates.prune(1.5) == 0


def test_a_key_without_a_limit_is_never_refused() -> None:
    rates = Rates()
    assert all(admitted(rates, key(None), 0.0) for _ in range(1000))
