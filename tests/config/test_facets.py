from __future__ import annotations

import pytest

from waypost.config.facets import FACETS, SINGLE, hidden_header


@pytest.mark.parametrize(
    "name", ["authorization", "cookie", "x-api-key", "api-key", "x-goog-api-key", "proxy-x"]
)
def test_credentials_are_hidden(name: str) -> None:
    assert hidden_header(name)
    assert not hidden_header("x-team")


def test_single_values_have_no_members() -> None:
    assert all(FACETS[name] is None for name in SINGLE)
