"""What a server may do to a database that the gateway works on."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from postgres_server import PostgresServer
from waypost.errors import ConfigError, StoreUnavailable
from waypost.stores.sql.engine import Database
from waypost.stores.sql.keys import KeyRows, NewKey
from waypost.stores.sql.opening import open_database
from waypost.stores.sql.variables import PASSWORD, UNSAFE, URL

pytestmark = pytest.mark.process


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    with PostgresServer(durable=True) as running:
        yield running


def opened(where: dict[str, str], folder: Path) -> Database:
    database = open_database(folder, where)
    assert database is not None
    return database


def test_it_heals_by_itself_after_a_kill(server: PostgresServer, tmp_path: Path) -> None:
    database = opened(server.new_database(), tmp_path)
    keys = KeyRows(database)
    _, key = keys.create(NewKey("a"), 1.0, secrets.token_bytes)
    server.kill()
    with pytest.raises(StoreUnavailable, match="does not answer"):
        keys.version()
    server.start()
    assert keys.get(key.key_id) == key
    keys.create(NewKey("b"), 1.0, secrets.token_bytes)
    assert keys.version() == 2
    database.close()


def test_who_writes_waits_for_who_wrote_first(postgres: PostgresServer, tmp_path: Path) -> None:
    where = postgres.new_database(prepared=True)
    ours, theirs = opened(where, tmp_path), opened(where, tmp_path)
    keys, order = KeyRows(theirs), list[str]()

    def create() -> None:
        keys.create(NewKey("later"), 2.0, secrets.token_bytes)
        order.append("theirs")

    with ours.write():
        thread = threading.Thread(target=create)
        thread.start()
        thread.join(0.2)  # it waits for our lock: nothing that it could do ends this earlier
        assert thread.is_alive()
        order.append("ours")
    thread.join(10)
    assert order == ["ours", "theirs"]
    ours.close()
    theirs.close()


def test_who_reads_sees_one_picture(postgres: PostgresServer, tmp_path: Path) -> None:
    where = postgres.new_database(prepared=True)
    ours, theirs = opened(where, tmp_path), opened(where, tmp_path)
    with ours.read() as connection:
        before = connection.exec_driver_sql("SELECT count(*) FROM keys").scalar()
        KeyRows(theirs).create(NewKey("a"), 1.0, secrets.token_bytes)
        assert connection.exec_driver_sql("SELECT count(*) FROM keys").scalar() == before == 0
    with ours.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM keys").scalar() == 1
    ours.close()
    theirs.close()


def test_a_wrong_password_and_a_missing_database(postgres: PostgresServer, tmp_path: Path) -> None:
    where = postgres.new_database()
    with pytest.raises(StoreUnavailable, match="SQLSTATE 28P01"):
        open_database(tmp_path, {**where, PASSWORD: "wrong"})
    with pytest.raises(StoreUnavailable, match="SQLSTATE 3D000"):
        open_database(tmp_path, {**where, URL: where[URL] + "_none"})


def test_a_server_that_would_lose_what_it_kept_is_refused(postgres: PostgresServer, tmp_path: Path) -> None:
    where = postgres.new_database()
    del where[UNSAFE]
    with pytest.raises(ConfigError, match="fsync"):
        open_database(tmp_path, where)


def test_a_server_that_keeps_later_than_it_says_is_refused(tmp_path: Path) -> None:
    with PostgresServer(durable=True) as server:
        where = server.new_database()
        name = where[URL].rpartition("/")[2]
        with server.connection() as connection:
            connection.run(f"ALTER DATABASE {name} SET synchronous_commit = off")
        with pytest.raises(ConfigError, match="synchronous_commit"):
            open_database(tmp_path, where)
        with server.connection() as connection:
            connection.run(f"ALTER DATABASE {name} SET synchronous_commit = local")
        opened(where, tmp_path).close()


def test_two_that_start_at_once_make_the_tables_once(postgres: PostgresServer, tmp_path: Path) -> None:
    where, faults = postgres.new_database(), list[BaseException]()

    def start() -> None:
        try:
            opened(where, tmp_path).close()
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert faults == []
