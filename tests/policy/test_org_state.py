from __future__ import annotations

from decimal import Decimal

import msgspec

from policy.orgs import KEY, NOW, nothing, state
from waypost.config.org_schema import BudgetConfig, KeyConfig, MemberConfig, PlaceConfig
from waypost.core.budget import Budget
from waypost.core.limit import Limit
from waypost.core.scope import ScopeKind
from waypost.policy.directory import Directory
from waypost.policy.org_state import PersonConfig, exported, exported_file, read_state


def budget(scope: ScopeKind, scope_id: str, home: str = "org_a") -> Budget:
    return Budget("bud_1", home, "b", scope, scope_id, 2_500_000_000, raise_nusd=5, raise_until=NOW)


def test_everything_is_said_by_name() -> None:
    there = state(budget("team", "team_w")).entries
    assert there["member", "acme", "ann@acme.example"].value == MemberConfig(
        email="ann@acme.example", title="Ann", teams=[PlaceConfig("web", "admin")]
    )
    assert there["user", "", "ann@acme.example"].value == PersonConfig("Ann")
    assert there["key", "acme", "app"].value == KeyConfig(name="app", team="web", user="ann@acme.example")
    assert there["budget", "acme", "b"].value == BudgetConfig(
        name="b",
        limit=Decimal("2.5"),
        scope="team",
        subject="web",
        raised_by=Decimal("0.000000005"),
        raised_until="2027-01-15T08:00:00Z",
    )


def test_subjects_are_what_people_call_them() -> None:
    said = {
        scope: state(budget(scope, scope_id)).entries["budget", "acme", "b"].value.subject  # type: ignore[attr-defined]
        for scope, scope_id in (
            ("organization", "org_a"),
            ("user", "user_ann"),
            ("service", "svc_s"),
            ("key", "k1"),
            ("project", "proj_gone"),
            ("tag", "t"),
            ("team", "*"),
        )
    }
    assert list(said.values()) == ["*", "ann@acme.example", "shop", "app", "proj_gone", "t", "*"]


def test_of_keys_with_one_name_the_one_that_works_is_meant() -> None:
    ended = msgspec.structs.replace(KEY, key_id="k0", expires_at=NOW)
    revoked = msgspec.structs.replace(KEY, key_id="k2", revoked_at=1.0)
    there = state(keys=(ended, KEY, revoked))
    assert there.entries["key", "acme", "app"].found == KEY
    assert there.ambiguous == {}
    two = state(keys=(KEY, msgspec.structs.replace(KEY, key_id="k3")))
    assert ("key", "acme", "app") not in two.entries
    assert two.ambiguous == {("acme", "app"): ("k1", "k3")}
    only = state(keys=(ended,))
    assert only.entries["key", "acme", "app"].found == ended


def test_a_rule_on_a_key_that_has_no_name_is_not_exported() -> None:
    there = state(budget("key", "k9"))
    assert there.unsayable == {("budget", "acme", "b"): "k9"}
    assert exported(there, "acme").budgets == []


def test_an_export_has_every_list_and_nothing_of_others() -> None:
    (acme,) = exported_file(
        state(Limit("l", "", "all", "gateway", "*", "requests", 5)), ["acme"]
    ).organizations
    assert (acme.limits, acme.projects) == ([], [])
    assert [each.name for each in acme.teams or ()] == ["web"]
    assert [each.name for each in acme.service_accounts or ()] == ["shop"]


def test_the_built_in_organization_is_there() -> None:
    assert nothing() == read_state(Directory(), (), NOW)
    assert list(nothing().entries) == [("organization", "default", "")]
