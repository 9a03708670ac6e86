"""What holds for every plan, whatever the route, the needs, the health of targets and the request."""

from __future__ import annotations

from collections import Counter
from random import Random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from effort import examples
from routing.boards import LANE, NOW, FixedBoard, FixedStanding, Holds, PerToken, named, route_of, view
from waypost.config.nodes import (
    NO_PREFERENCES,
    Balanced,
    Branch,
    Canary,
    Cheapest,
    Conditional,
    Facets,
    Fallback,
    Fastest,
    Hedge,
    Keys,
    Leaf,
    LeastBusy,
    MaxPrice,
    Need,
    Node,
    Preferences,
    Shadow,
    Weighted,
)
from waypost.config.targets import Target
from waypost.core.decision import Decision, Reason
from waypost.core.facts import ModelFacts
from waypost.dialects.lane import Lane
from waypost.routing.plan import Planner
from waypost.routing.planned import Plan
from waypost.routing.view import View

FEATURES = ("tools", "vision")
REGIONS = ("", "eu", "us")


@st.composite
def a_target(draw: st.DrawFn, name: str) -> Target:
    return named(
        name,
        provider_region=draw(st.sampled_from(REGIONS)),
        provider_trains=draw(st.sampled_from((None, True, False))),
        provider_retains=draw(st.sampled_from((None, False))),
        quantization=draw(st.sampled_from(("unknown", "fp8", "mxfp8"))),
        weight=draw(st.integers(0, 4)),
        tariff=draw(st.sampled_from((None, PerToken(0), PerToken(2), PerToken(7)))),
        facts=ModelFacts(
            context=draw(st.sampled_from((None, 500, 5000))),
            max_output=draw(st.sampled_from((None, 50, 500))),
            features=draw(st.sampled_from(((), ("tools",), ("vision",), FEATURES))),
        ),
    )


needs = st.none() | st.builds(
    Need,
    features=st.sets(st.sampled_from(FEATURES), max_size=1).map(frozenset),
    context=st.sampled_from((None, 1000)),
    max_price=st.sampled_from((None, MaxPrice(input=2_000_000), MaxPrice(output=0))),
    regions=st.sampled_from((frozenset[str](), frozenset({"eu"}), frozenset({"eu", "us"}))),
    no_training=st.sampled_from((False, False, True)),
    zero_retention=st.sampled_from((False, False, True)),
    quantizations=st.sampled_from((frozenset[str](), frozenset({"fp8"}))),
    only=st.sampled_from(((), (), ("a*", "b", "*/eu"))),
    ignore=st.sampled_from(((), (), ("c",), ("*/us",))),
)

standings = st.builds(
    FixedStanding,
    in_flight=st.integers(0, 3),
    parked=st.sampled_from((0.0, 0.0, 0.0, NOW + 5)),
    ejected=st.sampled_from((0.0, 0.0, 0.0, NOW + 7, NOW + 9)),
    is_busy=st.sampled_from((False, False, False, True)),
    left=st.sampled_from((1.0, 1.0, 0.4, 0.0)),
    well=st.sampled_from((1.0, 0.5, 0.0)),
    measures=st.dictionaries(
        st.sampled_from((("first_token", 50), ("first_token", 95), ("throughput", 50))),
        st.sampled_from((0.5, 1.0, 1.05, 3.0)),
    ),
)


KINDS = (Fallback, Weighted, Conditional, Canary, Shadow, Hedge, Fastest, Cheapest, LeastBusy, Balanced)


@st.composite
def nodes(draw: st.DrawFn, targets: list[Target], depth: int = 3) -> Node:
    need = draw(needs)
    target = st.sampled_from(targets)
    if depth == 0 or draw(st.booleans()):
        if draw(st.booleans()):
            return Leaf(draw(target), need)
        return Keys(tuple(draw(st.lists(target, min_size=1, max_size=3, unique_by=id))), need)
    below = nodes(targets, depth - 1)
    kind = draw(
        st.sampled_from(
            (Fallback, Weighted, Conditional, Canary, Shadow, Hedge, Fastest, Cheapest, LeastBusy, Balanced)
        )
    )
    if kind is Conditional:
        branches = [
            Branch(Holds("plan", draw(st.sampled_from(("pro", "free")))), child)
            for child in draw(st.lists(below, max_size=2))
        ]
        return Conditional(tuple(branches), draw(st.none() | below), need)
    if kind is Canary:
        return Canary(draw(below), draw(below), draw(st.sampled_from((0, 50, 100))), "c", need=need)
    if kind is Shadow:
        return Shadow(draw(below), draw(below), draw(st.sampled_from((0, 100))), need)
    if kind is Hedge:
        return Hedge(draw(below), draw(st.sampled_from((None, 0.5))), need)
    children = tuple(draw(st.lists(below, min_size=1, max_size=3)))
    if kind is Weighted:
        weights = tuple(draw(st.integers(0, 4)) for _ in children)
        return Weighted(children, weights, draw(st.sampled_from(((), ("user",)))), "w", need)
    return kind(children, need=need)


