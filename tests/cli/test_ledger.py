from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from cli.command_line import documents, run
from ledger.books import exchange
from postgres_server import PostgresServer
from waypost.stores.sql.journals import open_journal
from waypost.stores.sql.opening import open_database

A = "key:k1:total"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.process)])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """What the environment says of a database with some lines."""
    server: PostgresServer | None = None if request.param == "sqlite" else request.getfixturevalue("postgres")
    environ = {} if server is None else server.new_database(prepared=True)
    database = open_database(tmp_path, environ)
    assert database is not None
    with closing(database), closing(open_journal(tmp_path, environ)) as journal:
        journal.post("1.intents", 3, [exchange(number, number, (A,)) for number in (1, 2, 3)])
    return environ


def wrong(where: dict[str, str], data: Path) -> None:
    database = open_database(data, where)
    assert database is not None
    with closing(database), database.write() as connection:
        connection.exec_driver_sql("UPDATE accounts SET posted_nusd = 8, leased_nusd = 1")


def test_books_that_are_right(where: dict[str, str], tmp_path: Path) -> None:
    done = run("ledger", "verify", "--data", str(tmp_path), **where)
    assert done.exit_code == 0
    assert "3 lines: $0.000000006" in done.stdout
    told = run("ledger", "verify", "--json", "--data", str(tmp_path), **where)
    assert documents(told) == [
        {
            "ok": True,
            "accounts": 1,
            "lines": 3,
            "cost_usd": "0.000000006",
            "unpriced_lines": 0,
            "leased_usd": "0",
            "wrong": 0,
            "differences": [],
        }
    ]


def test_what_differs_is_named(where: dict[str, str], tmp_path: Path) -> None:
    wrong(where, tmp_path)
    done = run("ledger", "verify", "--data", str(tmp_path), **where)
    assert done.exit_code == 1
    line = next(line for line in done.stdout.splitlines() if "posted is not" in line)
    assert line.split()[0] == A
    assert line.split()[-2:] == ["$0.000000008", "$0.000000006"]
    told = run("ledger", "verify", "--json", "--data", str(tmp_path), **where)
    assert told.exit_code == 1
    (view,) = documents(told)
    assert (view["ok"], view["wrong"]) == (False, 2)
    assert view["differences"] == [
        {"kind": "leased", "subject": A, "kept": 1, "counted": 0},
        {"kind": "posted", "subject": A, "kept": 8, "counted": 6},
    ]


def test_a_folder_without_books(tmp_path: Path) -> None:
    done = run("ledger", "verify", "--data", str(tmp_path))
    assert done.exit_code == 1
    assert "There are no books" in done.stderr
