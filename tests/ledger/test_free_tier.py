"""Shares of the free tier as bounds of requests: exact however they are interleaved, on one node and on several."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.books import AT, CENT, attempt, exchange
from ledger.test_leasing import Bank, Node
from waypost.core.free_tier import FreeTier
from waypost.core.rules import Bound, Rules
from waypost.core.scope import EXCHANGE
from waypost.errors import BudgetExceeded, FreeTierExhausted
from waypost.ledger.accounts import Accounts, AccountSpec
from waypost.ledger.purse import Purse, PurseHold
from waypost.stores.memory import MemoryJournal

DAY = 86_400.0


def specs(requests: int | None = None, dollars: int = 0, at: float = AT) -> tuple[AccountSpec, ...]:
    amount = dollars if requests is None else requests * EXCHANGE
    tier = FreeTier(amount, requests is not None, "day")
    bound = Bound("organization", "organization/org_a", "app", (), free=tier)
    return Accounts().of(Rules((bound,)), at)


def test_each_window_is_an_account_of_its_own() -> None:
    (today,), (tomorrow,) = specs(2), specs(2, at=AT + DAY)
    assert today.account_id == "free_requests:organization/org_a:day:2026-09-21"
    assert tomorrow.account_id == "free_requests:organization/org_a:day:2026-09-22"
    (money,) = specs(dollars=5)
    assert (money.account_id, money.limit_nusd) == ("free:organization/org_a:day:2026-09-21", 5)
    assert (today.need(123), money.need(123)) == (EXCHANGE, 123)


def test_a_share_without_room_says_when_it_is_renewed() -> None:
    purse, (spec,) = Purse(), specs(1)
    purse.open(spec, 0, AT)
    hold = purse.reserve((spec,), 70 * CENT, AT)
    assert hold is not None
    with pytest.raises(FreeTierExhausted) as told:
        purse.reserve((spec,), 1, AT)
    assert (told.value.code, told.value.status) == ("free_tier_exhausted", 402)
    assert (
        "1 requests per day for each organization, used 0, held by running requests 1" in told.value.message
    )
    assert "renewed at 2026-09-22T00:00:00Z" in told.value.message
    assert told.value.retry_after_s == spec.ends_at - AT if spec.ends_at else False
    purse.close(hold, 0, (attempt(1, 0, "voided"),))
    assert purse.reserve((spec,), 1, AT) is not None, "what nobody answered took nothing"


def test_a_request_is_one_however_often_it_was_tried_and_whatever_it_cost() -> None:
    purse, (spec,) = Purse(), specs(5)
    purse.open(spec, 0, AT)
    hold = purse.reserve((spec,), CENT, AT)
    assert hold is not None
    purse.extend(hold, (spec,), CENT, AT)
    account = purse.account(spec.account_id)
    assert account is not None
    assert account.held_nusd == EXCHANGE
    purse.close(hold, 9 * CENT, (attempt(1, 4 * CENT), attempt(2, 5 * CENT)))
    assert (account.posted_nusd, account.held_nusd) == (EXCHANGE, 0)


@given(st.integers(1, 6), st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40))
def test_never_more_requests_than_there_are(most: int, steps: list[tuple[bool, bool]]) -> None:
    purse, (spec,) = Purse(), specs(most)
    purse.open(spec, 0, AT)
    account = purse.account(spec.account_id)
    assert account is not None
    open_holds: list[PurseHold] = []
    served = 0
    for begins, answered in steps:
        if begins:
            try:
                hold = purse.reserve((spec,), CENT, AT)
                assert hold is not None
                open_holds.append(hold)
            except FreeTierExhausted:
                assert served + len(open_holds) == most, "refused only when there is no room"
        elif open_holds:
            purse.close(open_holds.pop(0), CENT, (attempt(1, CENT),) if answered else ())
            served += answered
        assert served + len(open_holds) <= most
        assert account.posted_nusd == served * EXCHANGE
        assert account.held_nusd == len(open_holds) * EXCHANGE


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 8),
    st.lists(st.tuples(st.integers(0, 1), st.sampled_from(("ask", "answer", "void", "tick"))), max_size=40),
)
def test_nodes_together_serve_no_more_requests_than_there_are(
    most: int, steps: list[tuple[int, str]]
) -> None:
    bank = Bank()
    (spec,) = specs(most)

    async def run() -> None:
        nodes = [Node(bank, "a"), Node(bank, "b")]
        holds: list[list[PurseHold]] = [[], []]
        served = 0
        for place, step in steps:
            node = nodes[place]
            if step == "tick":
                await node.leasing.tick()
            elif step == "ask":
                node.purse.open(spec, bank.posted.get(spec.account_id, 0), AT)
                hold = None
                with suppress(BudgetExceeded):
                    while (hold := node.purse.reserve((spec,), CENT, AT)) is None:
                        await node.leasing.secure((spec,), CENT, AT, wait=False)
                if hold is not None:
                    holds[place].append(hold)
            elif holds[place]:
                answered = step == "answer"
                node.purse.close(holds[place].pop(), CENT, (attempt(1),) if answered else ())
                served += answered
                if answered:
                    bank.post(spec.account_id, node.name, EXCHANGE)
            assert served + sum(map(len, holds)) <= most
            assert bank.posted.get(spec.account_id, 0) == served * EXCHANGE
            assert bank.posted.get(spec.account_id, 0) + bank.of(spec.account_id) <= most * EXCHANGE
        for node in nodes:
            node.leasing.close()

    asyncio.run(run())


@pytest.mark.parametrize("tier", [specs(5), specs(dollars=CENT)])
def test_what_an_organization_pays_itself_uses_nothing_of_it(tier: tuple[AccountSpec, ...]) -> None:
    """Neither in memory, nor in what is posted; another attempt of the same request with the operator's key does."""
    theirs, ours = msgspec.structs.replace(attempt(1, 300), key_name="cred_1:1"), attempt(2, 200)
    (spec,) = tier
    for attempts, used in (((theirs,), 0), ((theirs, ours), spec.need(200))):
        purse = Purse()
        purse.open(spec, 0, AT)
        hold = purse.reserve((spec,), 500, AT)
        assert hold is not None
        purse.close(hold, sum(each.cost_nusd or 0 for each in attempts), attempts)
        journal = MemoryJournal()
        journal.post("s", 1, [exchange(1, 0, hold.accounts, attempts)])
        assert purse.left_of(spec) == (spec.limit_nusd or 0) - used
        assert journal.accounts.get(spec.account_id, 0) == used


def test_requests_are_no_money_that_is_left() -> None:
    purse, (spec,) = Purse(), specs(2)
    assert purse.left_of(spec) is None, "not in memory"
    purse.open(spec, EXCHANGE, AT)
    assert purse.left((spec,)) is None
    assert purse.left_of(spec) == EXCHANGE
    purse.see(spec.account_id, 5 * EXCHANGE)
    assert purse.left_of(spec) == 0