preferences = st.just(NO_PREFERENCES) | st.builds(
    Preferences,
    need=needs,
    order=st.sampled_from(((), ("b", "a"), ("*/eu",))),
    fallbacks=st.booleans(),
    sort=st.sampled_from((None, "price", "latency", "throughput")),
    require_parameters=st.booleans(),
    max_latency_s=st.sampled_from(({}, {"p50": 0.9})),
    min_throughput=st.sampled_from(({}, {"p50": 2.0})),
)


class Case(msgspec.Struct):
    targets: list[Target]
    node: Node
    standings: dict[str, FixedStanding]
    view: View
    unable: frozenset[str]
    seed: int

    def board(self) -> FixedBoard:
        return FixedBoard(self.standings)

    def plan(self) -> Plan:
        return Planner(Random(self.seed).random).plan(route_of(self.node), self.view, self.board())


@st.composite
def cases(draw: st.DrawFn, *, plain: bool = False) -> Case:
    names = "abcdef"[: draw(st.integers(1, 6))]
    targets = [draw(a_target(name)) for name in names]
    unable = draw(st.sets(st.sampled_from(names), max_size=1).map(frozenset))

    def serve(target: Target) -> Lane | Reason:
        return "operation" if target.provider.name in unable else LANE

    seen = view(
        facets={"plan": draw(st.sampled_from(("pro", "free", "none"))), "user": draw(st.text(max_size=3))},
        serve=serve,
        preferences=NO_PREFERENCES if plain else draw(preferences),
        features=() if plain else tuple(draw(st.sets(st.sampled_from(FEATURES)))),
        max_output=None if plain else draw(st.sampled_from((None, 100))),
    )
    return Case(
        targets,
        draw(nodes(targets)),
        {name: draw(standings) for name in names},
        seen,
        unable,
        draw(st.integers(0, 1000)),
    )


def meets(need: Need, target: Target) -> bool:
    """A second opinion, in other words than the planner's."""
    provider, facts = target.provider, target.facts
    a, b = ("a", "b") if need.only else ("", "")
    tariff = target.tariff
    rate = tariff.rate if isinstance(tariff, PerToken) else None
    price = need.max_price
    return all(
        (
            not need.only or provider.name in (a, b) or provider.region == "eu",
            not ("c" in need.ignore and provider.name == "c"),
            not ("*/us" in need.ignore and provider.region == "us"),
            not need.regions or provider.region in need.regions,
            not need.no_training or provider.trains is False,
            not need.zero_retention or provider.retains is False,
            not need.quantizations or target.quantization in ("fp8", "mxfp8"),
            not facts.features or set(need.features) <= set(facts.features),
            need.context is None or facts.context is None or facts.context >= need.context,
            price is None or rate is not None,
            price is None or price.input is None or (rate or 0) <= 2,
            price is None or price.output is None or rate == 0,
        )
    )


def reachable(node: Node, facets: Facets) -> set[int]:
    """Targets with a way to them on which every need is met; a canary may have been drawn."""
    found: set[int] = set()
    match node:
        case Leaf():
            found = {id(node.target)}
        case Keys():
            found = {id(target) for target in node.targets}
        case Conditional():
            held = [branch.then for branch in node.branches if branch.when.holds(facets)]
            taken = held[0] if held else node.otherwise
            found = reachable(taken, facets) if taken is not None else set()
        case Canary():
            found = reachable(node.stable, facets) | reachable(node.canary, facets)
        case Shadow():
            found = reachable(node.main, facets)
        case Hedge():
            found = reachable(node.child, facets)
        case _:
            for child in node.children:
                found |= reachable(child, facets)
    need = node.need
    return {ident for ident in found if need is None or meets(need, BY_ID[ident])}


