"""What only the SQL journal has; the rest is in tests/contract/stores."""

import sqlite3
from pathlib import Path

import msgspec
import pytest

from ledger.books import exchange
from waypost.errors import Bug, StoreUnavailable
from waypost.stores.sql.journal import SqliteJournal

A = "key:k1:day:2026-09-21"


def test_an_account_row_says_whose_it_is_and_which_window(database, journal):
    journal.post("s1", 1, [exchange(1, 3, (A,))])

    with database.read() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM accounts").all()
    assert rows == [(A, "key", "k1", "day:2026-09-21", 3, 1, 0)]


def test_drift_finds_an_account_that_is_not_the_sum_of_its_lines(database, journal):
    journal.post("s1", 1, [exchange(1, 3, (A, "key:k2:total")), exchange(2, None, (A,))])
    assert journal.drift() == {}

    with database.write() as connection:
        connection.exec_driver_sql("UPDATE accounts SET posted_nusd = posted_nusd + 1 WHERE scope_id = 'k2'")
    assert journal.drift() == {"key:k2:total": 1}


def test_a_line_names_the_accounts_that_count_it(database, journal):
    accounts = (A, "provider:org/openai:total", "provider:org/azure:total")
    journal.post("s1", 1, [exchange(1, 3, accounts)])

    assert journal.drift() == {}
    with database.read() as connection:
        (line,) = connection.exec_driver_sql("SELECT accounts FROM lines").all()
        (held,) = connection.exec_driver_sql("SELECT accounts FROM exchanges").all()
    assert msgspec.json.decode(line[0]) == list(accounts[:2])
    assert msgspec.json.decode(held[0]) == list(accounts)


def test_lines_are_unique_by_attempt_even_without_the_request_log(database, journal):
    journal.post("s1", 1, [exchange(1, 3, (A,))])
    with database.write() as connection:
        connection.exec_driver_sql("DELETE FROM attempts")
        connection.exec_driver_sql("DELETE FROM exchanges")

    assert journal.repost([exchange(1, 3, (A,))]) == 0
    assert journal.posted([A]) == {A: 3}


def test_a_folder_without_a_database_is_unavailable(tmp_path: Path):
    with pytest.raises(StoreUnavailable):
        SqliteJournal(tmp_path)
    assert list(tmp_path.iterdir()) == [], "it makes none: the tables would be missing"


def test_a_file_that_is_no_database_is_told(tmp_path: Path):
    (tmp_path / "waypost.db").write_bytes(b"not a database, whatever it is " * 40)
    with pytest.raises(StoreUnavailable, match="damaged"):
        SqliteJournal(tmp_path)


@pytest.mark.parametrize("where", [{}], ids=["sqlite"])
def test_a_locked_database_is_unavailable_and_heals(database, tmp_path):
    impatient = SqliteJournal(tmp_path, busy_s=0.001)
    other = sqlite3.connect(tmp_path / "waypost.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable):
        impatient.post("s1", 1, [exchange(1, 3, (A,))])
    other.execute("ROLLBACK")
    impatient.post("s1", 1, [exchange(1, 3, (A,))])
    assert impatient.posted([A]) == {A: 3}
    other.close()
    impatient.close()


def test_a_number_that_no_column_holds_is_a_bug_and_changes_nothing(journal):
    with pytest.raises(Bug):
        journal.post("s1", 1, [exchange(1, 3, (A,)), exchange(2, 2**70, (A,))])
    assert journal.posted([A]) == {}
    journal.post("s1", 1, [exchange(1, 3, (A,))])


@pytest.mark.parametrize("where", [{}], ids=["sqlite"])
@pytest.mark.parametrize(("durability", "synchronous"), [("process", 1), ("fsync", 2)])
def test_a_commit_is_as_durable_as_was_asked_for(database, tmp_path, durability, synchronous):
    journal = SqliteJournal(tmp_path, durability=durability)
    assert journal._connection.execute("PRAGMA synchronous").fetchone() == (synchronous,)
    assert journal._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    journal.close()


@pytest.mark.parametrize("where", [{}], ids=["sqlite"])
def test_a_writer_that_others_wait_for_pauses_every_few_rows(database, tmp_path):
    pauses = []
    journal = SqliteJournal(tmp_path, pause=lambda: pauses.append(1))
    journal.post("s1", 1, [exchange(number, 3, (A,)) for number in range(100)])
    assert len(pauses) >= 4 * 100 // 16
    assert journal.posted([A]) == {A: 300}
    assert journal.repost([exchange(number, 3, (A,)) for number in range(101)]) == 1
    journal.close()


@pytest.mark.parametrize("where", [{}], ids=["sqlite"])
def test_where_others_lease_from_the_file_it_is_not_kept_locked_for_a_pause(database, tmp_path):
    pauses = []
    journal = SqliteJournal(
        tmp_path, node="b", pause=lambda: pauses.append(journal._connection.in_transaction)
    )
    journal.post("s1", 1, [exchange(number, 3, (A,)) for number in range(100)])
    assert pauses == [False] * (100 // 16), "while rows are made, and not while they are written"
    journal.close()
