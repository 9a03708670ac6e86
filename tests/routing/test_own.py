from __future__ import annotations

import msgspec
import pytest

from transcript import provider, target
from waypost.config.nodes import (
    Branch,
    Canary,
    Conditional,
    Fallback,
    Hedge,
    Keys,
    Leaf,
    Need,
    Node,
    Overlay,
    Shadow,
    Weighted,
    targets_of,
)
from waypost.config.snapshot import Route
from waypost.config.targets import Keying, Target
from waypost.core.credentials import Credential
from waypost.core.decision import Considered, Decision, Excluded
from waypost.core.key import Key
from waypost.dialects.lane import Lanes
from waypost.dialects.registry import DIALECTS
from waypost.routing.own import Brought, OwnKeys, OwnRoute, brings, brought_alone
from waypost.routing.planned import Chosen, Plan

AT = 500.0
BEARER = Keying("authorization")
OPENAI = provider("openai", keying=BEARER)
GROQ = provider("groq", keying=BEARER)
FIRST, SECOND = target(OPENAI), target(GROQ)
ROUTE = Route("fast", (FIRST, SECOND))
LANE = Lanes(DIALECTS).find(DIALECTS["openai_chat"], FIRST.provider.dialects)


def key(organization: str = "org_a", team: str | None = "team_1", user: str | None = "user_1") -> Key:
    return Key("k", "k", b"", "", 0.0, organization_id=organization, team_id=team, user_id=user)


def brought(number: int, secret: str | None = None, **more: object) -> Brought:
    made = Credential(
        f"cred_{number}", "org_a", f"main{number}", "openai", "https://openai.example",
        owner_id="org_a", sealed=b"x",
    )  # fmt: skip
    return Brought(msgspec.structs.replace(made, **more), f"sk-{number}" if secret is None else secret)


def given(*all_: Brought) -> OwnKeys:
    own = OwnKeys()
    own.give(all_)
    return own


def labels(own: OwnKeys, route: Route = ROUTE, who: Key | None = None, at: float = AT) -> list[str]:
    """What a walk in the order of the tree would ask."""
    seen = own.route(route, who or key(), at, 1)
    return [each.label for each in (route if seen is None else seen.route).targets]


def seen(own: OwnKeys, route: Route = ROUTE) -> OwnRoute:
    told = own.route(route, key(), AT, 1)
    assert told is not None
    return told


def node(own: OwnKeys, of: Node) -> Node:
    made = seen(own, Route("fast", targets_of(of), node=of)).route.node
    assert made is not None
    return made


def test_nobody_brought_any() -> None:
    assert OwnKeys().route(ROUTE, key(), AT, 1) is None
    assert not OwnKeys().homes


def test_before_the_operators_and_after_them() -> None:
    own = given(brought(1), brought(2, use="last"))
    assert labels(own) == ["openai#cred_1:1/m1", "openai/m1", "openai#cred_2:1/m1", "groq/m1"]
    made = seen(own).route.targets[0].provider
    assert made.credential.reveal() == b"authorization: Bearer sk-1\r\n"
    assert (made.name, made.own, OPENAI.own) == ("openai", True, False)


def test_in_place_of_the_operators() -> None:
    own = given(brought(1, use="only"), brought(2, use="last"))
    assert labels(own) == ["openai#cred_1:1/m1", "openai#cred_2:1/m1", "groq/m1"]


def test_the_nearest_owner_comes_first() -> None:
    own = given(
        brought(1),
        brought(2, owner="team", owner_id="team_1"),
        brought(3, owner="user", owner_id="user_1"),
        brought(4, owner="team", owner_id="team_1", use="last"),
        brought(5, use="last"),
    )
    ids = [label.partition("#")[2].partition(":")[0] for label in labels(own)]
    assert ids == ["cred_3", "cred_2", "cred_1", "", "cred_4", "cred_5", ""]


