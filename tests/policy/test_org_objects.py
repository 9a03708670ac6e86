from __future__ import annotations

import pytest

from policy.orgs import NOW, nothing, plan, state
from waypost.core.budget import Budget
from waypost.core.limit import Limit
from waypost.core.people import Member, Organization, Role, Team, TeamRole, User
from waypost.policy.org_objects import key_changes_of, key_of, object_of
from waypost.policy.org_plan import Plan, Step
from waypost.policy.org_state import Part


def ids(part: Part, organization: str, name: str) -> str:
    return f"{part}:{organization}:{name}"


def step(made: Plan, part: Part) -> Step:
    return next(each for each in made.steps if each.part == part)


def test_what_is_new_has_all_its_fields() -> None:
    made = plan(
        "title: Acme\nmodels: [fast]\n"
        "teams: [{name: web}]\n"
        "roles: [{name: keeper, permissions: [keys:read]}]\n"
        "members: [{email: ann@acme.example, title: Ann, role: keeper, teams: [{team: web, role: admin}]}]\n"
        "budgets: [{name: b, limit: 0.5, scope: user, subject: ann@acme.example, windows_from: 2027-01-15,\n"
        "  raised_by: 1, raised_until: 2027-02-15, thresholds: [50]}]\n"
        "limits: [{name: l, unit: tokens, amount: 7, per: hour}]",
        nothing(),
    )
    home = "organization:acme:"
    assert object_of(step(made, "organization"), ids, "o", NOW) == Organization(
        "o", "acme", "Acme", ("fast",), created_at=NOW
    )
    assert object_of(step(made, "team"), ids, "t", NOW) == Team("t", home, "web", created_at=NOW)
    assert object_of(step(made, "role"), ids, "r", NOW) == Role("r", home, "keeper", ("keys:read",), NOW)
    assert object_of(step(made, "user"), ids, "u", NOW) == User(
        "u", "ann@acme.example", "Ann", created_at=NOW
    )
    assert object_of(step(made, "member"), ids, "m", NOW) == Member(
        "m", home, "user::ann@acme.example", "keeper", (TeamRole("team:acme:web", "admin"),), created_at=NOW
    )
    assert object_of(step(made, "budget"), ids, "b", NOW) == Budget(
        "b", home, "b", "user", "user::ann@acme.example", 500_000_000, anchor_at=1_799_971_200.0,
        thresholds=(50,), raise_nusd=10**9, raise_until=1_802_649_600.0, created_at=NOW,
    )  # fmt: skip
    assert object_of(step(made, "limit"), ids, "l", NOW) == Limit(
        "l", home, "l", "organization", home, "tokens", 7, "hour", NOW
    )


def test_a_key_is_made_for_whom_it_says() -> None:
    made = plan("teams: [{name: web}]\nkeys: [{name: k, team: web, budget: 2, rpm: 5}]", nothing())
    key = key_of(step(made, "key"), ids, NOW)
    assert (key.name, key.organization_id, key.team_id) == ("k", "organization:acme:", "team:acme:web")
    assert (key.budget_nusd, key.rpm, key.made_by, key.created_at) == (2 * 10**9, 5, "operator", NOW)


def test_what_does_not_change_is_not_written_again() -> None:
    made = plan("keys: [{name: app, user: ann@acme.example, expires: 2028-01-01}]", state())
    assert key_changes_of(step(made, "key"), ids).told() == {"team_id": None, "expires_at": 1_830_297_600.0}
    old = Budget("b1", "org_a", "b", "organization", "org_a", 10**9, anchor_at=1.25, revision=3)
    changed = plan(
        "budgets: [{name: b, limit: 2, windows_from: '@1.25', scope: team, subject: web}]", state(old)
    )
    new = object_of(step(changed, "budget"), ids, "", NOW)
    assert new == Budget("b1", "org_a", "b", "team", "team:acme:web", 2 * 10**9, anchor_at=1.25, revision=3)


@pytest.mark.parametrize(("scope", "subject", "found"), [
    ("key", "app", "key:acme:app"), ("service", "shop", "service_account:acme:shop"), ("tag", "t", "t"),
    ("team", "'*'", "*"),
])  # fmt: skip
def test_subjects(scope: str, subject: str, found: str) -> None:
    text = f"limits: [{{name: l, unit: requests, amount: 1, scope: {scope}, subject: {subject}}}]"
    made = object_of(step(plan(text, state()), "limit"), ids, "l", NOW)
    assert isinstance(made, Limit)
    assert made.scope_id == found
