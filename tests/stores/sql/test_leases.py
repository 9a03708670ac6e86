"""Nodes that share accounts. Everything here is exact, whatever the order."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest

from ledger.books import exchange
from waypost.core.lease import Move, Want
from waypost.stores.sql.address import parse_address, secret_from
from waypost.stores.sql.engine import Database
from waypost.stores.sql.journal import SqliteJournal
from waypost.stores.sql.journals import AnyJournal
from waypost.stores.sql.leases import LeaseRows
from waypost.stores.sql.opening import open_database
from waypost.stores.sql.postgres_journal import PostgresJournal
from waypost.stores.sql.postgres_link import Connector
from waypost.stores.sql.variables import URL

A, B = "team:t1:month:2026-09-01", "key:k1:total"


class Nodes:
    """Some nodes on one database."""

    def __init__(self, where: dict[str, str], folder: Path, names: str) -> None:
        self.databases: dict[str, Database] = {}
        self.journals: dict[str, AnyJournal] = {}
        for name in names:
            database = open_database(folder, where)
            assert database is not None
            database.node = name
            self.databases[name] = database
            if URL in where:
                connector = Connector(parse_address(where[URL]), secret_from(where))
                self.journals[name] = PostgresJournal(connector, name)
            else:
                self.journals[name] = SqliteJournal(folder, node=name, prefix=f"{name}/")

    def __getitem__(self, name: str) -> LeaseRows:
        return LeaseRows(self.databases[name])

    def sums(self) -> dict[str, tuple[int, int, int]]:
        """Per account: posted, leased, and leased as the leases say."""
        with self.databases["a"].read() as connection:
            rows = connection.exec_driver_sql(
                "SELECT account_id, posted_nusd, leased_nusd, (SELECT coalesce(sum(amount_nusd), 0) FROM leases "
                "WHERE leases.account_id = accounts.account_id) FROM accounts"
            )
            return {row[0]: (int(row[1]), int(row[2]), int(row[3])) for row in rows}

    def close(self) -> None:
        for journal in self.journals.values():
            journal.close()
        for database in self.databases.values():
            database.close()


@pytest.fixture
def nodes(where: dict[str, str], tmp_path: Path) -> Iterator[Nodes]:
    made = Nodes(where, tmp_path, "ab")
    yield made
    made.close()


def amounts(nodes: Nodes, name: str, *wants: Want) -> list[int]:
    return [each.amount_nusd for each in nodes[name].grant(wants, 2, Move(1, {}))]


def test_a_node_gets_what_it_needs_and_a_share_of_what_is_left(nodes: Nodes) -> None:
    assert amounts(nodes, "a", Want(A, 100, 10, 1000)) == [25]  # a quarter: two nodes, half of it for later
    assert amounts(nodes, "b", Want(A, 100, 30, 1000)) == [30]
    assert amounts(nodes, "a", Want(A, 100, 1, 4)) == [4]
    assert amounts(nodes, "a", Want(A, 100, 41, 0)) == [41]
    told = nodes["b"].grant([Want(A, 100, 1)], 2, Move(1, {}))
    assert [(each.amount_nusd, each.posted_nusd, each.leased_nusd) for each in told] == [(0, 0, 100)]
    assert nodes.sums() == {A: (0, 100, 100)}


def test_all_accounts_or_none(nodes: Nodes) -> None:
    assert amounts(nodes, "a", Want(A, 100, 10), Want(B, 5, 6)) == [0, 0]
    assert nodes.sums() == {A: (0, 0, 0), B: (0, 0, 0)}
    assert amounts(nodes, "a", Want(A, 100, 10), Want(B, 6, 6)) == [6, 10]  # in the order of their ids


def test_an_account_is_made_as_the_journal_makes_it(nodes: Nodes) -> None:
    nodes["a"].grant([Want(A, 9, 1), Want(B, 9, 1)], 1, Move(1, {}))
    with nodes.databases["a"].read() as connection:
        rows = connection.exec_driver_sql("SELECT account_id, scope, scope_id, window_start FROM accounts")
        assert {tuple(row) for row in rows} == {
            (A, "team", "t1", "month:2026-09-01"),
            (B, "key", "k1", "total"),
        }


def test_what_is_posted_leaves_the_lease_of_who_posts_it(nodes: Nodes) -> None:
    nodes["a"].grant([Want(A, 100, 50)], 2, Move(1, {}))
    nodes["b"].grant([Want(A, 100, 20)], 2, Move(1, {}))
    nodes.journals["a"].post("s1", 1, [exchange(1, 30, (A, B))])
    assert nodes.sums() == {A: (30, 40, 40), B: (30, 0, 0)}
    assert amounts(nodes, "b", Want(A, 100, 31)) == [0]
    assert amounts(nodes, "b", Want(A, 100, 30)) == [30]


def test_a_limit_that_was_lowered_grants_nothing_until_there_is_room(nodes: Nodes) -> None:
    nodes["a"].grant([Want(A, 100, 80)], 2, Move(1, {}))
    assert amounts(nodes, "b", Want(A, 50, 1)) == [0]
    nodes["a"].change(Move(2, {A: -60}))
    assert amounts(nodes, "b", Want(A, 50, 1)) == [1]


def test_debts_are_leased_beyond_the_limit(nodes: Nodes) -> None:
    nodes["a"].grant([Want(A, 100, 90)], 2, Move(1, {}))
    nodes["a"].change(Move(2, {A: 25}))
    assert nodes.sums() == {A: (0, 115, 115)}


def test_a_node_that_begins_anew_has_no_lease(nodes: Nodes) -> None:
    nodes["a"].grant([Want(A, 100, 90), Want(B, 100, 5)], 2, Move(1, {}))
    nodes["b"].grant([Want(A, 100, 3)], 2, Move(1, {}))
    assert nodes["a"].end() == {A: 90, B: 5}
    assert nodes["a"].end() == {}
    assert nodes.sums() == {A: (0, 3, 3), B: (0, 0, 0)}


def test_who_is_there(nodes: Nodes) -> None:
    nodes["a"].seen("host-a", "1.0", 100.0)
    nodes["b"].seen("host-b", "1.0", 150.0)
    nodes["a"].seen("host-a", "1.1", 160.0)
    assert [nodes["a"].live(since) for since in (0.0, 155.0, 160.0)] == [2, 1, 0]


def test_many_at_once_never_lease_more_than_there_is(where: dict[str, str], tmp_path: Path) -> None:
    names = "abcd"
    nodes = Nodes(where, tmp_path, names)

    def work(name: str) -> int:
        random, mine, had = Random(name), nodes[name], 0
        for _ in range(40):
            wants = [Want(A, 10_000, random.randint(1, 300), random.choice((0, 2_000)))]
            if random.random() < 0.5:
                wants.insert(0, Want(B, 20_000, random.randint(1, 300)))
            told = {each.account_id: each.amount_nusd for each in mine.grant(wants, 4, Move(1, {}))}
            back = random.randint(0, told[A])
            mine.change(Move(2, {A: -back}))
            had += told[A] - back
        return had

    with ThreadPoolExecutor(len(names)) as threads:
        had = sum(threads.map(work, names))
    posted, leased, summed = nodes.sums()[A]
    assert (posted, leased) == (0, summed)
    assert had == leased <= 10_000
    assert leased > 8_000
    nodes.close()


def test_it_is_known_which_moves_are_in_force(nodes: Nodes) -> None:
    rows = nodes["a"]
    assert rows.begin() == 0
    move = Move(7, {})
    rows.grant([Want(A, 100, 10), Want(B, 100, 0)], 2, move)
    assert move.amounts == {A: 10}
    assert [rows.reached(number) for number in (6, 7, 8)] == [True, True, False]
    nothing = Move(8, {})
    rows.grant([Want(A, 100, 91)], 2, nothing)
    assert nothing.amounts == {}
    assert not rows.reached(8)
    rows.change(Move(9, {A: -4}))
    assert rows.reached(9)
    assert nodes["b"].begin() == 0
    assert rows.begin() == 9
    assert nodes.sums() == {A: (0, 0, 0), B: (0, 0, 0)}
