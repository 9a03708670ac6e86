"""What holds for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from effort import EXPLORING, examples
from migrated import migrated_once
from postgres_server import PostgresServer

# No test depends on how fast a machine is, and the examples are the same in every run: a new counterexample comes up
# where somebody looks for one.
settings.register_profile(
    "same",
    max_examples=examples(100),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=not EXPLORING,
)
settings.load_profile("same")


@pytest.fixture(scope="session", autouse=True)
def databases() -> Iterator[None]:
    """Fresh ones cost little."""
    with migrated_once():
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL server, one for all tests that only want a database of it."""
    with PostgresServer() as server:
        yield server
