"""What holds for every test."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from effort import examples
from migrated import migrated_once
from postgres_server import PostgresServer

# No test depends on how fast a machine is. Where nobody is there to look at a new counterexample, the examples are the
# same in every run.
TIMELESS = settings(max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("tried", TIMELESS)
settings.register_profile("same", TIMELESS, derandomize=True)
settings.load_profile("same" if os.environ.get("CI") else "tried")


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
