from __future__ import annotations

from pathlib import Path

import pytest

from bench.path_keys import config_of_keys, measure_keys
from bench.seeding import Size, seed


@pytest.mark.process
def test_what_many_keys_take_is_measured_over_what_is_there(tmp_path: Path) -> None:
    keys, config = seed(tmp_path / "data", Size(keys=70, teams=3, budgets=20)), tmp_path / "waypost.yaml"
    config.write_text(config_of_keys())
    assert 0 < measure_keys(tmp_path / "data", config, {}, keys, batches=3) < float("inf")
