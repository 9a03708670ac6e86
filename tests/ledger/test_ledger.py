import asyncio
import errno
import os
import random
from contextlib import asynccontextmanager

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from effort import examples
from ledger.books import AT, CENT, DOLLAR, FakeClock, FlakyJournal, attempt, exchange, in_thread, mark, rules
from waypost.errors import BudgetExceeded, Bug, StoreUnavailable
from waypost.ledger.ledger import BookLedger, open_ledger

ACCOUNT = "key:k1:day:2026-09-21"


@asynccontextmanager
async def opened(data, journal, **options):
    ledger, _ = open_ledger(data, journal, FakeClock(), in_thread(data / "intents", journal), **options)
    try:
        yield ledger
    finally:
        assert await ledger.stop() == 0


async def reserve(ledger: BookLedger, amount: int, at: float = AT, who=None):
    who = who or rules()
    hold = ledger.try_reserve(who, amount, at)
    if hold is None:
        await ledger.load(who, at)
        hold = ledger.try_reserve(who, amount, at)
    assert hold is not None
    return hold


async def test_a_request_from_reserve_to_the_journal(tmp_path):
    journal = FlakyJournal()
    async with opened(tmp_path, journal) as ledger:
        assert ledger.ready is None
        hold = await reserve(ledger, 2 * CENT)
        assert (hold.accounts, hold.amount_nusd) == ((ACCOUNT,), 2 * CENT)
        ledger.dispatch(mark(1, hold.accounts))
        await ledger.durable()
        assert ledger.open_dispatches == 1
        ledger.settle(hold, exchange(1, CENT, hold.accounts))
        assert (hold.closed, ledger.open_dispatches) == (True, 0)
        await ledger.flush()

        account = ledger.purse.account(ACCOUNT)
        assert (account.posted_nusd, account.held_nusd) == (CENT, 0)
        assert journal.accounts == {ACCOUNT: CENT}
    assert os.listdir(tmp_path / "intents") == [], "a clean stop leaves nothing to recover"


async def test_what_was_spent_before_counts_after_a_restart(tmp_path):
    journal = FlakyJournal()
    async with opened(tmp_path, journal) as ledger:
        hold = await reserve(ledger, DOLLAR)
        ledger.settle(hold, exchange(1, DOLLAR, hold.accounts))
    async with opened(tmp_path, journal) as ledger:
        with pytest.raises(BudgetExceeded):
            await reserve(ledger, 1)


async def test_settling_twice_is_an_error_and_counts_once(tmp_path):
    journal = FlakyJournal()
    async with opened(tmp_path, journal) as ledger:
        hold = await reserve(ledger, CENT)
        ledger.settle(hold, exchange(1, CENT, hold.accounts))
        with pytest.raises(Bug):
            ledger.settle(hold, exchange(1, CENT, hold.accounts))
    assert journal.accounts == {ACCOUNT: CENT}


async def test_an_exchange_names_the_accounts_it_was_held_against(tmp_path):
    async with opened(tmp_path, FlakyJournal()) as ledger:
        hold = await reserve(ledger, CENT)
        with pytest.raises(Bug):
            ledger.settle(hold, exchange(1, CENT, ("key:other:total",)))
        with pytest.raises(Bug):
            ledger.settle(None, exchange(1, CENT, hold.accounts))
        assert not hold.closed
        ledger.settle(hold, exchange(1, CENT, hold.accounts))


async def test_refused_and_unbudgeted_exchanges_are_recorded_too(tmp_path):
    journal = FlakyJournal()
    async with opened(tmp_path, journal) as ledger:
        ledger.settle(None, exchange(1, None, attempts=()))
        hold = ledger.try_reserve(rules(None), CENT, AT)
        assert hold.accounts == ()
        ledger.settle(hold, exchange(2, CENT))
    assert sorted(journal.exchanges) == ["exc-1", "exc-2"]
    assert sorted(journal.lines) == ["att-2"]
    assert journal.accounts == {}


