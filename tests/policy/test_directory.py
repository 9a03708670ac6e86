from __future__ import annotations

import msgspec
import pytest

from waypost.core.budget import Budget
from waypost.core.free_tier import FreeTier
from waypost.core.key import Key
from waypost.core.limit import Limit
from waypost.core.objects import KIND_OF, Change, Object
from waypost.core.org_route import OrgRoute
from waypost.core.people import (
    MachineAccount,
    Member,
    Organization,
    Project,
    Role,
    Team,
    TeamRole,
    Token,
    User,
)
from waypost.core.rules import Named, Rules
from waypost.core.scope import ScopeKind
from waypost.policy import directory as module
from waypost.policy.directory import Directory

ACME = Organization("org_a", "acme")
WEB = Team("team_w", "org_a", "web")
ANN = User("user_ann", "ann@acme.example")
ANN_THERE = Member("mem_1", "org_a", "user_ann", teams=(TeamRole("team_w", "admin"),))
KEY = Key("k1", "app", b"", "", 0.0, organization_id="org_a", team_id="team_w", user_id="user_ann")


def budget(scope: ScopeKind, scope_id: str, name: str = "b", home: str = "org_a") -> Budget:
    return Budget(f"bud_{scope}_{name}", home, name, scope, scope_id, 1_000)


def limit(scope: ScopeKind, scope_id: str, home: str = "org_a") -> Limit:
    return Limit(f"lim_{scope}", home, "l", scope, scope_id, "requests", 5)


def directory(*objects: Object) -> Directory:
    made = Directory()
    put(made, ACME, WEB, ANN, ANN_THERE, *objects)
    return made


def put(made: Directory, *objects: Object) -> None:
    made.apply([Change(KIND_OF[type(each)], each) for each in objects], made.version + 1)


def drop(made: Directory, *objects: Object) -> None:
    made.apply([Change(KIND_OF[type(each)], each, deleted=True) for each in objects], made.version + 1)


def places(rules: Rules) -> list[tuple[str, str]]:
    return [(bound.scope, bound.scope_id) for bound in rules.bounds]


def test_a_key_stands_under_everything_it_belongs_to() -> None:
    made = directory(
        budget("gateway", "*", home=""),
        budget("organization", "org_a"),
        budget("team", "team_w"),
        budget("user", "user_ann"),
        budget("team", "team_other", "other"),
        limit("team", "team_w"),
    )
    standing = made.standing(KEY)
    assert places(standing.rules) == [
        ("user", "org_a/user_ann"),
        ("team", "team_w"),
        ("organization", "org_a"),
        ("gateway", "*"),
    ]
    assert [(pace.counter, pace.label) for pace in standing.rules.paces] == [("lim_team:team_w", "web")]
    assert made.standing(KEY) is standing


def test_what_is_written_on_a_key_counts_with_what_stands_on_it() -> None:
    made = directory(budget("key", "k1"))
    key = Key("k1", "app", b"", "", 0.0, organization_id="org_a", budget_nusd=5, budget_per="day", rpm=7)
    (bound,) = made.standing(key).rules.bounds
    assert [(each.limit_nusd, each.period) for each in bound.budgets] == [(5, "day"), (1_000, "month")]
    (pace,) = made.standing(key).rules.paces
    assert (pace.limit.amount, pace.limit.per, pace.limit.unit) == (7, "minute", "requests")


def test_rules_for_each_one_count_each_one_by_itself() -> None:
    made = directory(budget("user", "*"), limit("user", "*", home=""))
    rules = made.standing(KEY).rules
    assert places(rules) == [("user", "org_a/user_ann")]
    assert [pace.counter for pace in rules.paces] == ["lim_user:/user_ann"]
    assert places(made.standing(Key("k2", "x", b"", "", 0.0, organization_id="org_b")).rules) == []


def test_scopes_that_a_request_names() -> None:
    made = directory(
        budget("end_user", "*"),
        budget("tag", "beta"),
        budget("provider", "openai", home=""),
        budget("model", "gpt-5"),
        budget("route", "route/prod"),
        limit("end_user", "bob"),
    )
    standing = made.standing(KEY)
    assert made.rules(standing, Named(end_user="bob")) != standing.rules
    named = Named("bob", ("beta", "other"), "route/prod", ("gpt-5", "gpt-4"), ("openai", "azure"))
    rules = made.rules(standing, named)
    assert places(rules) == [
        ("end_user", "org_a/bob"),
        ("tag", "org_a/beta"),
        ("route", "org_a/route/prod"),
        ("model", "org_a/gpt-5"),
        ("provider", "/openai"),
    ]
    assert [pace.counter for pace in rules.paces] == ["lim_end_user:org_a/bob"]
    assert made.rules(standing, Named("bob;drop", ("x",))).bounds[0].scope_id.startswith("org_a/~")


