from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from ledger.books import exchange
from waypost.errors import ConfigError
from waypost.stores.lock import take_lock
from waypost.stores.sql.backup import check_backup, restore_backup, write_backup
from waypost.stores.sql.engine import open_sqlite
from waypost.stores.sql.journal import SqliteJournal
from waypost.stores.sql.schema import HEAD, prepare
from waypost.stores.sql.sqlite_file import FILE_NAME

A = "key:k1:total"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with 200 lines."""
    folder = tmp_path / "data"
    database = open_sqlite(folder)
    prepare(database)
    database.close()
    post(folder, range(200))
    return folder


def post(folder: Path, numbers: range) -> None:
    with closing(SqliteJournal(folder)) as journal:
        for number in numbers:
            journal.post("1.intents", number + 1, [exchange(number, 3, (A,))])


def posted(folder: Path) -> int:
    with closing(SqliteJournal(folder)) as journal:
        assert journal.drift() == {}
        return journal.posted([A])[A]


def test_a_backup_is_whole_private_and_restored_as_it_was(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "b.db"
    told: list[tuple[int, int]] = []
    made = write_backup(data, file, progress=lambda done, total: told.append((done, total)))
    assert file.stat().st_mode & 0o777 == 0o600
    assert (made.revision, made.size) == (HEAD, file.stat().st_size)
    assert told
    assert told[-1][0] == told[-1][1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.db", "b.db.sha256", "data"]
    assert check_backup(file) == made
    post(data, range(200, 210))
    fresh = tmp_path / "fresh"
    found, aside = restore_backup(file, fresh, stamp="now")
    assert (found, aside) == (made, None)
    assert posted(fresh) == 600
    assert (fresh / FILE_NAME).stat().st_mode & 0o777 == 0o600
    assert posted(data) == 630


def test_a_backup_while_others_write_is_of_one_moment(data: Path, tmp_path: Path) -> None:
    begun, stop, numbers = threading.Event(), threading.Event(), iter(range(200, 100_000))

    def write() -> None:
        with closing(SqliteJournal(data)) as journal:
            while not stop.is_set():
                number = next(numbers)
                journal.post("1.intents", number + 1, [exchange(number, 3, (A,))])
                begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    begun.wait()
    for number in range(5):
        write_backup(data, tmp_path / f"{number}.db")
    stop.set()
    writer.join()
    sums = []
    for number in range(5):
        restore_backup(tmp_path / f"{number}.db", tmp_path / f"to-{number}", stamp="now")
        sums.append(posted(tmp_path / f"to-{number}"))
    assert sums == sorted(sums)
    assert 600 < sums[-1] <= posted(data)


@pytest.mark.parametrize("place", [0, 1000, 20_000, -1])
def test_a_flipped_byte_is_refused(data: Path, tmp_path: Path, place: int) -> None:
    file = tmp_path / "b.db"
    write_backup(data, file)
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)
    with pytest.raises(ConfigError, match="is not what was backed up"):
        restore_backup(file, tmp_path / "fresh", stamp="now")
    assert not (tmp_path / "fresh").exists()


def test_a_backup_without_its_sum(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "b.db"
    write_backup(data, file)
    kept = tmp_path / "b.db.sha256"
    for content in (b"", b"\xff", b"abc  b.db\n", None):
        if content is None:
            kept.unlink()
        else:
            kept.write_bytes(content)
        with pytest.raises(ConfigError, match="--without-sum"):
            check_backup(file)
    assert check_backup(file, without_sum=True).revision == HEAD
    content = bytearray(file.read_bytes())
    content[4096 * 3 : 4096 * 3 + 300] = bytes(300)
    file.write_bytes(content)
    with pytest.raises(ConfigError, match="damaged"):
        check_backup(file, without_sum=True)


def test_what_is_no_backup_of_ours(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "other"
    with pytest.raises(ConfigError, match="There is no backup"):
        check_backup(file)
    file.write_text("hello")
    with pytest.raises(ConfigError, match="not a database of Waypost"):
        check_backup(file, without_sum=True)
    file.unlink()
    with closing(sqlite3.connect(file)) as other:
        other.execute("CREATE TABLE t (x)")
    with pytest.raises(ConfigError, match="not a database of Waypost"):
        check_backup(file, without_sum=True)
    file.unlink()
    with closing(sqlite3.connect(data / FILE_NAME)) as newer, newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ConfigError, match="newer version"):
        write_backup(data, file)
    assert not file.exists()


def test_nothing_is_overwritten_unless_it_may_be(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "b.db"
    write_backup(data, file)
    with pytest.raises(ConfigError, match="is there already"):
        write_backup(data, file)
    post(data, range(200, 201))
    newer = write_backup(data, file, replace=True)
    assert check_backup(file) == newer
    post(data, range(201, 202))
    with pytest.raises(ConfigError, match="left alone"):
        restore_backup(file, data, stamp="now")
    assert posted(data) == 606


def test_what_is_replaced_is_kept_with_what_was_not_yet_in_its_file(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "b.db"
    write_backup(data, file)
    with closing(SqliteJournal(data)) as journal:
        journal.post("1.intents", 201, [exchange(200, 3, (A,))])
        _, aside = restore_backup(file, data, stamp="now", replace=True)
    assert aside == data / f"replaced-now-{FILE_NAME}"
    assert posted(data) == 600
    with pytest.raises(ConfigError, match="is there already"):
        restore_backup(file, data, stamp="now", replace=True)
    assert posted(data) == 600
    (tmp_path / "old").mkdir()
    aside.rename(tmp_path / "old" / FILE_NAME)
    assert posted(tmp_path / "old") == 603


def test_a_wal_without_its_database_is_not_played_into_the_restored_one(data: Path, tmp_path: Path) -> None:
    write_backup(data, tmp_path / "b.db")
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    (fresh / f"{FILE_NAME}-wal").write_bytes(b"left over")
    restore_backup(tmp_path / "b.db", fresh, stamp="now")
    assert posted(fresh) == 600


def test_a_folder_in_use_is_left_alone(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "b.db"
    write_backup(data, file)
    gateway = take_lock(data)
    with pytest.raises(ConfigError, match="Another gateway"):
        restore_backup(file, data, stamp="now", replace=True)
    gateway.give_back()


def test_a_folder_without_a_database(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="There is no database"):
        write_backup(tmp_path, tmp_path / "b.db")
