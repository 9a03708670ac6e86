from __future__ import annotations

import pytest

from config.golden_view import surroundings
from waypost.config.load import load_bytes
from waypost.config.nodes import Cheapest, Conditional, Fallback, Keys, Leaf, Weighted
from waypost.config.resolve import resolve
from waypost.config.routes import named_providers
from waypost.config.schema import Config
from waypost.config.snapshot import Snapshot
from waypost.errors import ConfigInvalid

LAB = "providers: [{name: lab, dialect: openai_chat, base_url: http://lab/v1}]\n"


def snap(text: str) -> Snapshot:
    return resolve(load_bytes((LAB + text).encode()), surroundings(), version=1)


def faults(text: str) -> str:
    with pytest.raises(ConfigInvalid) as caught:
        snap(text)
    return "\n".join(map(str, caught.value.problems))


def test_a_route_is_asked_for_by_two_names() -> None:
    snapshot = snap("routes: [{name: r, target: lab/m}]")
    route = snapshot.find("route/r")
    assert route is snapshot.find("policy/r")
    assert (route.name, route.kind, [target.name for target in route.targets]) == (
        "route/r",
        "route",
        ["lab/m"],
    )
    assert isinstance(route.node, Leaf)


def test_the_same_model_is_the_same_target_in_every_route() -> None:
    snapshot = snap(
        "routes: [{name: a, fallback: [{target: lab/m}, {target: lab/n}]}, {name: b, cheapest: [{target: lab/m}]}]"
    )
    assert snapshot.find("route/a").targets[0] is snapshot.find("route/b").targets[0]
    twice = snap("routes: [{name: a, fallback: [{target: lab/m}, {target: lab/m, timeout: 1s}]}]").find(
        "route/a"
    )
    assert len(twice.targets) == 1


def test_an_included_route_is_the_very_tree_and_a_need_goes_around_it() -> None:
    snapshot = snap(
        "routes: [{name: a, fallback: [{route: b}, {route: route/b, need: {features: [tools]}}]},"
        " {name: b, cheapest: [{target: lab/m}]}]"
    )
    node = snapshot.find("route/a").node
    assert isinstance(node, Fallback)
    first, second = node.children
    assert first is snapshot.find("route/b").node
    assert isinstance(first, Cheapest)
    assert isinstance(second, Fallback)
    assert second.children == (first,)
    assert second.need is not None
    assert second.need.features == {"tools"}


def test_draws_of_different_places_do_not_move_in_step() -> None:
    two = "{weighted: [{target: lab/m}, {target: lab/n}]}"
    node = snap(f"routes: [{{name: a, fallback: [{two}, {two}]}}]").find("route/a").node
    assert isinstance(node, Fallback)
    names = [child.name for child in node.children if isinstance(child, Weighted)]
    assert names == ["a:fallback[0]", "a:fallback[1]"]


def test_a_weight_is_the_targets_only_where_busyness_counts() -> None:
    snapshot = snap(
        "routes: [{name: a, least_busy: [{target: lab/m, weight: 5}]},"
        " {name: b, weighted: [{target: lab/m, weight: 5}]}]"
    )
    assert snapshot.find("route/a").targets[0].weight == 5
    assert snapshot.find("route/b").targets[0].weight == 1


def test_a_conditional_without_otherwise_refuses_the_rest() -> None:
    node = (
        snap("routes: [{name: a, conditional: [{when: request.stream, then: {target: lab/m}}]}]")
        .find("policy/a")
        .node
    )
    assert isinstance(node, Conditional)
    assert node.otherwise is None
    assert node.branches[0].when.text == "request.stream"


def test_several_keys_are_one_leaf() -> None:
    text = (
        "providers: [{name: lab, dialect: openai_chat, base_url: http://lab/v1, keys: [{name: a, api_key: env:LAB_KEY},"
        " {name: b, api_key: env:LAB_TOKEN, weight: 4}]}]\nroutes: [{name: r, target: lab/m}]"
    )
    node = resolve(load_bytes(text.encode()), surroundings(), version=1).find("route/r").node
    assert isinstance(node, Keys)
    assert [(one.label, one.weight) for one in node.targets] == [("lab#a/m", 1), ("lab#b/m", 4)]


def test_a_route_can_not_grow_without_bound_by_including() -> None:
    routes = [f"{{name: r{n}, fallback: [{{route: r{n + 1}}}, {{route: r{n + 1}}}]}}" for n in range(12)]
    said = faults("routes: [" + ", ".join([*routes, "{name: r12, target: lab/m}"]) + "]")
    assert "'r0' has more than 1000 nodes" in said
    assert "'r5'" not in said


def test_a_route_can_not_be_deeper_than_the_bound() -> None:
    routes = [f"{{name: r{n}, fallback: [{{route: r{n + 1}}}]}}" for n in range(20)]
    said = faults("routes: [" + ", ".join([*routes, "{name: r20, target: lab/m}"]) + "]")
    assert "'r0'" in said
    assert "'r6'" not in said


def test_an_undefined_model_with_faults_is_told_once() -> None:
    said = faults(
        "models: [{name: m, targets: [{provider: nope, model: x}]}]\nroutes: [{name: r, target: m}]"
    )
    assert said.count("there is no provider 'nope'") == 1
    assert "routes" not in said


def test_every_provider_that_a_route_names_is_found() -> None:
    text = (
        "routes: [{name: a, conditional:"
        " [{when: 'true', then: {canary: {target: a/m}, stable: {target: b/m}, percent: 1}}],"
        " otherwise: {shadow: {hedge: {fallback: [{target: c/m}]}}, main: {weighted: [{target: d/m}, {target: bare}]},"
        " percent: 1}}]"
    )
    assert sorted(named_providers(load_bytes(text.encode()).config.routes)) == ["a", "b", "c", "d"]
    assert list(named_providers(Config().routes)) == []