@pytest.mark.parametrize(
    "who",
    [
        key("org_b"),
        key("org_a", team="team_2", user="user_2"),
        key("org_a", team=None, user=None),
        key("org_b", team="team_1", user="user_1"),
    ],
)
def test_whom_it_does_not_belong_to_never_gets_it(who: Key) -> None:
    own = given(
        brought(2, owner="team", owner_id="team_1"),
        brought(3, owner="user", owner_id="user_1"),
    )
    assert labels(own, who=who) == ["openai/m1", "groq/m1"]
    assert own.route(ROUTE, key(), AT, 1) is not None
    assert labels(own, who=who) == ["openai/m1", "groq/m1"], "whoever asked before"


def test_one_of_another_tenant_is_not_used() -> None:
    own = given(brought(1, organization_id="org_b", owner_id="org_b"))
    assert labels(own) == ["openai/m1", "groq/m1"]
    assert labels(own, who=key("org_b"))[0] == "openai#cred_1:1/m1"


@pytest.mark.parametrize(
    "unusable",
    [
        brought(1, disabled=True),
        brought(1, expires_at=AT),
        brought(1, origin="https://elsewhere.example"),
        brought(1, origin="http://openai.example"),
        brought(1, secret=""),
        brought(1, provider="nobody"),
    ],
)
def test_what_can_not_be_used_is_left_out(unusable: Brought) -> None:
    assert labels(given(unusable)) == ["openai/m1", "groq/m1"]


@pytest.mark.parametrize(
    ("unusable", "why"),
    [
        (brought(1, use="only", expires_at=AT), "has expired"),
        (brought(1, use="only", origin="https://elsewhere.example"), "another address"),
        (brought(1, use="only", secret=""), "can not be opened"),
    ],
)
def test_in_place_of_the_operators_means_never_theirs(unusable: Brought, why: str) -> None:
    own = given(unusable)
    assert labels(own) == ["groq/m1"]
    (left,) = seen(own).excluded
    assert (left.target, left.reason) == ("openai/m1", "credential")
    assert "main1" in left.detail
    assert why in left.detail


def test_a_provider_whose_requests_are_signed_gets_none() -> None:
    route = Route("fast", (target(provider("openai", keying=None)),))
    assert labels(given(brought(1)), route) == ["openai/m1"]
    told = seen(given(brought(1, use="only")), route)
    assert told.route.targets == ()
    assert "takes no key" in told.excluded[0].detail


def test_one_that_is_switched_off_is_as_if_it_were_not_there() -> None:
    assert labels(given(brought(1, use="only", disabled=True))) == ["openai/m1", "groq/m1"]


def test_several_of_one_owner_are_keys_of_a_pool() -> None:
    own = given(brought(1, weight=3), brought(2, weight=0))
    made = node(own, Leaf(FIRST, overlay=(asked := Overlay(retries=3))))
    assert isinstance(made, Fallback)
    pool, operators = made.children
    assert isinstance(pool, Keys)
    assert [each.weight for each in pool.targets] == [3, 0]
    assert pool.overlay is asked
    assert operators == Leaf(FIRST, overlay=asked)


def test_what_the_place_needs_is_needed_of_all() -> None:
    need = Need(regions=frozenset(("eu",)))
    made = node(given(brought(1, use="only")), Leaf(FIRST, need))
    assert isinstance(made, Fallback)
    assert made.need is need


def test_a_pool_of_the_operators_stays_together() -> None:
    two = tuple(
        target(msgspec.structs.replace(OPENAI, key_name=name, key_rpm=5, key_concurrency=2))
        for name in ("a", "b")
    )
    made = node(given(brought(1)), Keys(two))
    assert isinstance(made, Fallback)
    own, pool = made.children
    assert isinstance(own, Leaf)
    assert (own.target.provider.key_rpm, own.target.provider.key_concurrency) == (None, None)
    assert pool == Keys(two)


class Always:
    text = "true"

    def holds(self, facets: object) -> bool:
        return True


