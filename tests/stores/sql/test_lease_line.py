"""Moves of leases that are one statement each. What every database has to hold is in test_leases.py; here: that one is
one round trip, what becomes of answers that are lost, and statements that come late."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import pytest

from ledger.books import exchange
from postgres_server import PostgresServer
from waypost.core.lease import Move, Want
from waypost.errors import Bug, StoreUnavailable
from waypost.stores.sql.address import parse_address, secret_from
from waypost.stores.sql.engine import Database
from waypost.stores.sql.leases import LeaseRows
from waypost.stores.sql.opening import open_database
from waypost.stores.sql.postgres_journal import PostgresJournal
from waypost.stores.sql.postgres_line import Line
from waypost.stores.sql.postgres_link import Connector
from waypost.stores.sql.variables import URL

pytestmark = pytest.mark.process

A, B = "team:t1:month:2026-09-01", "key:k1:total"


@pytest.fixture
def where(postgres: PostgresServer) -> dict[str, str]:
    return postgres.new_database(prepared=True)


@pytest.fixture
def database(where: dict[str, str], tmp_path: Path) -> Iterator[Database]:
    opened = open_database(tmp_path, where)
    assert opened is not None
    opened.node = "a"
    yield opened
    opened.close()


def sums(database: Database) -> dict[str, tuple[int, int, int]]:
    with database.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT account_id, posted_nusd, leased_nusd, (SELECT coalesce(sum(amount_nusd), 0) FROM leases "
            "WHERE leases.account_id = accounts.account_id) FROM accounts"
        )
        return {row[0]: (int(row[1]), int(row[2]), int(row[3])) for row in rows}


class Watched:
    """Counts what is asked of a line; `deaf`: what it answers once is lost."""

    def __init__(self, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked, self.deaf, self._ask = 0, False, line.ask
        monkeypatch.setattr(line, "ask", self.ask)

    def ask(self, statement: str, *values: object) -> Sequence[Sequence[Any]]:
        self.asked += 1
        told = self._ask(statement, *values)
        if self.deaf:
            self.deaf = False
            raise StoreUnavailable("its answer is lost")
        return told


@pytest.fixture
def watched(database: Database, monkeypatch: pytest.MonkeyPatch) -> Watched:
    assert database.line is not None
    return Watched(database.line, monkeypatch)


def test_a_grant_is_asked_once(database: Database, watched: Watched) -> None:
    rows = LeaseRows(database)
    assert rows.begin() == 0
    rows.grant([Want(A, 100, 10), Want(B, 100, 1)], 1, Move(1, {}))
    watched.asked = 0
    rows.grant([Want(A, 100, 10), Want(B, 100, 1)], 1, Move(2, {}))
    rows.change(Move(3, {A: -5, B: 0}))
    rows.change(Move(4, {}))
    assert watched.asked == 2
    assert sums(database) == {A: (0, 15, 15), B: (0, 2, 2)}


def test_what_came_of_a_grant_whose_answer_was_lost_is_known_when_it_is_asked_for(
    database: Database, watched: Watched
) -> None:
    rows, move = LeaseRows(database), Move(1, {})
    rows.begin()
    rows.grant([Want(A, 100, 1), Want(B, 100, 1)], 1, Move(0, {}))  # so that there are such accounts
    watched.deaf = True
    with pytest.raises(StoreUnavailable):
        rows.grant([Want(B, 100, 0, 7), Want(A, 100, 10)], 1, move)
    assert rows.reached(1)
    assert move.amounts == {B: 7, A: 10}
    rows.change(Move(2, {A: -10}))
    assert sums(database) == {A: (0, 0, 0), B: (0, 7, 7)}


def test_a_statement_that_comes_after_it_was_asked_for_does_nothing(database: Database) -> None:
    rows, move = LeaseRows(database), Move(5, {})
    rows.begin()
    rows.grant([Want(A, 100, 10)], 1, Move(4, {}))
    assert not rows.reached(5)
    assert [each.amount_nusd for each in rows.grant([Want(A, 100, 10)], 1, move)] == [0]
    rows.change(Move(5, {A: 20}))
    assert (move.amounts, rows.reached(5)) == ({}, False)
    assert sums(database) == {A: (0, 10, 10)}


def test_a_process_that_was_followed_by_another_changes_nothing_any_more(database: Database) -> None:
    old, new = LeaseRows(database), LeaseRows(database)
    old.begin()
    old.grant([Want(A, 100, 10)], 1, Move(1, {}))
    assert new.begin() == 1
    for late in (lambda: old.grant([Want(A, 100, 10)], 1, Move(2, {})), lambda: old.change(Move(2, {A: 5}))):
        with pytest.raises(Bug, match="another process"):
            late()
    new.grant([Want(A, 100, 3)], 1, Move(2, {}))
    assert sums(database) == {A: (0, 3, 3)}


def test_what_needs_nothing_stands_in_nobodys_way(database: Database, where: dict[str, str]) -> None:
    rows = LeaseRows(database)
    rows.grant([Want(A, 100, 100)], 1, Move(1, {}))
    rows.change(Move(2, {A: 20}))  # a debt: more is leased than the limit
    told = rows.grant([Want(A, 100, 0, 50), Want(B, 100, 0, 50)], 1, Move(3, {}))
    assert {each.account_id: each.amount_nusd for each in told} == {A: 0, B: 50}


def test_a_hot_account_is_exact_while_it_is_posted_to(
    database: Database, where: dict[str, str], tmp_path: Path
) -> None:
    """Grants, what goes back and batches of two nodes, all at once on the same two accounts."""
    limit = 1_000_000

    def work(name: str) -> None:
        random, opened = Random(name), open_database(tmp_path, where)
        assert opened is not None
        rows = LeaseRows(opened, name)
        rows.begin()
        for number in range(1, 60, 2):
            wants = [Want(A, limit, random.randint(1, 300), 3_000), Want(B, limit, 1, 10)]
            rows.grant(wants, 2, Move(number, {}))
            rows.change(Move(number + 1, {A: -random.randint(0, 100)}))
        opened.close()

    def post(name: str) -> None:
        journal = PostgresJournal(Connector(parse_address(where[URL]), secret_from(where)), name)
        for number in range(1, 40):
            journal.post("s1", number, [exchange(number + 1_000 * ord(name), 30, (A, B))])
        assert journal.drift() == {}
        journal.close()

    with ThreadPoolExecutor(4) as threads:
        done = [threads.submit(each, name) for each in (work, post) for name in "ab"]
        for each in done:
            each.result(60)
    told = sums(database)
    assert {account: posted for account, (posted, _, _) in told.items()} == {A: 78 * 30, B: 78 * 30}
    for posted, leased, summed in told.values():
        assert leased == summed
        assert posted + leased <= limit
