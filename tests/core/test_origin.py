from __future__ import annotations

import pytest

from waypost.core.origin import Origin, Proxy


@pytest.mark.parametrize(
    ("origin", "authority"),
    [
        (Origin("https", "api.example", 443), "api.example"),
        (Origin("https", "api.example", 8443), "api.example:8443"),
        (Origin("http", "api.example", 80), "api.example"),
        (Origin("http", "::1", 8000), "[::1]:8000"),
    ],
)
def test_the_host_header(origin: Origin, authority: str) -> None:
    assert origin.authority == authority


def test_a_proxys_credentials_are_not_in_its_repr() -> None:
    assert "secret" not in repr(Proxy("proxy", 3128, "Basic secret"))


def test_origins_are_keys_of_pools() -> None:
    assert (
        len({Origin("https", "a", 443), Origin("https", "a", 443), Origin("https", "a", 443, private=True)})
        == 2
    )