def test_another_organizations_rules_are_nothing_to_a_request() -> None:
    made = directory(budget("tag", "beta"), budget("end_user", "*"))
    other = made.standing(Key("k2", "x", b"", "", 0.0, organization_id="org_b"))
    assert made.rules(other, Named("bob", ("beta",))) is other.rules


def test_rules_that_nobody_asks_for_cost_nothing() -> None:
    standing = directory(budget("team", "team_w")).standing(KEY)
    assert directory(budget("team", "team_w")).rules(standing, Named("bob", ("beta",))) is standing.rules


def test_changes_and_deletions_hold_at_once() -> None:
    one, made = budget("team", "team_w", "one"), directory()
    assert made.standing(KEY).rules.bounds == ()
    put(made, one, budget("team", "team_w", "two"))
    assert [each.name for each in made.standing(KEY).rules.bounds[0].budgets] == ["one", "two"]
    drop(made, one)
    assert [each.name for each in made.standing(KEY).rules.bounds[0].budgets] == ["two"]
    put(made, Budget("bud_team_two", "org_a", "two", "tag", "beta", 1_000))
    assert made.standing(KEY).rules.bounds == ()
    assert places(made.rules(made.standing(KEY), Named(tags=("beta",)))) == [("tag", "org_a/beta")]
    drop(made, budget("team", "team_w", "two"))
    assert made.standing(KEY).asks == frozenset()
    assert made.version == 5


@pytest.mark.parametrize(
    ("changed", "gone", "words"),
    [
        ((Organization("org_a", "acme", suspended=True),), (), "suspended"),
        ((User("user_ann", "ann@acme.example", disabled=True),), (), "may not use"),
        ((), (ANN,), "may not use"),
        ((), (ANN_THERE,), "no member of 'acme'"),
        ((), (WEB,), "team"),
        ((), (ACME,), "does not exist"),
    ],
)
def test_a_key_works_while_those_it_belongs_to_may(
    changed: tuple[Object, ...], gone: tuple[Object, ...], words: str
) -> None:
    made = directory()
    assert made.standing(KEY).refusal is None
    put(made, *changed)
    drop(made, *gone)
    assert words in (made.standing(KEY).refusal or "")


def test_keys_of_a_service_account() -> None:
    machine = MachineAccount("svc_1", "org_a", "ci")
    key = Key("k3", "ci", b"", "", 0.0, organization_id="org_a", service_id="svc_1")
    made = directory()
    assert "service account" in (made.standing(key).refusal or "")
    put(made, machine)
    assert made.standing(key).refusal is None
    put(made, MachineAccount("svc_1", "org_a", "ci", disabled=True))
    assert "service account" in (made.standing(key).refusal or "")


def test_lists_of_models_add_up() -> None:
    made = directory(
        Organization("org_a", "acme", models=("a/*", "b/*")),
        Project("proj_1", "org_a", "p", models=("a/1",)),
    )
    key = Key("k1", "x", b"", "", 0.0, organization_id="org_a", project_id="proj_1", models=("c",))
    assert made.standing(key).models == (("a/*", "b/*"), ("a/1",))


def test_an_operators_key_needs_no_membership() -> None:
    made = directory(User("user_root", "root@acme.example", operator=True))
    key = Key("k9", "x", b"", "", 0.0, organization_id="org_a", user_id="user_root")
    assert made.standing(key).refusal is None


def test_keys_without_an_organization_belong_to_the_default_one() -> None:
    assert Directory().standing(Key("k0", "x", b"", "", 0.0)).refusal is None


def test_permissions_of_roles_teams_and_own_roles() -> None:
    made = directory(Role("role_1", "org_a", "keeper", ("keys:read",)))
    assert "keys:write" not in made.permissions(ANN_THERE)
    assert "keys:write" in made.permissions(ANN_THERE, "team_w")
    assert made.permissions(Member("m", "org_a", "u", role="keeper")) == {"keys:read"}
    assert made.permissions(Member("m", "org_b", "u", role="keeper")) == frozenset()


def test_tokens_and_objects_are_found_until_they_are_deleted() -> None:
    token = Token("tok_1", "org_a", "ci", b"d" * 32, "wp-t…", "operator")
    made = directory(token)
    assert made.token(b"d" * 32) is token
    assert made.find(Team, "team_w") is WEB
    assert list(made.all(Token)) == [token]
    drop(made, token, WEB)
    assert made.token(b"d" * 32) is None
    assert made.find(Team, "team_w") is None


