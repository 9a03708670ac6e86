from __future__ import annotations

import pytest

from waypost.config.overload_schema import (
    OverloadConfig,
    OverloadSettings,
    build_overload,
    check_overload,
    share,
)


def test_the_defaults_are_the_settings_defaults() -> None:
    assert build_overload(OverloadConfig()) == OverloadSettings()


def test_what_is_written_is_what_is_read() -> None:
    written = OverloadConfig(
        queue_time="0s", queue_size=5, loop_lag="100ms", memory="1GiB", unready_after="1m"
    )
    assert build_overload(written) == OverloadSettings(0.0, 5, 0.1, 1 << 30, 60.0)
    assert list(check_overload(written)) == []


def test_of_several_workers_each_has_its_share_of_what_counts_something() -> None:
    written = OverloadConfig(queue_time="7s", queue_size=10, memory="1GiB")
    told = build_overload(written, 3)
    assert (told.waiting_max, told.memory_bytes, told.wait_s) == (3, (1 << 30) // 3, 7.0)
    least = build_overload(OverloadConfig(queue_size=2, memory="100MiB"), 4)
    assert (least.waiting_max, least.memory_bytes) == (1, 64 << 20)
    assert build_overload(OverloadConfig(), 4).memory_bytes is None
    assert [share(7, 2), share(1, 2), share(8, 1)] == [3, 1, 8]


@pytest.mark.parametrize(
    ("written", "field"),
    [(OverloadConfig(loop_lag="0s"), "loop_lag"), (OverloadConfig(memory="1MiB"), "memory")],
)
def test_what_can_not_work_is_refused(written: OverloadConfig, field: str) -> None:
    [(name, _, expected)] = check_overload(written)
    assert name == field
    assert expected.startswith("at least")
