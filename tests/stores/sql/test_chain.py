"""What verification finds: rows that were altered, taken out, moved, cut off, or made anew."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from sqlalchemy import text

from waypost.core.deed import GENESIS, Deed, Done, Wanted, hash_of
from waypost.stores.sql.audit_log import AuditRows
from waypost.stores.sql.chain import Head, verify
from waypost.stores.sql.engine import Database
from waypost.stores.sql.tables import AUDIT

COLUMNS = ", ".join(column.name for column in AUDIT.columns if column.name != "seq")


@pytest.fixture
def log(database: Database) -> Database:
    """Ten rows."""
    database.wall = lambda: 7.0
    for number in range(10):
        AuditRows(database.by(Deed(action="put_team"))).add(Done("team", str(number), f"team {number}"))
    return database


def run(database: Database, *statements: str) -> None:
    with database.write() as connection:
        for statement in statements:
            connection.execute(text(statement))


def faults(database: Database, head: Head | None = None) -> Sequence[tuple[str, int, int]]:
    found = verify(database, head)
    assert found.wrong == len(found.faults)
    return [(each.kind, each.seq, each.count) for each in found.faults]


def test_a_whole_log(log: Database) -> None:
    told: list[int] = []
    found = verify(log, progress=told.append)
    assert (found.rows, found.first, found.last, found.anchor, found.faults) == (10, 1, 10, 0, ())
    assert told == [10]
    assert found.head == AuditRows(log).page(Wanted(), None, 1)[0].hash


def test_an_empty_log(database: Database) -> None:
    found = verify(database, Head(GENESIS, 0))
    assert (found.rows, found.first, found.last, found.head, found.wrong) == (0, 0, 0, GENESIS, 0)


@pytest.mark.parametrize(
    "change",
    [
        "actor = 'user:other'", "via = 'x'", "organization_id = 'x'", "action = 'x'", "kind = 'x'", "object_id = 'x'",
        "name = 'x'", "outcome = 'failed'", "changes = '{}x'", "request_id = 'x'", "address = 'x'", "at_us = 8",
    ],
)  # fmt: skip
def test_an_altered_row(log: Database, change: str) -> None:
    run(log, f"UPDATE audit SET {change} WHERE seq = 4")
    assert faults(log) == [("altered", 4, 1)]


def test_an_altered_row_with_a_hash_that_fits(log: Database) -> None:
    before, row = (AuditRows(log).page(Wanted(of=str(number)), None, 1)[0] for number in (2, 3))
    made = hash_of(before.hash, msgspec.structs.replace(row.entry, name="x"))
    with log.write() as connection:
        connection.execute(text("UPDATE audit SET name = 'x', hash = :made WHERE seq = 4"), {"made": made})
    assert faults(log) == [("altered", 5, 1)], "the row behind it tells"


def test_rows_that_were_taken_out(log: Database) -> None:
    run(log, "DELETE FROM audit WHERE seq IN (3, 4, 8)")
    assert faults(log) == [("missing", 3, 2), ("missing", 8, 1)]


def test_rows_that_were_taken_out_and_counted_anew(log: Database) -> None:
    run(log, "DELETE FROM audit WHERE seq = 3")
    for seq in range(4, 11):
        run(log, f"UPDATE audit SET seq = {seq - 1} WHERE seq = {seq}")
    run(log, "UPDATE versions SET value = 9 WHERE name = 'audit'")
    assert faults(log)[0] == ("altered", 3, 1)


def test_rows_that_were_moved(log: Database) -> None:
    run(log, *(f"UPDATE audit SET seq = {b} WHERE seq = {a}" for a, b in ((3, 99), (4, 3), (99, 4))))
    assert [kind for kind, _, _ in faults(log)] == ["altered"] * 3


def test_an_end_that_was_cut_off(log: Database) -> None:
    run(log, "DELETE FROM audit WHERE seq > 7")
    assert faults(log) == [("cut", 8, 3)]
    AuditRows(log).add(Done("path"))
    assert ("missing", 8, 3) in faults(log), "the log goes on, and still tells"


def test_an_end_that_was_cut_off_well_is_told_by_a_head_from_elsewhere(log: Database) -> None:
    kept = verify(log)
    run(log, "DELETE FROM audit WHERE seq > 7", "UPDATE versions SET value = 7 WHERE name = 'audit'")
    assert faults(log) == []
    assert faults(log, Head(kept.head)) == [("head", 0, 1)]
    assert faults(log, Head(kept.head, kept.last)) == [("head", 10, 1)]


def test_a_head_from_elsewhere_is_found_wherever_it_is(log: Database) -> None:
    for kept in AuditRows(log).oldest_first(Wanted()):
        assert faults(log, Head(kept.hash)) == []
        assert faults(log, Head(kept.hash, kept.entry.seq)) == []
        assert faults(log, Head(kept.hash, kept.entry.seq + 1)) == [("head", kept.entry.seq + 1, 1)]


def test_a_log_that_was_made_anew_is_told_by_a_head_from_elsewhere(log: Database) -> None:
    kept, previous = verify(log), GENESIS
    for row in list(AuditRows(log).oldest_first(Wanted())):
        entry = msgspec.structs.replace(row.entry, actor="user:somebody else")
        previous = hash_of(previous, entry)
        with log.write() as connection:
            values = {"made": previous, "seq": entry.seq, "actor": entry.actor}
            connection.execute(text("UPDATE audit SET actor = :actor, hash = :made WHERE seq = :seq"), values)
    assert faults(log) == []
    assert faults(log, Head(kept.head, kept.last)) == [("head", 10, 1)]


def test_a_beginning_that_was_cut_off(log: Database) -> None:
    run(log, "DELETE FROM audit WHERE seq < 4")
    assert faults(log) == [("missing", 1, 3)]
    run(
        log,
        "INSERT INTO audit_anchors (seq, hash) SELECT seq - 1, hash FROM audit WHERE seq = 4",
    )
    assert ("anchor", 3, 1) in faults(log), "no row names it"


def test_rows_that_come_back_before_the_beginning(log: Database) -> None:
    AuditRows(log).drop(8_000_000, slice_rows=3)
    assert faults(log) == []
    run(log, f"INSERT INTO audit (seq, {COLUMNS}) SELECT 2, {COLUMNS} FROM audit WHERE seq = 5")
    assert faults(log) == [("anchor", 2, 1)]


def test_very_many_faults_are_counted(database: Database) -> None:
    database.wall = lambda: 7.0
    for _ in range(120):
        AuditRows(database).add(Done("path"))
    run(database, "UPDATE audit SET name = 'x'")
    found = verify(database)
    assert (len(found.faults), found.wrong) == (100, 120)