def test_what_one_organization_sets_for_a_person_is_nothing_to_another() -> None:
    there = Member("mem_2", "org_b", "user_ann")
    made = directory(
        Organization("org_b", "other"),
        there,
        budget("user", "user_ann"),
        budget("user", "user_ann", "all", home=""),
        limit("user", "*"),
    )
    key = Key("k7", "x", b"", "", 0.0, organization_id="org_b", user_id="user_ann")
    assert places(made.standing(KEY).rules) == [("user", "org_a/user_ann"), ("user", "/user_ann")]
    assert places(made.standing(key).rules) == [("user", "/user_ann")]
    assert [pace.counter for pace in made.standing(KEY).rules.paces] == ["lim_user:org_a/user_ann"]
    assert made.standing(key).rules.paces == ()


def test_lists_of_models_say_whose_they_are() -> None:
    made = directory()
    put(
        made,
        Organization("org_a", "acme", models=("a",)),
        Team("team_w", "org_a", "web", models=("b",)),
        Member("mem_1", "org_a", "user_ann", models=("c",)),
    )
    standing = made.standing(KEY)
    assert standing.models == (("a",), ("b",), ("c",))
    assert standing.whose == ("the organization 'acme'", "the team 'web'", "the member 'ann@acme.example'")


def test_requests_that_name_the_same_scopes_have_the_same_rules() -> None:
    made = directory(budget("team", "team_w"), budget("end_user", "*"), budget("tag", "beta"))
    standing = made.standing(KEY)
    one = made.rules(standing, Named("bob", ("beta",)))
    assert made.rules(standing, Named("bob", ("beta",), "ignored")) is one
    assert made.rules(standing, Named("eve")) is not one
    assert made.rules(standing, Named(tags=("other",))) is standing.rules
    again = made.rules(made.standing(Key("k2", "x", b"", "", 0.0, organization_id="org_a")), Named("bob"))
    assert again.bounds[0] is one.bounds[1], "one for everybody who shares it"
    put(made, budget("end_user", "bob", "more"))
    assert len(made.rules(made.standing(KEY), Named("bob")).bounds[1].budgets) == 2


@pytest.mark.parametrize("change", [{"priority": "low"}, {"digest": b"another secret"}])
def test_lines_of_batches_and_older_secrets_do_not_drive_out_the_keys_other_requests(
    change: dict[str, object],
) -> None:
    made = directory(budget("team", "team_w"))
    low = msgspec.structs.replace(KEY, **change)
    one, other = made.standing(KEY), made.standing(low)
    assert made.standing(KEY) is one
    assert made.standing(low) is other
    assert one.rules.bounds == other.rules.bounds


def test_what_is_kept_of_requests_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_NAMED_MOST", 10)
    made = directory(budget("end_user", "*"))
    for number in range(100):
        assert len(made.rules(made.standing(KEY), Named(f"u{number}")).bounds) == 1
    assert len(made._named) <= 10
    assert len(made._places) <= 10


def test_the_gateways_own_questions_are_under_the_operators_rules_for_everything() -> None:
    made = directory(
        budget("gateway", "*", home=""),
        budget("key", "*", home=""),
        budget("organization", "*", home=""),
        budget("provider", "openai", home=""),
        budget("provider", "azure", "another"),
    )
    own = made.own()
    assert own.refusal is None
    assert places(own.rules) == [("gateway", "*")]
    named = made.rules(own, Named(providers=("openai", "azure")))
    assert places(named) == [("gateway", "*"), ("provider", "/openai")]


def test_prepaid_credit_is_a_bound_of_everybody_in_the_organization() -> None:
    made = directory(budget("organization", "org_a"))
    plain = made.standing(KEY)
    assert [bound.prepaid_nusd for bound in plain.rules.bounds] == [None]
    made.give({"org_a": 500, "org_b": 7})
    standing = made.standing(KEY)
    assert standing is not plain
    (bound,) = standing.rules.bounds
    assert (bound.scope_id, bound.label, bound.prepaid_nusd) == ("org_a", "acme", 500)
    assert [each.name for each in bound.budgets] == ["b"]
    assert standing.rules.hard
    drop(made, budget("organization", "org_a"))
    (bound,) = made.standing(KEY).rules.bounds
    assert (bound.budgets, bound.prepaid_nusd) == ((), 500)
    assert made.standing(KEY).rules.hard
    assert made.own().rules.bounds == ()
    made.give({})
    assert made.standing(KEY).rules.bounds == ()


