"""Nodes that share accounts, over leases that are kept in memory: no limit is overshot, and what is left over goes
back."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from effort import examples
from ledger.bank import LIMIT, Bank, Node, spec
from waypost.core.lease import Granted, Move, Want
from waypost.errors import BudgetExceeded, StoreUnavailable
from waypost.ledger import leasing
from waypost.ledger.accounts import AccountSpec
from waypost.ledger.purse import PurseHold


@pytest.fixture
def bank() -> Bank:
    return Bank()


async def test_headroom_is_leased_for_more_than_one(bank: Bank) -> None:
    node = Node(bank, "n")
    holds = [await node.hold(2, spec()) for _ in range(50)]
    assert node.leases.calls == ["grant"]
    for hold in holds:
        node.settle(hold, 1)
    assert bank.posted == {"team:a:total": 50}
    assert bank.of("team:a:total") == node.free() == 128 - 50


async def test_what_can_cost_nothing_needs_no_lease(bank: Bank) -> None:
    node = Node(bank, "n")
    node.settle(await node.hold(0, spec()), 0)
    assert node.leases.calls == []
    bank.posted["team:a:total"] = LIMIT
    node.settle(await node.hold(0, spec()), 3)  # it cost something all the same
    assert (node.free(), bank.posted["team:a:total"]) == (None, LIMIT + 3)


async def test_what_is_not_used_goes_back_and_what_is_in_use_stays(bank: Bank) -> None:
    node = Node(bank, "n")
    node.settle(await node.hold(10, spec()), 10)
    before = node.free()
    await node.leasing.tick()  # it was used lately: as much is kept
    assert (before, node.free()) == (LIMIT // 2 - 10, 10)
    await node.leasing.tick()
    assert node.free() == 0
    assert bank.of("team:a:total") == 0


async def test_who_finds_nothing_waits_for_what_others_give_back(bank: Bank) -> None:
    one, two = Node(bank, "1"), Node(bank, "2")
    hold = await one.hold(900, spec())
    one.settle(hold, 100)

    async def back(_: float) -> None:
        await one.leasing.tick()
        await one.leasing.tick()
        two.clock.now += 0.05

    two.leasing._sleep = back  # type: ignore[assignment] # whoever waits lets the other node work
    two.settle(await two.hold(800, spec()), 800)
    assert bank.posted == {"team:a:total": 900}


async def test_a_spent_budget_is_refused_at_once_and_a_held_one_after_a_while(bank: Bank) -> None:
    one, two = Node(bank, "1"), Node(bank, "2")
    hold = await one.hold(950, spec())
    with pytest.raises(BudgetExceeded):
        await two.hold(60, spec())
    assert 0.5 <= two.waited < 0.6
    asked = len(two.leases.calls)
    assert asked <= 12
    one.settle(hold, 950)
    two.clock.now += 1
    two.waited = 0.0
    with pytest.raises(BudgetExceeded, match="spent"):
        await two.hold(60, spec())
    assert two.waited == 0.0
    two.settle(await two.hold(50, spec()), 50)


async def test_many_that_are_refused_ask_the_database_seldom(bank: Bank) -> None:
    bank.posted["team:a:total"] = LIMIT
    node = Node(bank, "n")
    told = await asyncio.gather(*(node.hold(5, spec()) for _ in range(200)), return_exceptions=True)
    assert all(isinstance(each, BudgetExceeded) for each in told)
    assert len(node.leases.calls) == 1


async def test_all_accounts_or_none_and_those_without_a_limit_lease_nothing(bank: Bank) -> None:
    node = Node(bank, "n")
    with pytest.raises(BudgetExceeded, match="'b'"):
        await node.hold(50, spec(), spec("b", 40), spec("c", None))
    hold = await node.hold(40, spec(), spec("b", 40), spec("c", None))
    assert node.free("c") is None
    node.settle(hold, 30)
    assert (node.free("b"), bank.of("team:b:total")) == (10, 10)


async def test_what_costs_more_than_was_held_is_leased_afterwards(bank: Bank) -> None:
    node = Node(bank, "n")
    node.settle(await node.hold(900, spec()), 950)
    assert (node.free(), bank.of("team:a:total")) == (-50, -50)
    await node.leasing.tick()
    assert (node.free(), bank.of("team:a:total")) == (0, 0)
    assert bank.posted["team:a:total"] == 950
    with pytest.raises(BudgetExceeded):
        await node.hold(51, spec())


async def test_more_can_be_held_on_a_hold_while_it_is_leased(bank: Bank) -> None:
    node = Node(bank, "n")
    hold = await node.hold(10, spec())
    left = node.free() or 0
    node.purse.extend(hold, (spec(),), left, 0.0)
    assert node.free() == 0
    with pytest.raises(BudgetExceeded):
        node.purse.extend(hold, (spec(),), 1, 0.0)
    node.settle(hold, 7)
    assert node.free() == bank.of("team:a:total") == left + 3


@pytest.mark.parametrize("way", ["deaf", "lost"])
async def test_what_became_of_a_move_is_found_out_however_busy_the_account_is(bank: Bank, way: str) -> None:
    node = Node(bank, "n")
    hold = await node.hold(10, spec())
    for _ in range(20):
        setattr(node.leases, way, True)
        with pytest.raises(StoreUnavailable):
            await node.hold(600, spec())
        node.leases.away = False
        setattr(node.leases, way, True)
        with suppress(StoreUnavailable):
            await node.leasing.tick()
        await node.leasing.tick()
        await node.leasing.tick()
        assert (node.free(), bank.of("team:a:total")) == (0, 10), "what is held, and nothing else"
    node.settle(hold, 10)
    assert bank.of("team:a:total") == 0


async def test_who_is_not_waited_for_any_more_gets_its_lease_all_the_same(bank: Bank) -> None:
    node, began, goes_on = Node(bank, "n"), threading.Event(), threading.Event()
    grant = node.leases.grant

    def slow(wants: Sequence[Want], nodes: int, move: Move) -> Sequence[Granted]:
        began.set()
        goes_on.wait(30)
        return grant(wants, nodes, move)

    node.leases.grant = slow  # type: ignore[method-assign]
    asking = asyncio.ensure_future(node.hold(10, spec()))
    await asyncio.to_thread(began.wait, 30)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    goes_on.set()
    for _ in range(2):
        await node.leasing.tick()
    assert (node.free(), bank.of("team:a:total")) == (0, 0)


async def test_a_second_leg_is_held_for_though_nothing_is_leased_at_the_moment(bank: Bank) -> None:
    node = Node(bank, "n")
    told: list[object] = []
    node.purse.reached = told.append
    hold = await node.hold(10, spec())
    for _ in range(2):
        await node.leasing.tick()
    with pytest.raises(BudgetExceeded):
        node.purse.extend(hold, (spec(),), 10, 0.0)
    assert told == [], "there may be room"
    await node.leasing.secure((spec(),), 10, 0.0, wait=False)
    node.purse.extend(hold, (spec(),), 10, 0.0)
    other = Node(bank, "o")
    await other.hold(LIMIT - bank.of("team:a:total"), spec())
    with pytest.raises(BudgetExceeded):
        await node.leasing.secure((spec(),), 900, 0.0, wait=False)
    assert node.waited == 0.0


async def test_whose_turn_does_not_come_in_time_is_told_so(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = Node(bank, "n")
    grant = node.leases.grant

    def slow(wants: Sequence[Want], nodes: int, move: Move) -> Sequence[Granted]:
        node.clock.now += 2.0
        return grant(wants, nodes, move)

    monkeypatch.setattr(node.leases, "grant", slow)
    told = await asyncio.gather(
        *(node.hold(5, spec(str(each))) for each in range(10)), return_exceptions=True
    )
    late = [each for each in told if isinstance(each, StoreUnavailable)]
    assert 0 < len(told) - len(late) <= 4
    assert node.leases.calls.count("grant") == len(told) - len(late)


async def test_a_database_that_is_away_leaves_what_is_leased(bank: Bank) -> None:
    node = Node(bank, "n")
    first = await node.hold(10, spec())
    node.leases.away = True
    second = await node.hold(10, spec())
    with pytest.raises(StoreUnavailable):
        await node.hold(900, spec())
    node.leases.away = False
    node.settle(first, 1)
    node.settle(second, 1)
    for _ in range(3):
        await node.leasing.tick()
    await node.leasing.end()
    assert bank.of("team:a:total") == 0


async def test_what_a_window_that_is_over_had_goes_back(bank: Bank) -> None:
    node, ending = Node(bank, "n"), AccountSpec("team:a:day", "team", "a", "a", LIMIT, "day", 100.0)
    node.settle(await node.hold(10, ending), 10)
    node.purse.open(spec("b"), 0, 200.0)
    assert node.purse.account("team:a:day") is None
    await node.leasing.tick()
    assert bank.of("team:a:day") == 0


def steps_to(most: int) -> st.SearchStrategy[list[tuple[str, str, int]]]:
    return st.lists(
        st.tuples(
            st.sampled_from("12"),
            st.sampled_from(("hold", "settle", "tick", "deaf hold", "deaf tick", "lost hold", "lost tick")),
            st.integers(1, most),
        ),
        max_size=60,
    )


@settings(max_examples=examples(400), deadline=None)
@given(steps=steps_to(300))
def test_whatever_happens_no_limit_is_overshot_and_everything_goes_back(
    steps: list[tuple[str, str, int]],
) -> None:
    take(steps, LIMIT, 700)


@settings(max_examples=examples(200), deadline=None)
@given(steps=steps_to(5), limit=st.integers(2_000, 100_000))
def test_nor_where_limits_are_far_away_and_more_is_kept(
    steps: list[tuple[str, str, int]], limit: int
) -> None:
    take(steps, limit, 5_000, rest=2 * leasing._REST_TICKS)


def take(steps: list[tuple[str, str, int]], first: int, second: int, rest: int = 4) -> None:
    """Two nodes take these steps, on two accounts with these limits, and so many ticks afterwards."""
    bank = Bank()
    nodes = {name: Node(bank, name) for name in "12"}
    held: dict[str, list[tuple[PurseHold, int]]] = {"1": [], "2": []}

    async def run() -> None:
        for name, step, amount in steps:
            node = nodes[name]
            node.leases.deaf, node.leases.lost = step.startswith("deaf"), step.startswith("lost")
            try:
                if step.endswith("hold"):
                    accounts = (spec(limit=first), spec("b", second))
                    held[name].append((await node.hold(amount, *accounts), amount))
                elif step.endswith("tick"):
                    await node.leasing.tick()
                elif held[name]:
                    hold, most = held[name].pop(amount % len(held[name]))
                    node.settle(hold, amount % (most + 1))
            except (BudgetExceeded, StoreUnavailable):
                pass
            node.leases.deaf = node.leases.lost = False
            for account, limit in (("team:a:total", first), ("team:b:total", second)):
                open_holds = sum(each for holds in held.values() for _, each in holds)
                assert bank.posted.get(account, 0) + open_holds <= limit
                assert bank.posted.get(account, 0) + bank.of(account) <= limit
        for name, node in nodes.items():
            for hold, _ in held[name]:
                node.settle(hold, 0)
            for _ in range(rest):
                await node.leasing.tick()
        assert bank.of("team:a:total") == bank.of("team:b:total") == 0

    asyncio.run(run())


async def test_what_a_session_is_extended_by_is_kept_at_hand_as_long_as_it_lasts(bank: Bank) -> None:
    node = Node(bank, "n")
    hold = await node.hold(10, spec(), spec("c", None))
    node.purse.keep_ahead(hold)
    for _ in range(5):
        for _ in range(3):
            await node.leasing.tick()
        assert node.free() == 10
        node.purse.extend(hold, (spec(),), 10, 0.0)
        assert node.free() == 0
    node.settle(hold, 55)
    for _ in range(3):
        await node.leasing.tick()
    assert (node.free(), bank.of("team:a:total")) == (0, 0)
    node.purse.keep_ahead(hold)  # it is over
    await node.leasing.tick()
    assert bank.of("team:a:total") == 0


async def over(node: Node) -> None:
    """What took too long has ended by now."""
    stalled = node.leasing._stalled
    assert stalled is not None
    await asyncio.wait((stalled[0],))


async def test_a_database_that_is_always_too_slow_grants_all_the_same(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each time it is not waited for, and whoever comes again finds what it did."""
    monkeypatch.setattr(leasing, "_PATIENCE_S", 0.02)
    node, goes_on = Node(bank, "n"), threading.Event()

    def slow(call: Callable[..., object]) -> Callable[..., object]:
        def called(*asked: object) -> object:
            goes_on.wait(30)
            return call(*asked)

        return called

    for name in ("grant", "reached", "change"):
        monkeypatch.setattr(node.leases, name, slow(getattr(node.leases, name)))
    holds = []
    for amount in (10, 700):
        goes_on.clear()
        with pytest.raises(StoreUnavailable, match="in time"):
            await node.hold(amount, spec())
        goes_on.set()
        await over(node)
        goes_on.clear()
        holds.append(await node.hold(amount, spec()))
    assert node.leases.calls == ["grant", "grant"]
    for hold in holds:
        node.settle(hold, hold.amount_nusd)
    goes_on.set()
    for _ in range(3):
        with suppress(StoreUnavailable):
            await node.leasing.tick()
        if node.leasing._stalled is not None:
            await over(node)
    assert (node.free(), bank.of("team:a:total"), bank.posted["team:a:total"]) == (0, 0, 710)


async def test_a_database_that_hangs_is_told_as_away_and_asked_nothing_until_it_goes_on(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leasing, "_PATIENCE_S", 0.02)
    node, hangs = Node(bank, "n"), threading.Event()
    first = await node.hold(10, spec())
    grant = node.leases.grant

    def hanging(wants: Sequence[Want], nodes: int, move: Move) -> Sequence[Granted]:
        hangs.wait(30)
        return grant(wants, nodes, move)

    monkeypatch.setattr(node.leases, "grant", hanging)
    for _ in range(20):
        with pytest.raises(StoreUnavailable, match="in time"):
            await node.hold(900, spec())
    with pytest.raises(StoreUnavailable):
        await node.leasing.tick()
    asked = len(node.leases.calls)
    hangs.set()
    await over(node)
    assert len(node.leases.calls) == asked + 1, "only what was under way"
    node.settle(first, 10)
    for _ in range(3):
        await node.leasing.tick()
    assert (node.free(), bank.of("team:a:total")) == (0, 0), "what was granted and not heard of went back"
