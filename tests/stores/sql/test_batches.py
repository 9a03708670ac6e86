from __future__ import annotations

import msgspec
import pytest
from sqlalchemy.dialects import postgresql

from contract.stores.test_batches_contract import ONE, another
from waypost.core.file import Page
from waypost.core.record import Attempt, Exchange
from waypost.core.usage import Usage
from waypost.stores.sql.batches import BatchRows, _dispatched
from waypost.stores.sql.engine import Database
from waypost.stores.sql.journal import SqliteJournal


def attempt(attempt_id: str, state: str) -> Attempt:
    usage = Usage(input=1) if state != "voided" else None
    return msgspec.convert(
        [attempt_id, "p", "m", 1, state, 200, None, None, 5, msgspec.to_builtins(usage), 0, None], Attempt
    )


def exchange(exchange_id: str, *states: str) -> Exchange:
    attempts = tuple(attempt(f"{exchange_id}.{n}", state) for n, state in enumerate(states, 1))
    return Exchange(
        exchange_id, 1, "k1", "chat", "m", "m", False, 200, "ok", None, None, 9, 1, 0, 1, (), attempts
    )


def test_what_may_have_been_billed_was_dispatched(database: Database, journal: SqliteJournal) -> None:
    told = [
        exchange("wp-1", "settled"),
        exchange("wp-1-2", "voided", "settled"),
        exchange("wp-1-3", "voided"),
        exchange("wp-1-4"),
        exchange("wp-1-5"),
        exchange("wp-1-5-2", "unknown"),
        exchange("wp-1-60", "settled"),
        exchange("wp-1-b", "settled"),
        exchange("wp-10-7", "settled"),
        exchange("wp-1.8", "settled"),
    ]
    journal.post("s", 1, told)

    assert BatchRows(database).dispatched("wp-1") == {2, 5, 60}


def test_what_is_over_goes_in_slices(database: Database) -> None:
    rows = BatchRows(database)
    for number in range(5):
        rows.put(another(number, status="completed"), 100.0 + number)
    rows.put(another(9))

    assert [rows.delete_expired(103.0, slice_rows=3) for _ in range(3)] == [3, 1, 0]
    assert rows.get("batch_4", None) is not None
    assert rows.get("batch_9", None) == another(9)
    assert rows.get(ONE.batch_id, None) is None


@pytest.mark.parametrize("where", [{}], ids=["sqlite"])
def test_ids_are_compared_byte_by_byte_everywhere(database: Database) -> None:
    query = _dispatched("wp-1")
    text = str(query.compile(dialect=postgresql.dialect()))
    assert text.count('(attempts.exchange_id COLLATE "C")') == 2
    with database.read() as connection:
        plan = connection.exec_driver_sql(
            "EXPLAIN QUERY PLAN " + str(query.compile(connection, compile_kwargs={"literal_binds": True}))
        ).all()
    assert "PRIMARY KEY (exchange_id>? AND exchange_id<?)" in plan[0][3]


def test_a_nodes_batches_are_its_own(database: Database) -> None:
    there = Database(database.engine)
    there.home = "other"
    BatchRows(database).put(ONE)
    assert BatchRows(there).unfinished() == []
    assert BatchRows(there).get(ONE.batch_id, None) is None
    assert BatchRows(there).page(Page(10)) == []
    assert BatchRows(database).unfinished() == [ONE]
