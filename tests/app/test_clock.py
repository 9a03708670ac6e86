from __future__ import annotations

import time

from waypost.app.clock import SystemClock


def test_it_is_the_systems_time() -> None:
    clock = SystemClock()
    assert clock.wall() >= 1.7e9
    before = time.monotonic()
    assert before <= clock.monotonic() <= time.monotonic()
