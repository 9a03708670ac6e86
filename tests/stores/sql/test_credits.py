from __future__ import annotations

import itertools
import threading

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from effort import examples
from ledger.books import exchange
from waypost.core.credit import Credit, Given, Rest, ending, entry, used_of
from waypost.core.people import Organization
from waypost.errors import Conflict, NotFound
from waypost.stores.sql.credits import CreditRows
from waypost.stores.sql.engine import Database
from waypost.stores.sql.journals import AnyJournal
from waypost.stores.sql.objects import ObjectRows

NUMBERS = itertools.count()
USD = 1_000_000_000
GRANT = entry("e1", "org_a", 5.0, "grant", 10 * USD, expires_at=100.0, reason="welcome")


@pytest.fixture
def credits(database: Database) -> CreditRows:
    objects = ObjectRows(database, lambda: 1.0)
    objects.put(Organization("org_a", "acme"))
    objects.put(Organization("org_b", "other"))
    return CreditRows(database)


def ids(entries: list[Credit]) -> list[str]:
    return [each.entry_id for each in entries]


def test_the_same_entry_again_changes_nothing_and_another_content_is_refused(credits: CreditRows) -> None:
    assert credits.add(GRANT) == GRANT
    assert credits.add(msgspec.structs.replace(GRANT, at=77.0)) == GRANT
    assert credits.get("e1") == GRANT
    for change in ({"amount_nusd": 1}, {"reason": "x"}, {"organization_id": "org_b"}, {"expires_at": None}):
        with pytest.raises(Conflict):
            credits.add(msgspec.structs.replace(GRANT, **change))
    assert credits.balance("org_a") == 10 * USD


def test_the_balance_is_the_sum_of_all_entries(credits: CreditRows) -> None:
    assert (credits.balance("org_a"), credits.balances()) == (0, {})
    credits.add(GRANT)
    credits.add(entry("e2", "org_a", 6.0, "topup", 5 * USD))
    credits.add(entry("e3", "org_a", 7.0, "adjust", -2 * USD, reason="twice"))
    credits.add(entry("e4", "org_a", 8.0, "expire", -4 * USD, of_entry="e1"))
    credits.add(entry("e5", "org_b", 8.0, "topup", 1))
    assert credits.balance("org_a") == 9 * USD
    assert credits.balances() == {"org_a": 9 * USD, "org_b": 1}


def test_of_an_entry_no_more_is_taken_back_than_it_is_of(credits: CreditRows) -> None:
    credits.add(GRANT)
    credits.add(entry("e2", "org_a", 6.0, "expire", -7 * USD, of_entry="e1"))
    with pytest.raises(Conflict, match="only 3000000000 nano-dollars"):
        credits.add(entry("e3", "org_a", 6.0, "adjust", -4 * USD, of_entry="e1", reason="x"))
    credits.add(entry("e3", "org_a", 6.0, "adjust", -3 * USD, of_entry="e1", reason="x"))
    for home, of in (("org_a", "nothing"), ("org_b", "e1")):
        with pytest.raises(NotFound):
            credits.add(entry("e9", home, 6.0, "expire", -1, of_entry=of))


def test_an_organization_that_is_not_there_has_no_statement(credits: CreditRows) -> None:
    with pytest.raises(Conflict, match="no organization 'org_z'"):
        credits.add(entry("e1", "org_z", 5.0, "grant", 1))
    with pytest.raises(NotFound):
        credits.get("e1")
    credits.add(entry("e1", "default", 5.0, "grant", 1))


