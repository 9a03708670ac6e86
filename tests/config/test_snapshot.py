from __future__ import annotations

import msgspec
import pytest

from transcript import NoCatalog, provider, target
from waypost.config.nodes import Keys
from waypost.config.snapshot import OrgRoutes, Route, Settings, Snapshot
from waypost.errors import ModelNotFound, NoTarget

P = provider("p")
SNAPSHOT = Snapshot(
    version=1,
    providers={"p": P},
    routes={"fast": Route("fast", (target(P, "m"),)), "p/listed": Route("p/listed", (target(P, "listed"),))},
    aliases={"listed": "p/listed"},
    settings=Settings(),
    catalog=NoCatalog(),
)


@pytest.mark.parametrize(
    ("asked", "name", "kind"),
    [
        ("fast", "fast", "config"),
        ("p/listed", "p/listed", "config"),
        ("listed", "p/listed", "config"),
        ("p/any/thing", "p/any/thing", "direct"),
    ],
)
def test_a_name_an_alias_or_any_model_of_a_provider(asked: str, name: str, kind: str) -> None:
    route = SNAPSHOT.find(asked)
    assert (route.name, route.kind) == (name, kind)


@pytest.mark.parametrize("asked", ["", "unknown", "q/m", "p/", "/m"])
def test_anything_else_is_not_found_and_says_where_to_look(asked: str) -> None:
    with pytest.raises(ModelNotFound, match="GET /v1/models"):
        SNAPSHOT.find(asked)


def test_any_model_of_a_provider_with_several_keys_is_asked_with_each() -> None:
    pool = (provider("p", key_name="a", key_weight=2), provider("p", key_name="b"))
    snapshot = msgspec.structs.replace(SNAPSHOT, providers={"p": pool[0]}, pools={"p": pool})
    route = snapshot.find("p/any")
    assert [(one.label, one.weight) for one in route.targets] == [("p#a/any", 2), ("p#b/any", 1)]
    assert route.node == Keys(route.targets)
    assert snapshot.every_provider() == pool
    assert SNAPSHOT.every_provider() == (P,)


def test_routes_of_an_organization_are_found_by_two_names_and_by_nobody_else() -> None:
    route = Route("route/own", (target(P, "m"),), "route", owner="org_a", own=("route/own",))
    faults = {"lost": ("tree.target: there is no provider 'q'",), "own": ("tree.main: …",)}
    own = OrgRoutes({"route/own": route, "policy/own": route}, faults)
    snapshot = msgspec.structs.replace(SNAPSHOT, own={"org_a": own})
    assert snapshot.find_own("org_a", "route/own") is snapshot.find_own("org_a", "policy/own") is route
    for home, name in (
        ("org_b", "route/own"),
        ("org_b", "route/lost"),
        ("org_a", "own"),
        ("org_a", "route/no"),
    ):
        assert snapshot.find_own(home, name) is None
    for name in ("p/lost", "lost", "gone/own"):
        assert snapshot.find_own("org_a", name) is None, "a model of that name is none of its routes"
    for name in ("route/lost", "policy/lost"):
        with pytest.raises(NoTarget, match="there is no provider 'q'"):
            snapshot.find_own("org_a", name)
