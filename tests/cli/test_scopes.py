from __future__ import annotations

from pathlib import Path

import pytest
import typer

from waypost.cli.directory import Book, open_book
from waypost.cli.scopes import home_of_rule, shown_subject, subject_id
from waypost.core.budget import Budget
from waypost.core.people import MachineAccount, Member, Organization, Project, Team, User
from waypost.core.scope import ScopeKind
from waypost.stores.sql.keys import NewKey


@pytest.fixture
def book(tmp_path: Path) -> Book:
    made = open_book(tmp_path, create=True)
    for each in (
        Organization("org_a", "acme"),
        Team("team_a", "org_a", "web"),
        Project("proj_a", "org_a", "shop"),
        MachineAccount("svc_a", "org_a", "ci"),
        User("user_a", "ann@acme.example"),
        Member("mem_a", "org_a", "user_a"),
    ):
        made.put(each)
    made.keys.create(NewKey("app"), 1.0, lambda n: b"\x01" * n)
    return open_book(tmp_path)


def test_whose_rule_it_is(book: Book) -> None:
    assert home_of_rule(book, "acme", False) == "org_a"
    assert home_of_rule(book, "default", True) == ""


@pytest.mark.parametrize(
    ("scope", "said", "stands", "shown"),
    [
        ("organization", "*", "org_a", "acme"),
        ("organization", "acme", "org_a", "acme"),
        ("team", "web", "team_a", "web"),
        ("team", "*", "*", "*"),
        ("project", "shop", "proj_a", "shop"),
        ("service", "ci", "svc_a", "ci"),
        ("user", "Ann@acme.example", "user_a", "ann@acme.example"),
        ("key", "app", "11111111", "11111111"),
        ("tag", "beta", "beta", "beta"),
    ],
)
def test_subjects_are_named_and_kept_by_id(
    book: Book, scope: ScopeKind, said: str, stands: str, shown: str
) -> None:
    assert subject_id(book, "org_a", scope, said) == stands
    assert shown_subject(book, Budget("bud_1", "org_a", "b", scope, stands, 1)) == shown


def test_rules_of_the_gateway(book: Book) -> None:
    assert subject_id(book, "", "gateway", "*") == "*"
    assert subject_id(book, "", "organization", "*") == "*"
    assert subject_id(book, "", "organization", "acme") == "org_a"
    assert subject_id(book, "", "team", "team_a") == "team_a"


@pytest.mark.parametrize(
    ("home", "scope", "said"),
    [
        ("org_a", "organization", "default"),
        ("org_a", "team", "ops"),
        ("", "team", "web"),
        ("org_a", "key", "nobody"),
        ("org_a", "user", "bob@acme.example"),
    ],
)
def test_what_is_not_there_is_said(book: Book, home: str, scope: ScopeKind, said: str) -> None:
    with pytest.raises(typer.Exit):
        subject_id(book, home, scope, said)