async def test_every_attempt_that_may_have_billed_is_posted(tmp_path):
    journal = FlakyJournal()
    tries = (attempt(1, 5, "unknown"), attempt(2, 0, "voided"), attempt(3, None), attempt(4, 7))
    async with opened(tmp_path, journal) as ledger:
        hold = await reserve(ledger, 10)
        ledger.settle(hold, exchange(1, 12, hold.accounts, tries))
        assert ledger.purse.account(ACCOUNT).posted_nusd == 12, "over the hold, and posted all the same"
    assert sorted(journal.lines) == ["att-1", "att-3", "att-4"]
    assert journal.accounts == {ACCOUNT: 12}


async def test_a_hold_is_settled_in_the_window_it_was_made_in(tmp_path):
    journal = FlakyJournal()
    async with opened(tmp_path, journal) as ledger:
        old = await reserve(ledger, DOLLAR)
        new = await reserve(ledger, DOLLAR, AT + 86_400)
        ledger.settle(old, exchange(1, CENT, old.accounts))
        ledger.settle(new, exchange(2, 2 * CENT, new.accounts))
    assert journal.accounts == {ACCOUNT: CENT, "key:k1:day:2026-09-22": 2 * CENT}


async def test_500_at_once_on_a_dollar_admit_100(tmp_path):
    async with opened(tmp_path, FlakyJournal()) as ledger:

        async def one(number: int) -> bool:
            try:
                hold = await reserve(ledger, CENT)
            except BudgetExceeded:
                return False
            await asyncio.sleep(0)
            ledger.settle(hold, exchange(number, CENT, hold.accounts))
            return True

        assert sum(await asyncio.gather(*(one(number) for number in range(500)))) == 100
        assert ledger.purse.account(ACCOUNT).posted_nusd == DOLLAR


async def test_loading_reads_once_for_all_who_wait(tmp_path):
    journal = FlakyJournal()
    reads = []
    real = journal.posted
    journal.posted = lambda ids: reads.append(ids) or real(ids)
    async with opened(tmp_path, journal) as ledger:
        first = asyncio.ensure_future(ledger.load(rules(), AT))
        others = [asyncio.ensure_future(ledger.load(rules(), AT)) for _ in range(20)]
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(*others)
        assert ledger.try_reserve(rules(), 1, AT) is not None
        assert reads == [(ACCOUNT,)]
        ledger.settle(ledger.try_reserve(rules(), 1, AT), exchange(1, 0, (ACCOUNT,)))


async def test_an_account_comes_back_with_what_is_still_queued(tmp_path):
    """A window that ended leaves memory while its last record is on the way; a clock step back asks for it again."""
    journal = FlakyJournal()
    async with opened(tmp_path, journal) as ledger:
        hold = await reserve(ledger, CENT)
        ledger.settle(hold, exchange(1, CENT, hold.accounts))
        await ledger.load(rules(), AT + 86_400)
        assert ledger.purse.account(ACCOUNT) is None
        await ledger.load(rules(), AT)
        assert ledger.purse.account(ACCOUNT).posted_nusd == CENT


async def test_without_a_database_known_accounts_go_on_and_new_ones_are_503(tmp_path):
    journal = FlakyJournal()
    async with opened(tmp_path, journal) as ledger:
        await ledger.load(rules(), AT)
        journal.down = True
        hold = ledger.try_reserve(rules(), CENT, AT)
        ledger.settle(hold, exchange(1, CENT, hold.accounts))
        with pytest.raises(StoreUnavailable):
            await ledger.load(rules(key_id="k2"), AT)
        journal.down = False
        await ledger.load(rules(key_id="k2"), AT)
        assert ledger.backlog == 0


