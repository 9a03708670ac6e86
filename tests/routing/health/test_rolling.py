from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from waypost.routing.health.rolling import Rolling


def test_what_is_counted_is_forgotten() -> None:
    rolling = Rolling(30.0)
    for now in (0.0, 1.0, 29.0):
        rolling.add(now)
    assert rolling.total(29.9) == 3
    assert rolling.total(30.0) == 1
    assert rolling.total(1000.0) == 0
    rolling.add(1000.0)
    rolling.clear()
    assert rolling.total(1000.0) == 0


@given(st.lists(st.floats(0, 20), max_size=60), st.floats(0.5, 60))
def test_it_counts_what_the_last_six_slots_hold(gaps: list[float], window_s: float) -> None:
    rolling, now, added = Rolling(window_s), 0.0, list[float]()
    for gap in gaps:
        now += gap
        rolling.add(now)
        added.append(now)
        width = window_s / 6
        assert rolling.total(now) == sum(int(at / width) > int(now / width) - 6 for at in added)
