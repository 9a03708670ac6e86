from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from waypost.config.org_load import load_org_bytes, load_org_file, name_of
from waypost.config.org_schema import MemberConfig, TeamConfig
from waypost.config.problems import problems_of
from waypost.errors import ConfigInvalid


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigInvalid) as caught:
        load_org_bytes(text.encode())
    return [str(each).replace("\n ", "") for each in problems_of(caught.value)]


def acme(inside: str) -> str:
    return "organizations:\n  - name: acme\n" + "".join(f"    {line}\n" for line in inside.splitlines())


def test_an_unknown_field_is_refused_with_its_place_and_what_was_meant() -> None:
    (told,) = problems(acme("teams:\n  - name: web\n    titel: Web"))
    assert told.startswith("org.yaml:5:9: organizations[0].teams[0].titel: there is no such setting")
    assert "hint: Did you mean 'title'?" in told


def test_a_permission_and_a_scope_are_known_words() -> None:
    (role,) = problems(acme("roles: [{name: r, permissions: [keys:raed]}]"))
    assert "Did you mean 'keys:read'?" in role
    (scope,) = problems(acme("budgets: [{name: b, limit: 1, scope: taem}]"))
    assert "Did you mean 'team'?" in scope


def test_what_is_there_twice_is_told_with_its_first_place() -> None:
    (team,) = problems(acme("teams: [{name: web}, {name: web}]"))
    assert "organizations[0].teams[1].name: organizations[0].teams[0] has this name already" in team
    (person,) = problems(acme("members: [{email: a@b.c}, {email: A@b.c}]"))
    assert "members[1].email" in person
    two = (
        acme("members: [{email: a@b.c, title: A}]")
        + "  - name: acme\n    members: [{email: a@b.c, title: B}]"
    )
    assert any("has another title before" in each for each in problems(two))
    assert any("organizations[1].name" in each for each in problems(two))


def test_a_day_that_no_calendar_has_is_told() -> None:
    (told,) = problems(acme("keys: [{name: k, expires: 2027-13-41}]"))
    assert "keys[0].expires: there is no such date" in told
    (shape,) = problems(acme("keys: [{name: k, expires: soon}]"))
    assert "expected: a date such as 2027-01-31" in shape


def test_money_has_a_bound_of_its_own() -> None:
    (told,) = problems(acme("budgets: [{name: b, limit: 1000000001}]"))
    assert "budgets[0].limit" in told
    most = load_org_bytes(acme("budgets: [{name: b, limit: 1000000000}]").encode())
    assert most.content.organizations[0].budgets is not None


def test_each_value_has_one_spelling() -> None:
    text = acme(
        "keys: [{name: k, user: Ann@B.C, budget: '2.50', expires: 2027-01-31T00:00+00:00}]\n"
        "budgets:\n"
        "  - {name: a, limit: 1.000, subject: acme, windows_from: 2027-01-31 12:00}\n"
        "  - {name: u, limit: 0.0000000001, scope: user, subject: Ann@B.C}"
    )
    (found,) = load_org_bytes(text.encode()).content.organizations
    assert found.keys is not None
    assert found.budgets is not None
    (key,), (whole, user) = found.keys, found.budgets
    assert (key.user, key.budget, key.expires) == ("ann@b.c", Decimal("2.5"), "2027-01-31")
    assert (whole.subject, whole.windows_from) == ("*", "2027-01-31T12:00:00Z")
    assert (user.subject, user.limit) == ("ann@b.c", Decimal("0.000000001"))


def test_a_list_that_is_empty_is_not_one_that_is_left_out() -> None:
    (found,) = load_org_bytes(acme("teams: []").encode()).content.organizations
    assert (found.teams, found.projects) == ([], None)


def test_nothing_and_no_file_are_told(tmp_path: Path) -> None:
    assert "this is nothing" in problems("")[0]
    with pytest.raises(ConfigInvalid) as caught:
        load_org_file(tmp_path / "none.yaml")
    assert "waypost export" in str(problems_of(caught.value)[0])
    assert "not" in problems("a: [")[0]


def test_names() -> None:
    assert name_of(MemberConfig(email="a@b.c")) == "a@b.c"
    assert name_of(TeamConfig(name="web")) == "web"