def test_statements_come_in_pages_newest_first(credits: CreditRows) -> None:
    for number in range(5):
        credits.add(entry(f"e{number}", "org_a", 5.0 + number // 2, "topup", 1 + number))
    credits.add(entry("other", "org_b", 5.0, "topup", 1))
    assert ids(credits.page("org_a", "", 2)) == ["e4", "e3"]
    assert ids(credits.page("org_a", "e3", 2)) == ["e2", "e1"]
    assert ids(credits.page("org_a", "e1", 2)) == ["e0"]
    assert credits.page("org_a", "e0", 2) == []
    assert credits.page("org_a", "nothing", 2) == []


def test_what_lasts_and_what_is_due(credits: CreditRows) -> None:
    credits.add(GRANT)
    credits.add(entry("e2", "org_a", 6.0, "topup", 5))
    credits.add(entry("e3", "org_a", 7.0, "grant", 5, expires_at=50.0))
    credits.add(entry("e4", "org_a", 8.0, "adjust", -1, reason="x"))
    assert ids(credits.living("org_a", 10.0)) == ["e3", "e1", "e2"]
    assert ids(credits.living("org_a", 50.0)) == ["e1", "e2"]
    assert credits.living("org_b", 10.0) == []
    assert credits.due(49.0, 10) == []
    assert ids(credits.due(100.0, 10)) == ["e3", "e1"]
    assert ids(credits.due(100.0, 1)) == ["e3"]
    credits.add(entry("e5", "org_a", 51.0, "expire", -2, of_entry="e3"))
    assert ids(credits.due(100.0, 10)) == ["e1"]


def test_of_many_who_add_the_same_at_once_one_does(credits: CreditRows) -> None:
    added: list[Credit] = []
    threads = [threading.Thread(target=lambda: added.append(credits.add(GRANT))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert added == [GRANT] * 6
    assert credits.balance("org_a") == 10 * USD


@settings(
    max_examples=examples(15),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(amounts=st.lists(st.integers(-(10**15), 10**15).filter(bool), max_size=8))
def test_every_entry_takes_from_one_side_what_it_gives_to_the_other(
    credits: CreditRows, amounts: list[int]
) -> None:
    before = credits.balance("org_b")
    for amount in amounts:
        credits.add(entry(f"e{next(NUMBERS)}", "org_b", 5.0, "adjust", amount, reason="x"))
    assert credits.balance("org_b") == before + sum(amounts)


def test_every_entry_raises_the_version_and_the_same_again_does_not(credits: CreditRows) -> None:
    assert credits.given(-1) == Given(0, {}, None)
    assert credits.given(0) is None
    credits.add(GRANT)
    credits.add(GRANT)
    assert credits.given(0) == Given(1, {"org_a": 10 * USD}, 100.0)
    credits.add(entry("e2", "org_b", 6.0, "topup", 3))
    credits.add(ending(Rest(GRANT, 0), 101.0))
    assert credits.given(1) == Given(3, {"org_a": 10 * USD, "org_b": 3}, None)
    assert credits.given(3) is None
    assert [each.entry_id for each in credits.all("org_a")] == ["e1", "end:e1"]
    assert credits.under("end:") == {"end:e1"}


def test_since_when_new_organizations_are_given_credit(credits: CreditRows) -> None:
    assert credits.starting(None) is None
    assert credits.starting(12.5) == 12.5
    assert credits.starting(99.0) == 12.5
    assert credits.starting(None) is None
    assert credits.starting(99.0) == 99.0
    assert credits.given(-1) == Given(0, {}, None)


def test_what_is_used_is_that_of_the_credit_alone(credits: CreditRows, journal: AnyJournal) -> None:
    account, day = used_of("org_a"), 86_400_000_000
    mine, other = (account, "key:k1:total"), ("organization:orgXa:credit",)
    spent = [(0, 5, mine), (day - 1, 6, mine), (3 * day, 7, mine), (0, 100, other), (5 * day, 9, mine)]
    for place, (at_us, cost, accounts) in enumerate(spent):
        made = exchange(place, cost=cost, accounts=accounts)
        attempts = tuple(msgspec.structs.replace(each, started_us=at_us) for each in made.attempts)
        journal.post("s", place + 1, [msgspec.structs.replace(made, attempts=attempts)])
    assert credits.used("org_a") == 27
    assert credits.used_by_day("org_a", 5) == {0: 11, 3: 7}
    assert credits.used_by_day("org_b", 5) == {}
    assert credits.used("org_b") == 0


def test_shares_of_the_free_tier_are_each_organizations_own(database: Database, journal: AnyJournal) -> None:
    month = "month:2026-09-01"
    names = ("user/org_a/u1", "user/org_a/u2", "organization/org_a", "key/org_ab/k", "organization/org_ab")
    for number, name in enumerate(names, 1):
        accounts = (f"free:{name}:{month}",)
        journal.post("1.intents", number, [exchange(number, number, accounts)])
    journal.post("1.intents", 9, [exchange(9, 50, ("free:user/org_a/u1:month:2026-08-01",))])
    rows = CreditRows(database)
    assert list(rows.used_free("free", "org_a", month).items()) == [
        ("organization/org_a", 3),
        ("user/org_a/u2", 2),
        ("user/org_a/u1", 1),
    ]
    assert rows.used_free("free_requests", "org_a", month) == {}