def test_every_place_of_a_tree_has_it_but_shadows() -> None:
    own, leaf, other = given(brought(1)), Leaf(FIRST), Leaf(SECOND)
    grown = [each.label for each in targets_of(node(own, leaf))]
    assert grown == ["openai#cred_1:1/m1", "openai/m1"]
    for tree in (
        Weighted((leaf, other), (1, 1)),
        Fallback((other, leaf)),
        Conditional((Branch(Always(), leaf),), other),
        Conditional((), leaf),
        Canary(other, leaf, 5.0, "c"),
        Shadow(leaf, other, 5.0),
        Hedge(leaf),
    ):
        assert set(grown) <= {each.label for each in targets_of(node(own, tree))}, tree
    beside = node(own, Shadow(leaf, leaf, 5.0))
    assert isinstance(beside, Shadow)
    assert beside.shadow is leaf


def test_the_same_target_at_two_places_is_one() -> None:
    made = node(given(brought(1)), Fallback((Leaf(FIRST), Leaf(SECOND), Leaf(FIRST))))
    assert len(targets_of(made)) == 3


def test_it_is_worked_out_once() -> None:
    own = given(brought(1, expires_at=AT + 10), brought(2))
    assert seen(own) is seen(own)
    assert labels(own, at=AT + 9.9)[:2] == ["openai#cred_1:1/m1", "openai#cred_2:1/m1"]
    assert labels(own, at=AT + 10)[0] == "openai#cred_2:1/m1"
    assert labels(own, who=key("org_b"), at=AT + 10)[0] == "openai/m1"
    first = seen(own)
    assert own.route(ROUTE, key(), AT, 2) is not first, "another configuration"
    own.give([brought(3)])
    assert labels(own)[0] == "openai#cred_3:1/m1"
    own.give([])
    assert not own.homes


def test_another_route_in_the_same_place_of_memory_is_another_one() -> None:
    own = given(brought(1))
    for number in range(5000):
        route = Route(f"r{number}", (target(OPENAI, f"m{number}"),))
        assert labels(own, route)[0] == f"openai#cred_1:1/m{number}"


def test_a_new_secret_is_another_key() -> None:
    assert labels(given(brought(1, version=2)))[0] == "openai#cred_1:2/m1"


def test_it_goes_where_the_provider_wants_it() -> None:
    keying = Keying("x-api-key", dialects={"openai_chat": "authorization"}, hidden=b"x-team: secret\r\n")
    route = Route("fast", (target(provider("openai", keying=keying)),))
    made = seen(given(brought(1)), route).route.targets[0].provider
    assert made.credential_for("other").reveal() == b"x-api-key: sk-1\r\nx-team: secret\r\n"
    assert made.credential_for("openai_chat").reveal() == b"authorization: Bearer sk-1\r\nx-team: secret\r\n"


def test_it_is_never_printed() -> None:
    own = given(brought(1, secret="sk-never-printed"))
    for thing in (brought(1, secret="sk-never-printed"), own.homes, seen(own).route):
        assert "sk-never-printed" not in repr(thing)


def test_prices_and_facts_are_those_of_the_place() -> None:
    made: Target = seen(given(brought(1))).route.targets[0]
    assert (made.tariff, made.facts, made.priority, made.model) == (
        FIRST.tariff,
        FIRST.facts,
        FIRST.priority,
        FIRST.model,
    )


def test_whether_a_route_leads_to_what_was_brought() -> None:
    own = given(brought(1))
    assert brings(own.route(ROUTE, key(), AT, 1))
    assert not brings(own.route(Route("other", (SECOND,)), key(), AT, 1))
    assert not brings(given(brought(1, use="only", expires_at=1.0)).route(ROUTE, key(), AT, 1))


def test_a_plan_without_the_operators_keys() -> None:
    targets = seen(given(brought(1))).route.targets
    assert LANE is not None
    candidates = tuple(Chosen(each, LANE, "order") for each in targets)
    made = Decision(
        tuple(Considered(each.label, "order") for each in targets), (Excluded("x/y", "region"),), ("a note",)
    )
    plan = brought_alone(Plan(candidates, made, hedge_after_s=1.0))
    mine, *operators = [each.label for each in targets]
    assert [each.target.label for each in plan.candidates] == [mine]
    assert plan.decision == Decision(
        (Considered(mine, "order"),),
        (Excluded("x/y", "region"), *(Excluded(label, "credit") for label in operators)),
        ("a note",),
    )
    assert brought_alone(plan) is plan
    assert brought_alone(Plan(candidates[1:])).candidates == ()