async def test_a_full_disk_stops_admission_not_settlement(tmp_path, monkeypatch):
    journal = FlakyJournal()
    async with opened(tmp_path, journal) as ledger:
        hold = await reserve(ledger, CENT)
        ledger.dispatch(mark(1, hold.accounts))

        def full(fd: int, data: bytes) -> int:
            raise OSError(errno.ENOSPC, "full")

        monkeypatch.setattr(ledger._intents, "_write", full)
        ledger.settle(hold, exchange(1, CENT, hold.accounts))
        assert "No space left" in ledger.ready
        with pytest.raises(StoreUnavailable):
            ledger.dispatch(mark(2))
        monkeypatch.setattr(ledger._intents, "_write", os.write)
        ledger._clock.now += 2
        assert ledger.ready is None
    assert journal.accounts == {ACCOUNT: CENT}


steps = st.lists(st.tuples(st.sampled_from("rrsv>"), st.integers(0, 30), st.integers(0, 10**6)), max_size=40)


@settings(max_examples=examples(25), deadline=None)
@given(steps=steps, flips=st.integers(0, 2**32))
def test_sums_agree_whatever_happens(tmp_path_factory, steps, flips):
    """reserve, settle, void, window roll, outages, restarts: Σ lines = posted, and the purse says the same."""
    data = tmp_path_factory.mktemp("data")
    journal = FlakyJournal()
    chance = random.Random(flips)
    spent: dict[str, int] = {}

    async def life(at: float, part: list[tuple[str, int, int]], first: int) -> float:
        launch = in_thread(data / "intents", journal)
        ledger, report = open_ledger(data, journal, FakeClock(), launch, segment_bytes=2000)
        assert report.clean
        holds = []
        for number, (step, amount, pick) in enumerate(part, first):
            journal.down = chance.random() < 0.2
            if step == ">":
                at += 1800
            elif step == "r":
                journal.down = False
                who = rules(100, "hour")
                await ledger.load(who, at)
                try:
                    hold = ledger.try_reserve(who, amount, at)
                except BudgetExceeded:
                    continue
                ledger.dispatch(mark(number, hold.accounts))
                holds.append((number, hold))
            elif holds:
                known, hold = holds.pop(pick % len(holds))
                settle(ledger, known, hold, 0 if step == "v" else amount + 5, step == "v")
        for known, hold in holds:
            settle(ledger, known, hold, 1, False)
        journal.down = False
        await ledger.flush()
        for name, total in spent.items():
            account = ledger.purse.account(name)
            assert account is None or (account.posted_nusd, account.held_nusd) == (total, 0)
        assert await ledger.stop() == 0
        return at

    def settle(ledger: BookLedger, number: int, hold, cost: int, void: bool) -> None:
        (name,) = hold.accounts
        spent[name] = spent.get(name, 0) + cost
        tried = attempt(number, cost, "voided" if void else "settled")
        ledger.settle(hold, exchange(number, cost, hold.accounts, (tried,)))

    middle = len(steps) // 2
    at = asyncio.run(life(AT, steps[:middle], 0))
    asyncio.run(life(at, steps[middle:], 1000))
    assert {name: total for name, total in journal.accounts.items() if total} == {
        name: total for name, total in spent.items() if total
    }
    assert sum(line.cost_nusd for line in journal.lines.values()) == sum(spent.values())


def test_a_mark_of_an_older_version_still_decodes():
    fields = msgspec.to_builtins(exchange(1))[:16]
    assert msgspec.convert(fields, type(exchange(1))).attempts == ()


async def test_a_request_between_the_end_of_a_read_and_its_callback_finds_the_account(tmp_path, monkeypatch):
    reading = asyncio.get_running_loop().create_future()
    async with opened(tmp_path, FlakyJournal()) as ledger:
        monkeypatch.setattr(ledger._writer, "ask_posted", lambda accounts: reading)

        async def late():
            await ledger.load(rules(), AT)
            return ledger.try_reserve(rules(), CENT, AT)

        first = asyncio.ensure_future(late())
        await asyncio.sleep(0)
        reading.set_result({})  # the loop hears of it in its next turn
        for turn in range(3):  # … in which, and in those after it, others ask
            other = asyncio.ensure_future(late())
            await asyncio.sleep(0)
            assert not other.done() or other.result() is not None, turn
        assert None not in await asyncio.gather(first, other)
