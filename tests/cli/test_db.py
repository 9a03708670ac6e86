from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from cli.command_line import documents, run
from cli.folder import Folder
from ledger.books import AT
from postgres_server import PostgresServer
from waypost.stores.sql.engine import open_sqlite
from waypost.stores.sql.leases import LeaseRows
from waypost.stores.sql.opening import open_database
from waypost.stores.sql.schema import HEAD


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A data folder with a key."""
    made = Folder(tmp_path / "data")
    made.one("keys", "create", "--name", "app")
    return made


def test_upgrade(folder: Folder) -> None:
    assert folder.one("db", "upgrade") == {"from": HEAD, "to": HEAD}
    assert "the newest" in folder.run("db", "upgrade").stdout


def test_an_upgrade_of_older_tables(folder: Folder) -> None:
    with closing(open_sqlite(folder.path)) as database, database.write() as connection:
        # As an older revision left them.
        for column in ("markup_nusd", "units"):
            connection.exec_driver_sql(f"ALTER TABLE lines DROP COLUMN {column}")
        for table in ("usage", "audit", "audit_anchors", "leases"):
            connection.exec_driver_sql(f"DROP TABLE {table}")
        connection.exec_driver_sql("DELETE FROM versions WHERE name = 'audit'")
        connection.exec_driver_sql("DROP TABLE nodes")
        connection.exec_driver_sql("ALTER TABLE accounts DROP COLUMN leased_nusd")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0007'")
    assert "works with revision" in folder.run("db", "status").stdout
    told = folder.one("db", "status")
    assert (told["revision"], "leases" in told["rows"], told["nodes"]) == ("0007", False, [])
    assert folder.one("db", "upgrade") == {"from": "0007", "to": HEAD}
    assert folder.one("db", "status")["rows"]["leases"] == 0


def test_status(folder: Folder) -> None:
    told = folder.one("db", "status")
    assert (told["kind"], told["revision"], told["newest"]) == ("sqlite", HEAD, HEAD)
    assert told["rows"]["keys"] == 1
    shown = folder.run("db", "status").stdout
    assert f"SQLite, revision {HEAD}" in shown
    assert ["keys", "1"] in [line.split() for line in shown.splitlines()]


def test_what_there_is_not(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    for words in (("db", "status"), ("db", "upgrade"), ("db", "backup", str(tmp_path / "b"))):
        assert "There is no database in the folder" in folder.refused(*words)


def test_a_backup_and_its_restore(folder: Folder, tmp_path: Path) -> None:
    file = str(tmp_path / "b.db")
    assert "b.db" in folder.run("db", "backup", file).stdout
    assert "--replace" in folder.refused("db", "backup", file)
    assert folder.one("db", "backup", file, "--replace")["revision"] == HEAD
    folder.one("keys", "revoke", "app")
    assert "left alone" in folder.refused("db", "restore", file)
    shown = folder.run("db", "restore", file, "--replace")
    assert shown.exit_code == 0
    assert "is kept as" in shown.stdout
    assert "valid again" in shown.stdout
    assert [key["state"] for key in folder.all("keys", "list")] == ["active"]
    fresh = Folder(tmp_path / "fresh")
    assert fresh.one("db", "restore", file)["kept"] is None
    assert [key["name"] for key in fresh.all("keys", "list")] == ["app"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("backup", "f.dump"), "pg_dump --format=custom --file=f.dump postgresql://u@127.0.0.1:5432/d"),
        (("restore", "f.dump"), "pg_restore --clean"),
    ],
)
def test_a_server_is_backed_up_by_its_own_tools(words: tuple[str, ...], told: str, tmp_path: Path) -> None:
    url = "postgresql://u:secret@127.0.0.1/d"
    done = run("db", *words, "--data", str(tmp_path), WAYPOST_DATABASE_URL=url)
    assert done.exit_code == 2
    assert told in done.stderr
    assert "secret" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.process
def test_a_node_is_forgotten_after_asking(postgres: PostgresServer, tmp_path: Path) -> None:
    where = postgres.new_database(prepared=True)
    database = open_database(tmp_path, where)
    assert database is not None
    with closing(database):
        LeaseRows(database, "aaaaaaaaaaaa").seen("there", "1.0", AT)
    words = ("--data", str(tmp_path))
    assert "aaaaaaaaaaaa" in run("db", "status", *words, **where).stdout
    assert run("db", "nodes", "forget", "aaaaaaaaaaaa", *words, stdin="n\n", **where).exit_code == 1
    (told,) = documents(run("db", "nodes", "forget", "aaaaaaaaaaaa", "--yes", "--json", *words, **where))
    assert told == {"node": "aaaaaaaaaaaa", "accounts": 0, "given_back_nano_usd": {}}
    done = run("db", "nodes", "forget", "aaaaaaaaaaaa", "--yes", *words, **where)
    assert done.exit_code == 1
    assert "There is no node" in done.stderr
