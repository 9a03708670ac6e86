from __future__ import annotations

import pytest


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.process)])
def where(request: pytest.FixtureRequest) -> dict[str, str] | None:
    """What the environment says of the database; None: the store is in memory."""
    if request.param == "memory":
        return None
    if request.param == "sqlite":
        return {}
    return dict(request.getfixturevalue("postgres").new_database(prepared=True))
