import sqlite3

import pytest

from waypost.errors import Bug, StoreUnavailable
from waypost.stores.sql.engine import open_sqlite
from waypost.stores.sql.schema import prepare


def mode(path) -> int:
    return path.stat().st_mode & 0o777


def test_folder_and_files_are_for_the_owner_only(tmp_path):
    data = tmp_path / "data"
    database = open_sqlite(data)
    prepare(database)
    with database.write() as connection:
        connection.exec_driver_sql("INSERT INTO meta VALUES ('a', 'b')")

    assert mode(data) == 0o700
    assert {path.name: mode(path) for path in data.iterdir()} == {
        "waypost.db": 0o600,
        "waypost.db-wal": 0o600,
        "waypost.db-shm": 0o600,
    }
    database.close()


@pytest.mark.parametrize(("durability", "level"), [("process", 1), ("fsync", 2)])
def test_settings(tmp_path, durability, level):
    database = open_sqlite(tmp_path, durability=durability)
    with database.read() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }

    assert found == {"journal_mode": "wal", "synchronous": level, "foreign_keys": 1}
    database.close()


def test_a_lock_of_another_process_is_unavailable_and_heals(tmp_path):
    database = open_sqlite(tmp_path, busy_s=0.01)
    prepare(database)
    other = sqlite3.connect(tmp_path / "waypost.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreUnavailable), database.write():
        raise AssertionError("must not be reached")
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM keys").scalar() == 0
    other.execute("COMMIT")
    other.close()
    with database.write() as connection:
        connection.exec_driver_sql("INSERT INTO meta VALUES ('a', 'b')")
    database.close()


def test_a_failed_transaction_changes_nothing(tmp_path):
    database = open_sqlite(tmp_path)
    prepare(database)

    def insert_twice() -> None:
        with database.write() as connection:
            for _ in range(2):
                connection.exec_driver_sql("INSERT INTO meta VALUES ('a', 'secret value')")

    with pytest.raises(Bug) as raised:
        insert_twice()
    assert "secret" not in raised.value.message
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM meta").scalar() == 0
    database.close()


def test_a_number_that_does_not_fit_is_a_bug_not_a_crash(tmp_path):
    database = open_sqlite(tmp_path)
    with pytest.raises(Bug, match="OverflowError"), database.read() as connection:
        connection.exec_driver_sql("SELECT ?", (2**70,))
    database.close()


def test_a_file_that_is_no_database_is_said_so(tmp_path):
    (tmp_path / "waypost.db").write_bytes(b"this is no database" * 100)
    database = open_sqlite(tmp_path)

    with pytest.raises(StoreUnavailable, match="not a database"):
        prepare(database)
    database.close()


def test_a_folder_that_can_not_be_used_is_named(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(StoreUnavailable, match="can not be opened"):
        open_sqlite(tmp_path / "file")
