"""Prepaid credit as a bound of requests: on the ledger itself, with many of them at once."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import msgspec
import pytest

from ledger.books import AT, CENT, DOLLAR, FakeClock, FlakyJournal, attempt, budget, exchange, in_thread
from waypost.core.credit import used_of
from waypost.core.rules import Bound, Rules
from waypost.errors import CreditsExhausted
from waypost.ledger.accounts import Accounts
from waypost.ledger.ledger import open_ledger
from waypost.ledger.purse import Purse
from waypost.stores.sql.rows import Batch

ACCOUNT = used_of("org_a")


def prepaid(nusd: int, *more: Bound) -> Rules:
    return Rules((Bound("organization", "org_a", "acme", (), nusd), *more))


def test_what_does_not_fit_the_balance_is_refused_in_words_that_say_what_there_is() -> None:
    purse, specs = Purse(), Accounts().of(prepaid(10 * CENT), AT)
    purse.open(specs[0], 3 * CENT, AT)
    assert purse.reserve(specs, 5 * CENT, AT) is not None
    with pytest.raises(CreditsExhausted) as refused:
        purse.reserve(specs, 3 * CENT, AT)
    told = refused.value
    assert (told.status, told.code, told.repeatable, told.retry_after_s) == (
        402,
        "credits_exhausted",
        False,
        None,
    )
    assert "of the organization 'acme' has no room" in told.message
    assert "balance $0.07, held by running requests $0.05, needed at most $0.03" in told.message
    assert told.budget == "organization/credit"


def test_more_credit_counts_for_what_was_used_already() -> None:
    purse, accounts = Purse(), Accounts()
    less, more = accounts.of(prepaid(CENT), AT), accounts.of(prepaid(3 * CENT), AT)
    purse.open(less[0], CENT, AT)
    with pytest.raises(CreditsExhausted):
        purse.reserve(less, 1, AT)
    hold = purse.reserve(more, 2 * CENT, AT)
    assert hold is not None
    purse.close(hold, 2 * CENT)
    assert purse.left(more) == 0


def test_all_have_room_or_nothing_is_held() -> None:
    team = Bound("team", "t", "web", (budget("team", "t", DOLLAR),))
    purse, specs = Purse(), Accounts().of(prepaid(CENT, team), AT)
    for spec in specs:
        purse.open(spec, 0, AT)
    with pytest.raises(CreditsExhausted):
        purse.reserve(specs, 2 * CENT, AT)
    assert [purse.account(spec.account_id).held_nusd for spec in specs] == [0, 0]  # type: ignore[union-attr]


async def test_200_at_once_use_ten_cents_up_and_never_more(tmp_path: Path) -> None:
    journal, chance = FlakyJournal(), random.Random(5)
    ledger, _ = open_ledger(tmp_path, journal, FakeClock(), in_thread(tmp_path / "intents", journal))
    rules, most, least = prepaid(10 * CENT), 200_000, 100_000
    refused = 0

    async def request(number: int) -> None:
        nonlocal refused
        for turn in range(10):
            try:
                hold = ledger.try_reserve(rules, most, AT)
                while hold is None:
                    await ledger.load(rules, AT)
                    hold = ledger.try_reserve(rules, most, AT)
            except CreditsExhausted:
                refused += 1
                return
            account = ledger.purse.account(ACCOUNT)
            assert account is not None
            assert account.posted_nusd + account.held_nusd <= 10 * CENT
            for _ in range(chance.randrange(4)):
                await asyncio.sleep(0)
            cost = chance.randint(least, most)
            ledger.settle(hold, exchange(number * 10 + turn, cost=cost, accounts=hold.accounts))

    await asyncio.gather(*(request(number) for number in range(200)))
    await ledger.stop()
    assert refused
    assert 0.95 * 10 * CENT <= journal.posted((ACCOUNT,))[ACCOUNT] <= 10 * CENT


def test_what_costs_nothing_needs_nothing_of_what_nodes_share() -> None:
    """Nothing would be leased for it, however often it asked."""
    purse, specs = Purse(shared=True), Accounts().of(prepaid(CENT), AT)
    purse.open(specs[0], CENT, AT)
    hold = purse.reserve(specs, 0, AT)
    assert hold is not None
    assert purse.reserve(specs, 1, AT) is None
    purse.close(hold, 0)
    purse.lease(specs[0].account_id, 5)
    purse.see(specs[0].account_id, CENT)
    assert purse.reserve(specs, 5, AT) is not None


def test_what_an_organization_pays_to_its_provider_itself_is_no_use_of_its_credit() -> None:
    team = Bound("team", "t", "web", (budget("team", "t", DOLLAR),))
    purse, specs = Purse(), Accounts().of(prepaid(DOLLAR, team), AT)
    for spec in specs:
        purse.open(spec, 0, AT)
    hold = purse.reserve(specs, 50 * CENT, AT)
    assert hold is not None
    own = msgspec.structs.replace(attempt(1, 7), key_name="cred_1:1")
    purse.close(hold, 12, (own, attempt(2, 5)))
    posted = {spec.scope: purse.account(spec.account_id) for spec in specs}
    assert {scope: (each.posted_nusd, each.held_nusd) for scope, each in posted.items() if each} == {
        "organization": (5, 0),
        "team": (12, 0),
    }


def test_the_journal_says_the_same() -> None:
    batch = Batch()
    own = msgspec.structs.replace(attempt(1, 7), key_name="cred_1:1")
    batch.add(exchange(1, 12, (ACCOUNT, "team:t:total"), (own, attempt(2, 5))))
    assert batch.posted == {ACCOUNT: [5, 1], "team:t:total": [12, 2]}
