"""What is the PostgreSQL journal's own; what every journal does is in the contract suite."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from ledger.books import exchange
from postgres_server import PostgresServer
from waypost.errors import Bug, StoreUnavailable
from waypost.stores.sql.address import parse_address, secret_from
from waypost.stores.sql.opening import open_database
from waypost.stores.sql.postgres_journal import PostgresJournal
from waypost.stores.sql.postgres_link import Connector
from waypost.stores.sql.requests import RequestLog
from waypost.stores.sql.variables import URL

pytestmark = pytest.mark.process
A = "key:k1:total"


@pytest.fixture
def where(postgres: PostgresServer) -> dict[str, str]:
    return postgres.new_database(prepared=True)


def journal_of(where: dict[str, str], node: str) -> PostgresJournal:
    return PostgresJournal(Connector(parse_address(where[URL]), secret_from(where)), node)


@pytest.fixture
def two(where: dict[str, str]) -> Iterator[tuple[PostgresJournal, PostgresJournal]]:
    made = journal_of(where, "a"), journal_of(where, "b")
    yield made
    for each in made:
        each.close()


def test_nodes_have_segments_of_their_own_and_accounts_together(
    two: tuple[PostgresJournal, PostgresJournal],
) -> None:
    a, b = two
    a.post("s1", 3, [exchange(1, 5, (A,))])
    b.post("s1", 8, [exchange(2, 7, (A,))])
    assert (a.applied(), b.applied()) == ({"s1": 3}, {"s1": 8})
    a.forget("s1")
    assert (a.applied(), b.applied()) == ({}, {"s1": 8})
    assert a.posted([A]) == b.posted([A]) == {A: 12}
    assert a.drift() == {}


def test_a_node_whose_name_begins_another_one_sees_its_own(where: dict[str, str]) -> None:
    longer, shorter = journal_of(where, "aa"), journal_of(where, "a")
    longer.post("s1", 3, [])
    assert shorter.applied() == {}
    longer.close()
    shorter.close()


def test_a_refused_batch_leaves_the_connection_usable(two: tuple[PostgresJournal, PostgresJournal]) -> None:
    a, _ = two
    a.post("s1", 1, [exchange(1, 5, (A,))])
    with pytest.raises(Bug):
        a.post("s1", 2, [exchange(2, 5, (A,)), exchange(1, 5, (A,))])
    a.post("s1", 2, [exchange(2, 5, (A,))])
    assert a.posted([A]) == {A: 10}


def test_texts_that_the_server_can_not_hold(where: dict[str, str], tmp_path: Path) -> None:
    journal, odd = journal_of(where, "a"), exchange(1, 5, (A,))
    journal.post("s1", 1, [msgspec.structs.replace(odd, asked_model="a\x00b\t\\N\n", finish_reason="\\.")])
    database = open_database(tmp_path, where)
    assert database is not None
    told = RequestLog(database).get(odd.exchange_id)
    assert told is not None
    assert (told.asked_model, told.finish_reason) == ("a\N{REPLACEMENT CHARACTER}b\t\\N\n", "\\.")
    journal.close()
    database.close()


def test_a_server_that_is_killed_and_comes_back(tmp_path: Path) -> None:
    with PostgresServer(durable=True) as server:
        where = server.new_database()
        database = open_database(tmp_path, where)
        assert database is not None
        database.close()
        journal = journal_of(where, "a")
        journal.post("s1", 1, [exchange(1, 5, (A,))])
        server.kill()
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                journal.post("s1", 2, [exchange(2, 5, (A,))])
        server.start()
        # Whether a batch got there before the wire broke is found out by repeating it.
        assert journal.repost([exchange(1, 5, (A,)), exchange(2, 5, (A,))]) == 1
        assert journal.posted([A]) == {A: 10}
        assert journal.drift() == {}
        journal.close()
