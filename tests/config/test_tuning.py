from __future__ import annotations

from waypost.config.resilience_schema import ResilienceConfig, resolve_resilience
from waypost.config.snapshot import Settings
from waypost.config.tuning import Resilience


def test_an_empty_configuration_is_the_tuning_that_needs_none() -> None:
    assert resolve_resilience(ResilienceConfig()) == Resilience() == Settings().resilience
