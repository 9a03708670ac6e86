from __future__ import annotations

import pytest

from waypost.pipeline.pace import Pace


def test_gaps_count_only_while_the_target_is_busy() -> None:
    pace = Pace()
    pace.ended("a", 1.0, busy=True)
    assert not pace.watched
    assert pace.gap_s("a") == 0.0
    pace.watch("a")
    assert pace.watched
    pace.ended("a", 1.0, busy=True)
    pace.ended("a", 3.0, busy=True)
    assert pace.gap_s("a") == 2.0
    pace.ended("a", 4.0, busy=False)
    pace.ended("a", 900.0, busy=True)  # idle since: no gap of 896 s
    assert pace.gap_s("a") == 2.0
    pace.ended("a", 903.0, busy=True)
    assert pace.gap_s("a") == pytest.approx(2.1)
    pace.watch("a")
    assert pace.gap_s("a") == pytest.approx(2.1)


def test_it_remembers_only_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waypost.pipeline.pace._TARGETS_MAX", 1)
    pace = Pace()
    pace.watch("a")
    pace.ended("a", 1.0, busy=True)
    pace.ended("a", 2.0, busy=True)
    pace.watch("b")
    assert pace.gap_s("a") == 0.0
