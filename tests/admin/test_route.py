from __future__ import annotations

import pytest

from waypost.admin.ask import Ask
from waypost.admin.route import Reply, Route, Table
from waypost.errors import ConfigError


async def answer(ask: Ask) -> Reply:
    return Reply()


def row(path: str, permission: object = ("teams:read",), name: str = "", method: str = "GET") -> Route:
    return Route(method, path, name or path, "", permission, answer)  # type: ignore[arg-type]


@pytest.mark.parametrize("permission", [(), "", "anybody", ("teams:fly",), None])
def test_a_route_without_a_permission_does_not_start(permission: object) -> None:
    with pytest.raises(ConfigError, match="names no permission"):
        Table((row("/api/v1/x", permission),))


def test_rows_that_hide_each_other_do_not_start() -> None:
    with pytest.raises(ConfigError, match="twice"):
        Table((row("/api/v1/x", name="a"), row("/api/v1/x", name="b")))
    with pytest.raises(ConfigError, match="told from"):
        Table((row("/api/v1/{a}/y"), row("/api/v1/x/{b}")))
    with pytest.raises(ConfigError, match="outside"):
        Table((row("/v1/x"),))
    with pytest.raises(ConfigError, match="named"):
        Table((row("/api/v1/x", name="a"), row("/api/v1/y", name="a")))


def test_paths_are_matched_whole() -> None:
    table = Table(
        (row("/api/v1/x"), row("/api/v1/x/{name}", name="one"), row("/api/v1/x/{name}/y", name="two"))
    )
    found = table.find("/api/v1/x/a%20b")
    assert found is not None
    assert found[1] == {"name": "a%20b"}
    for path in ("/api/v1/x/", "/api/v1/x/a/", "/api/v1/x/a/y/z", "/api/v1", "/v1/x"):
        assert table.find(path) is None
    assert table.find("/api/v1/" + "/" * 5000) is None
    assert table.own == {"x"}


def test_a_route_knows_its_organization() -> None:
    assert row("/api/v1/organizations/{organization}/x").in_organization
    assert not row("/api/v1/x").in_organization
