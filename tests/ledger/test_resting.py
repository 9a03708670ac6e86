"""Hot accounts, and very many that are seldom asked for: what is leased lasts, as long as nobody misses it."""

from __future__ import annotations

import pytest

from ledger.bank import Bank, Node, spec
from waypost.ledger import leasing
from waypost.ledger.accounts import AccountSpec
from waypost.ledger.purse import Account
from waypost.ledger.resting import Resting

PLENTY = 10**9


@pytest.fixture
def bank() -> Bank:
    return Bank()


async def test_an_account_in_use_is_given_more_before_it_runs_out(bank: Bank) -> None:
    """A second of a hot account, whatever number of requests that is, is a few questions."""
    node, hot = Node(bank, "n"), (spec(limit=PLENTY), spec("b", PLENTY))
    for requests in (400, 1_200, 1_200):
        node.leases.calls.clear()
        for _ in range(4):
            for _ in range(requests // 4):
                node.settle(await node.hold(100, *hot), 60)
            await node.leasing.tick()
        asked = len(node.leases.calls)
    assert asked <= 3
    assert node.waited == 0.0
    kept = bank.of("team:a:total")
    assert 0 < kept <= 4 * 300 * 100, "no more than was held in a second"
    for _ in range(leasing._REST_TICKS):
        await node.leasing.tick()
    assert 0 < bank.of("team:a:total") <= kept, "nobody misses it"
    for _ in range(2):
        await node.leasing.tick()
    assert bank.of("team:a:total") == bank.of("team:b:total") == 0, "what is not used goes back"


async def test_many_accounts_that_are_seldom_asked_for_ask_the_database_seldom(bank: Bank) -> None:
    """Their leases last, and nobody has to look at them at each tick."""
    node, names = Node(bank, "n"), [str(number) for number in range(50)]
    for turn in range(100):
        for name in names[turn % 5 :: 5]:
            node.settle(await node.hold(100, spec(name, PLENTY)), 60)
        await node.leasing.tick()
    assert node.leases.calls == ["grant"] * 50, "one for each, and none for 1,000 requests"
    assert len(node.purse.leased) <= 10
    assert node.leasing.free_nusd == sum(bank.leased.values()) == 50 * 6_400 - 1_000 * 60
    await node.leasing.end()
    assert sum(bank.leased.values()) == 0


async def test_what_is_kept_of_a_limit_that_is_not_so_far_away_is_a_small_part(bank: Bank) -> None:
    node = Node(bank, "n")
    node.settle(await node.hold(100, spec(limit=102_500)), 100)
    for _ in range(3):
        await node.leasing.tick()
    assert node.free() == bank.of("team:a:total") == 102_400 // 1024 // 2, "two nodes"


async def test_a_debt_of_an_account_that_rests_is_leased_at_once(bank: Bank) -> None:
    node = Node(bank, "n")
    hold = await node.hold(10, spec(limit=PLENTY))
    for _ in range(3):
        await node.leasing.tick()
    assert not node.purse.leased, "it rests"
    node.settle(hold, 1_000)
    assert (node.free(), bank.of("team:a:total")) == (-360, -360)
    await node.leasing.tick()
    assert (node.free(), bank.of("team:a:total")) == (0, 0)


async def test_what_rests_when_its_window_ends_goes_back(bank: Bank) -> None:
    node = Node(bank, "n")
    ending = AccountSpec("team:a:day", "team", "a", "a", PLENTY, "day", 100.0)
    node.settle(await node.hold(10, ending), 10)
    for _ in range(3):
        await node.leasing.tick()
    assert bank.of("team:a:day") == 630
    node.purse.open(spec("b"), 0, 200.0)
    await node.leasing.tick()
    assert bank.of("team:a:day") == 0


async def test_one_account_that_is_spent_keeps_no_other_from_being_filled(bank: Bank) -> None:
    node = Node(bank, "n")
    for _ in range(4):
        await node.leasing.tick()
        for name in ("a", "b"):
            node.settle(await node.hold(100, spec(name, PLENTY)), 100)
    bank.posted["team:b:total"] = PLENTY + 1  # elsewhere, beyond what was held
    node.purse.lease("team:a:total", -(node.free() or 0))
    node.purse.lease("team:b:total", -(node.free("b") or 0))
    bank.leased.clear()
    node.leases.calls.clear()
    await node.leasing.tick()
    assert node.leases.calls == ["grant"]
    assert (node.free(), node.free("b")) == (400, 0)


async def test_a_session_that_begins_on_an_account_that_rests_has_something_at_hand(bank: Bank) -> None:
    node = Node(bank, "n")
    rested = await node.hold(10, spec(limit=PLENTY))
    for _ in range(3):
        await node.leasing.tick()
    node.purse.keep_ahead(rested)
    node.purse.extend(rested, (spec(),), node.free() or 0, 0.0)
    await node.leasing.tick()
    assert node.free() == 10


def test_those_who_rested_long_enough_rest_no_more() -> None:
    resting, accounts = Resting(3), [Account(f"team:{name}:total", 0) for name in "abc"]
    resting.put(accounts[0])
    assert resting.due() == []
    resting.put(accounts[1])
    resting.put(accounts[2])
    assert resting.due() == []
    resting.wake("team:b:total")
    resting.wake("team:x:total")
    assert resting.due() == accounts[:1]
    assert list(resting) == accounts[2:]
    resting.put(accounts[2])  # from now on
    assert [resting.due() for _ in range(3)] == [[], [], accounts[2:]]
    resting.put(accounts[0])
    resting.clear()
    assert list(resting) == []