def test_who_is_where_is_told_from_both_sides() -> None:
    made = directory()
    there = Member("mem_2", "org_b", "user_ann")
    put(made, there)
    assert set(made.memberships("user_ann")) == {ANN_THERE, there}
    assert [*made.members("org_a")] == [ANN_THERE]
    drop(made, ANN_THERE)
    assert made.member("org_a", "user_ann") is None
    assert [*made.memberships("user_ann")] == [there]
    assert [*made.members("org_a")] == [*made.memberships("user_none")] == []


def test_the_free_tier_stands_in_the_place_of_credit() -> None:
    made = directory(budget("organization", "org_a"), budget("end_user", "*"))
    made.give({"org_a": 500})
    tier = FreeTier(7, requests=False)
    made.offer(tier)
    rules = made.standing(KEY).rules
    assert [bound.prepaid_nusd for bound in rules.bounds] == [500]
    share = rules.free
    assert share is not None
    assert (share.tier, share.alone) == (tier, False)
    budgets, free = share.rules.bounds
    assert ([each.name for each in budgets.budgets], budgets.prepaid_nusd) == (["b"], None)
    assert (free.free, free.scope_id, share.only.bounds) == (tier, "organization/org_a", (free,))
    assert share.rules.hard
    named = made.rules(made.standing(KEY), Named(end_user="eve"))
    assert named.free is not None
    assert places(named)[-1] == places(named.free.rules)[-2] == ("end_user", "org_a/eve")
    assert named.free.rules.bounds[-1] == free


def test_without_credit_the_free_tier_is_all_there_is() -> None:
    made = directory()
    made.offer(FreeTier(7, requests=False))
    share = made.standing(KEY).rules.free
    assert share is not None
    assert (share.alone, made.standing(KEY).rules.bounds, share.rules) == (True, (), share.only)
    assert made.own().rules.free is None
    made.offer(FreeTier(7, requests=False, without=("acme",)))
    assert made.standing(KEY).rules.free is None
    made.offer(None)
    assert made.standing(KEY).rules.free is None


def test_routes_of_organizations_are_kept_by_their_homes() -> None:
    smart = OrgRoute("rte_1", "org_a", "smart", "{}")
    made = directory(OrgRoute("rte_2", "org_a", "quick", "{}"), smart)
    assert [each.name for each in made.org_routes("org_a")] == ["quick", "smart"]
    assert (list(made.route_homes()), made.org_routes("org_b")) == (["org_a"], ())
    changes = made.route_changes
    put(made, ANN, budget("team", "team_w"))
    assert made.route_changes == changes, "people and rules build no routes"
    drop(made, smart, OrgRoute("rte_2", "org_a", "quick", "{}"))
    assert (list(made.route_homes()), made.org_routes("org_a")) == ([], ())
    assert made.route_changes == changes + 2


def test_what_an_organization_has_copied_stands_under_its_rules_and_the_gateways() -> None:
    made = directory(
        budget("organization", "org_a"), limit("gateway", "*", home=""), budget("team", "team_w")
    )
    told = made.own("org_a")
    assert places(told.rules) == [("organization", "org_a")]
    assert [pace.scope for pace in told.rules.paces] == ["gateway"]
    assert made.own("org_a") is told
    assert places(made.own().rules) == []


@pytest.mark.parametrize(
    ("key", "team", "home", "told"),
    [
        (None, None, None, (None, ("organization", ""))),
        (None, None, "c", ("c", ("organization", "acme"))),
        (None, "b", "c", ("b", ("team", "web"))),
        ("a", "b", "c", (None, ("organization", ""))),
    ],
)
def test_the_default_route_is_the_nearest(
    key: str | None, team: str | None, home: str | None, told: tuple[str | None, tuple[str, str]]
) -> None:
    made = directory()
    put(made, msgspec.structs.replace(ACME, route=home), msgspec.structs.replace(WEB, route=team))
    standing = made.standing(msgspec.structs.replace(KEY, route=key))
    assert (standing.route, standing.route_of) == told


def test_what_is_approved_is_the_first_list_and_does_not_hold_for_routes_of_ones_own() -> None:
    made = directory()
    assert not made.standing(KEY).approved
    put(made, msgspec.structs.replace(WEB, models=("route/*",)))
    put(made, msgspec.structs.replace(ACME, models=("openai/*",)))
    standing = made.standing(KEY)
    assert (standing.approved, standing.models[0]) == (True, ("openai/*",))
    assert not standing.may_use("route/own")
    assert standing.may_use_own("route/own")
    assert not made.standing(msgspec.structs.replace(KEY, key_id="k2", models=("x",))).may_use_own(
        "route/own"
    )
