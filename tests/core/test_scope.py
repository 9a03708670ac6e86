from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.core.scope import EXCHANGE, asked_id, counted, counts_exchanges, counts_to, posted_to


@given(st.text(max_size=300))
def test_ids_are_short_and_have_no_separator(name: str) -> None:
    made = asked_id("org_1", name)
    assert len(made) <= 64
    assert ":" not in made
    assert made.startswith("org_1/")
    assert made == asked_id("org_1", name)


def test_plain_names_stay_readable_and_others_do_not_collide_with_them() -> None:
    assert asked_id("org_1", "alice@example.org") == "org_1/alice@example.org"
    hashed = asked_id("org_1", "a b")
    assert hashed.startswith("org_1/~")
    assert asked_id("org_1", hashed.partition("/")[2]) != hashed
    assert asked_id("org_2", "a b").partition("/")[2] == hashed.partition("/")[2]


@pytest.mark.parametrize(
    ("account", "counts"),
    [
        ("organization:org_1:total", True),
        ("key:k1:day:2026-11-26", True),
        ("provider:org_1/openai:total", True),
        ("provider:/openai:month:2026-11-01", True),
        ("provider:org_1/azure:total", False),
        ("model:org_1/gpt-5:total", True),
        ("model:org_1/gpt-4:total", False),
        ("route:org_1/route/prod:total", True),
    ],
)
def test_accounts_of_providers_and_models_count_what_went_to_them(account: str, counts: bool) -> None:
    assert counts_to(account, "openai", "gpt-5") is counts


def test_what_counts_exchanges_counts_each_once_whatever_it_cost() -> None:
    free = "free_requests:organization/org_a:day:2026-09-21"
    accounts = (free, "team:t1:total")
    assert counted(accounts, "openai", "m") == accounts
    assert counted(accounts, "openai", "m", again=True) == ("team:t1:total",)
    assert (posted_to(free, 5), posted_to("team:t1:total", 5)) == (EXCHANGE, 5)
    assert (counts_exchanges(free), counts_exchanges("free:organization/org_a:day:x")) == (True, False)


def test_prepaid_credit_does_not_pay_for_what_an_organization_pays_itself() -> None:
    accounts = ("organization:org_1:credit", "organization:org_1:total", "provider:org_1/openai:total")
    assert counted(accounts, "openai", "gpt-5") == accounts
    assert counted(accounts, "openai", "gpt-5", own=True) == accounts[1:]
    assert counts_to("route:org_1/x:credit", "openai", "gpt-5", own=True), "only an organization has credit"


def test_what_an_organization_pays_itself_is_no_use_of_the_free_tier() -> None:
    accounts = ("free:organization/org_a:day:x", "free_requests:key/org_a/k:day:x", "key:k:total")
    assert counted(accounts, "openai", "m", own=True) == ("key:k:total",)
    assert counted(accounts, "openai", "m") == accounts