BY_ID: dict[int, Target] = {}


def know(case: Case) -> None:
    BY_ID.clear()
    BY_ID.update((id(target), target) for target in case.targets)


def has_canary(node: Node) -> bool:
    return isinstance(node, Canary) or any(has_canary(child) for child in below(node))


def below(node: Node) -> list[Node]:
    match node:
        case Leaf() | Keys():
            return []
        case Conditional():
            rest = [] if node.otherwise is None else [node.otherwise]
            return [*(branch.then for branch in node.branches), *rest]
        case Canary():
            return [node.stable, node.canary]
        case Shadow():
            return [node.main, node.shadow]
        case Hedge():
            return [node.child]
        case _:
            return list(node.children)


def named_in(made: Plan) -> list[str]:
    return [candidate.target.label for candidate in made.candidates]


@settings(max_examples=examples(400))
@given(case=cases())
def test_constraints_are_never_violated(case: Case) -> None:
    know(case)
    allowed = reachable(case.node, case.view.facets)
    own = case.view.preferences.need
    made = case.plan()
    for candidate in made.candidates:
        assert id(candidate.target) in allowed
    for candidate in (*made.candidates, *made.shadows):
        target = candidate.target
        assert own is None or meets(own, target)
        assert target.provider.name not in case.unable
        assert case.standings[target.provider.name].parked == 0.0
        if case.view.preferences.require_parameters and target.facts.features:
            assert case.view.features <= set(target.facts.features)


@settings(max_examples=examples(300))
@given(case=cases(plain=True))
def test_without_wishes_all_that_are_allowed_and_can_be_asked_are_candidates(case: Case) -> None:
    know(case)
    expected = {
        BY_ID[ident].label
        for ident in reachable(case.node, case.view.facets)
        if BY_ID[ident].provider.name not in case.unable
        and case.standings[BY_ID[ident].provider.name].parked == 0.0
    }
    told = set(named_in(case.plan()))
    assert told <= expected if has_canary(case.node) else told == expected


@settings(max_examples=examples(400))
@given(case=cases())
def test_every_target_is_ordered_or_left_out_exactly_once(case: Case) -> None:
    made = case.plan()
    route = route_of(case.node)
    names = named_in(made)
    assert len(set(names)) == len(names)
    if made.decision is None:
        assert len(route.targets) == 1
        assert names == [route.targets[0].label]
        return
    told = [each.target for each in made.decision.order], [each.target for each in made.decision.excluded]
    assert Counter(told[0] + told[1]) == Counter(target.label for target in route.targets)
    last = [
        each.target
        for reason in ("busy", "ejected")
        for each in made.decision.excluded
        if each.reason == reason
    ]
    assert names == told[0] + last
    assert all(each.score is None or each.score >= 0 for each in made.decision.order)


def rank(standing: FixedStanding, target: Target) -> int:
    if standing.ejected > NOW:
        return 4
    if standing.is_busy:
        return 3
    if target.facts.context is not None and target.facts.context < 1000:
        return 2
    return 1 if standing.left <= 0 else 0


@settings(max_examples=examples(300))
@given(case=cases())
def test_those_that_can_be_asked_come_before_those_that_can_not(case: Case) -> None:
    made = case.plan()
    ranks = [rank(case.standings[each.target.provider.name], each.target) for each in made.candidates]
    assert ranks == sorted(ranks)
    if made.soonest_s is not None:
        assert all(each == 4 for each in ranks)
        assert made.soonest_s in (5.0, 7.0, 9.0)


@settings(max_examples=examples(400))
@given(case=cases())
def test_nobody_makes_room_for_those_that_are_ejected_alone(case: Case) -> None:
    made = case.plan()
    ejected = {target.label for target in case.targets if case.standings[target.provider.name].ejected > NOW}
    if made.decision is None or not made.candidates or made.candidates[0].target.label not in ejected:
        return
    asked = msgspec.structs.replace(case.view.asked, max_output=None)
    wishless = msgspec.structs.replace(case.view, asked=asked, features=frozenset())
    needed = msgspec.structs.replace(case, view=wishless).plan()
    told = {each.target for each in needed.decision.excluded} if needed.decision else set()
    for each in made.decision.excluded:
        assert each.target in ejected | told or each.reason not in ("features", "max_output")


