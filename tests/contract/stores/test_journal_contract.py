"""One suite for every journal. A new store is one more fixture parameter."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.books import CENT, attempt, exchange
from waypost.errors import Bug
from waypost.ports import Journal
from waypost.stores.memory import MemoryJournal
from waypost.stores.sql.journals import open_journal
from waypost.stores.sql.opening import open_database

A, B = "key:k1:day:2026-09-21", "key:k1:total"


def memory(_folder: Path) -> Iterator[Journal]:
    yield MemoryJournal()


def sql(folder: Path, where: dict[str, str]) -> Iterator[Journal]:
    database = open_database(folder, where)
    assert database is not None
    journal = open_journal(folder, where)
    yield journal
    journal.close()
    database.close()


@pytest.fixture
def journal(where: dict[str, str] | None, tmp_path: Path) -> Iterator[Journal]:
    yield from memory(tmp_path) if where is None else sql(tmp_path, where)


def test_an_empty_journal(journal):
    assert journal.posted([A]) == {}
    assert journal.posted([]) == {}
    assert journal.applied() == {}
    assert journal.repost([]) == 0


def test_posting_adds_up_per_account_and_remembers_the_segment(journal):
    journal.post("s1", 4, [exchange(1, 3, (A, B)), exchange(2, 4, (A,))])
    journal.post("s1", 9, [exchange(3, 5, (A,))])
    journal.post("s2", 2, [])

    assert journal.posted([A, B, "key:none:total"]) == {A: 12, B: 3}
    assert journal.applied() == {"s1": 9, "s2": 2}
    journal.forget("s1")
    journal.forget("never")
    assert journal.applied() == {"s2": 2}


def test_each_attempt_counts_by_its_own_state(journal):
    tries = (attempt(1, 5, "unknown"), attempt(2, 0, "voided"), attempt(3, None), attempt(4, 7))
    journal.post("s1", 1, [exchange(1, 12, (A,), tries)])

    assert journal.posted([A]) == {A: 12}
    assert journal.repost([exchange(1, 12, (A,), tries)]) == 0
    assert journal.posted([A]) == {A: 12}


def test_an_account_with_nothing_but_unknown_costs_exists_at_zero(journal):
    journal.post("s1", 1, [exchange(1, None, (A,))])

    assert journal.posted([A]) == {A: 0}


def test_posting_something_twice_is_an_error_that_changes_nothing(journal):
    journal.post("s1", 1, [exchange(1, 3, (A,))])

    with pytest.raises(Bug):
        journal.post("s1", 2, [exchange(2, 3, (A,)), exchange(1, 3, (A,))])
    with pytest.raises(Bug):
        journal.post("s1", 2, [exchange(3, 3, (A,), (attempt(1),))])
    assert journal.posted([A]) == {A: 3}
    assert journal.applied() == {"s1": 1}


def test_reposting_adds_what_is_missing_once(journal):
    journal.post("s1", 1, [exchange(1, 3, (A,))])
    both = [exchange(1, 3, (A,)), exchange(2, 4, (A,)), exchange(5, None, attempts=())]

    assert journal.repost(both) == 1
    assert journal.repost(both) == 0
    assert journal.posted([A]) == {A: 7}
    assert journal.applied() == {"s1": 1}


def test_reposting_adds_a_missing_attempt_to_an_exchange_that_is_there(journal):
    journal.post("s1", 1, [exchange(1, 3, (A,))])

    assert journal.repost([exchange(1, 3, (A,), (attempt(1, 3), attempt(2, 5)))]) == 1
    assert journal.posted([A]) == {A: 8}


def test_a_voided_attempt_that_is_there_is_not_billed_by_reposting(journal):
    journal.post("s1", 1, [exchange(1, 0, (A,), (attempt(1, 0, "voided"),))])

    assert journal.repost([exchange(1, 3, (A,), (attempt(1, 3),))]) == 0
    assert journal.posted([A]) == {}


@pytest.mark.parametrize("count", [1, 3, 32, 127, 128, 129, 513, 1207])
def test_batches_of_any_size(journal, count):
    journal.post("s1", count, [exchange(number, CENT, (A,)) for number in range(count)])

    assert journal.posted([A]) == {A: count * CENT}
    assert journal.repost([exchange(number, CENT, (A,)) for number in range(count + 1)]) == 1


def test_many_accounts_at_once(journal):
    names = [f"key:k{number}:total" for number in range(1500)]
    journal.post("s1", 1, [exchange(number, 2, (name,)) for number, name in enumerate(names)])

    assert journal.posted(names) == dict.fromkeys(names, 2)
