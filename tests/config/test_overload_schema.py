from __future__ import annotations

import pytest

from waypost.config.overload_schema import (
    OverloadConfig,
    OverloadSettings,
    build_overload,
    check_overload,
)


def test_the_defaults_are_the_settings_defaults() -> None:
    assert build_overload(OverloadConfig()) == OverloadSettings()


def test_what_is_written_is_what_is_read() -> None:
    written = OverloadConfig(
        queue_time="0s", queue_size=5, loop_lag="100ms", memory="1GiB", unready_after="1m"
    )
    assert build_overload(written) == OverloadSettings(0.0, 5, 0.1, 1 << 30, 60.0)
    assert list(check_overload(written)) == []


@pytest.mark.parametrize(
    ("written", "field"),
    [(OverloadConfig(loop_lag="0s"), "loop_lag"), (OverloadConfig(memory="1MiB"), "memory")],
)
def test_what_can_not_work_is_refused(written: OverloadConfig, field: str) -> None:
    [(name, _, expected)] = check_overload(written)
    assert name == field
    assert expected.startswith("at least")