@settings(max_examples=examples(200))
@given(case=cases())
def test_the_same_request_random_numbers_and_board_give_the_same_plan(case: Case) -> None:
    first, again = case.plan(), case.plan()
    assert first.candidates == again.candidates
    assert msgspec.to_builtins(first.decision, order="deterministic") == msgspec.to_builtins(
        again.decision, order="deterministic"
    )
    random = Random(case.seed)
    planner = Planner(random.random)
    planner.plan(route_of(case.node), case.view, case.board())
    random.seed(case.seed)  # what was kept of the first plan changes nothing in the second
    warm = planner.plan(route_of(case.node), case.view, case.board())
    assert (warm.candidates, warm.decision) == (first.candidates, first.decision)


@st.composite
def drawn_trees(draw: st.DrawFn, names: str) -> Node:
    leaves: list[Node] = [Leaf(named(name)) for name in names]
    parts: list[Node] = []
    while leaves:
        size = draw(st.integers(1, len(leaves)))
        taken, leaves = tuple(leaves[:size]), leaves[size:]
        weights = tuple(draw(st.integers(0, 3)) for _ in taken)
        parts.append(draw(st.sampled_from((Fallback(taken), Weighted(taken, weights)))))
    weights = tuple(draw(st.integers(0, 3)) for _ in parts)
    return draw(st.sampled_from((Fallback(tuple(parts)), Weighted(tuple(parts), weights))))


def told_by(node: Node, seed: int, board: FixedBoard, **seen: object) -> str:
    made = Planner(Random(seed).random).plan(route_of(node), view(**seen), board)
    return "".join(candidate.target.provider.name for candidate in made.candidates)


@given(node=drawn_trees("abcdef"), seed=st.integers(0, 1000), gone=st.sampled_from("abcdef"))
def test_one_that_is_ejected_moves_nobody_else(node: Node, seed: int, gone: str) -> None:
    before = told_by(node, seed, FixedBoard())
    after = told_by(node, seed, FixedBoard({gone: FixedStanding(ejected=NOW + 5)}))
    assert after == before.replace(gone, "") + gone


@given(node=drawn_trees("abcdef"), seed=st.integers(0, 1000), load=st.integers(0, 9))
def test_what_no_node_asks_for_changes_nothing(node: Node, seed: int, load: int) -> None:
    board = FixedBoard({name: FixedStanding(in_flight=load, well=0.5, left=0.3) for name in "abcdef"})
    seen: dict[str, object] = {"model": "other", "stream": True, "now": NOW + 60, "facets": {"user": "x"}}
    assert told_by(node, seed, board, **seen) == told_by(node, seed, FixedBoard())


@given(
    user=st.text(min_size=1, max_size=8),
    weights=st.tuples(*[st.integers(1, 5)] * 5),
    gone=st.sampled_from("abcde"),
    how=st.sampled_from(("parked", "ejected", "unable", "removed")),
)
def test_when_a_target_goes_from_a_sticky_draw_only_its_share_moves(
    user: str, weights: tuple[int, ...], gone: str, how: str
) -> None:
    leaves = tuple(Leaf(named(name)) for name in "abcde")
    node = Weighted(leaves, weights, ("user",), "r")
    before = told_by(node, 1, FixedBoard(), facets={"user": user})
    board, seen = FixedBoard(), {"facets": {"user": user}}
    if how == "removed":
        index = "abcde".index(gone)
        rest = leaves[:index] + leaves[index + 1 :], weights[:index] + weights[index + 1 :]
        node = Weighted(*rest, ("user",), "r")
    elif how == "unable":
        seen["serve"] = lambda target: "operation" if target.provider.name == gone else LANE
    else:
        board = FixedBoard({gone: FixedStanding(**{how: NOW + 5})})
    after = told_by(node, 2, board, **seen)
    assert after.replace(gone, "") == before.replace(gone, "")
    assert told_by(node, 3, board, **seen) == after


def test_a_decision_is_kept_as_it_was_made() -> None:
    node = Fallback((Leaf(named("a")), Leaf(named("b"))))
    board = FixedBoard({"b": FixedStanding(parked=NOW + 1)})
    made = Planner(Random(1).random).plan(route_of(node), view(), board)
    assert msgspec.json.decode(msgspec.json.encode(made.decision), type=Decision) == made.decision
