from datetime import UTC, datetime

from ledger.books import AT, rules
from waypost.core.budget import Budget
from waypost.core.rules import NO_RULES, Bound, Rules
from waypost.ledger import accounts as module
from waypost.ledger.accounts import Accounts, specs_of


def stamp(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def budget(name: str = "b", limit: int = 1_000, **changes: object) -> Budget:
    return Budget(f"bud_{name}", "org", name, "team", "t1", limit, **changes)  # type: ignore[arg-type]


def bound(*budgets: Budget) -> Bound:
    return Bound("team", "t1", "web", budgets)


def test_a_key_without_a_budget_has_no_account():
    assert Accounts().of(rules(None), AT) == ()


def test_a_key_has_one_account_named_after_its_window():
    (spec,) = Accounts().of(rules(500, "day"), AT)

    assert spec.account_id == "key:k1:day:2026-09-21"
    assert (spec.scope, spec.scope_id, spec.label, spec.limit_nusd) == ("key", "k1", "app", 500)
    assert spec.ends_at == stamp("2026-09-22")


def test_specs_are_kept_until_the_window_ends_or_the_key_changes():
    accounts, one, changed = Accounts(), rules(500, "hour"), rules(900, "hour")
    first = accounts.of(one, AT)

    assert accounts.of(one, AT + 60) is first
    assert accounts.of(changed, AT + 60)[0].limit_nusd == 900
    assert accounts.of(one, AT + 3600)[0].account_id == "key:k1:hour:2026-09-21T15:00Z"
    assert accounts.of(one, AT)[0].account_id == "key:k1:hour:2026-09-21T14:00Z"


def test_budgets_of_one_scope_and_window_share_an_account():
    specs = specs_of(
        bound(
            budget("a", 900),
            budget("b", 800),
            budget("soft", 100, mode="soft"),
            budget("day", 50, period="day"),
            budget("own", 70, anchor_at=AT),
        ),
        AT,
    )[1]

    assert [(spec.account_id, spec.limit_nusd) for spec in specs] == [
        ("team:t1:month:2026-09-01", 800),
        ("team:t1:day:2026-09-21", 50),
        ("team:t1:month:2026-09-21T14:13:20Z", 70),
    ]
    assert specs[0].budget.name == "b"
    assert [(mark.at_nusd, mark.per_cent, mark.budget.name) for mark in specs[0].marks] == [
        (80, 80, "soft"),
        (100, 100, "soft"),
        (640, 80, "b"),
        (720, 80, "a"),
        (800, 100, "b"),
        (900, 100, "a"),
    ]


def test_only_soft_budgets_limit_nothing():
    (spec,) = specs_of(bound(budget(mode="soft")), AT)[1]

    assert (spec.limit_nusd, spec.budget) == (None, None)


def test_a_raise_holds_until_it_ends_and_not_a_moment_longer():
    accounts, ends = Accounts(), AT + 600
    held = Rules((bound(budget(limit=100, raise_nusd=50, raise_until=ends)),))

    assert accounts.of(held, AT)[0].limit_nusd == 150
    assert accounts.of(held, ends - 0.001)[0].limit_nusd == 150
    assert accounts.of(held, ends)[0].limit_nusd == 100
    assert accounts.of(held, AT)[0].limit_nusd == 150
    assert accounts.of(held, AT)[0].account_id == accounts.of(held, ends)[0].account_id


def test_a_scope_is_worked_out_once_for_all_who_share_it():
    accounts, shared = Accounts(), bound(budget())
    one, other = Rules((shared,)), Rules((Bound("user", "u1", "ann", (budget("own"),)), shared))

    assert accounts.of(one, AT)[0] is accounts.of(other, AT)[1]
    assert accounts.of(one, AT) is accounts.of(one, AT + 1)


def test_no_rules_are_no_accounts():
    assert Accounts().of(NO_RULES, AT) == ()


def test_what_is_kept_is_bounded(monkeypatch):
    monkeypatch.setattr(module, "_CACHE_MAX", 10)
    accounts = Accounts()
    for number in range(100):
        accounts.of(Rules((bound(budget(limit=number)),)), AT)
    assert len(accounts._rules) <= 10
    assert len(accounts._bounds) <= 10


def test_prepaid_credit_has_an_account_of_its_own_beside_those_of_budgets():
    made = Bound("organization", "org_a", "acme", (budget("all", 900, period="total"),), 500)

    whole, credit = specs_of(made, AT)[1]

    assert (whole.account_id, whole.limit_nusd, whole.prepaid) == ("organization:org_a:total", 900, False)
    assert (credit.account_id, credit.limit_nusd, credit.prepaid) == ("organization:org_a:credit", 500, True)
    assert (credit.label, credit.ends_at, credit.budget, credit.marks) == ("acme", None, None, ())
