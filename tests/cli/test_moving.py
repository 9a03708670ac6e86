from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from cli.command_line import documents, run
from cli.folder import Folder
from ledger.books import exchange
from postgres_server import PostgresServer
from waypost.stores.lock import take_lock
from waypost.stores.sql.journal import SqliteJournal
from waypost.stores.sql.variables import URL

pytestmark = pytest.mark.process


def other(*words: str, **environ: str) -> list[dict[str, object]]:
    """What a command in a process of its own prints."""
    command = [sys.executable, "-c", "from waypost.cli.entry import run; run()", *words, "--json"]
    done = subprocess.run(command, capture_output=True, check=True, timeout=30, env={**os.environ, **environ})
    return [msgspec.json.decode(line) for line in done.stdout.splitlines()]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "data")
    made.one("keys", "create", "--name", "app", "--budget", "5.00")
    with closing(SqliteJournal(made.path)) as journal:
        journal.post("1.intents", 3, [exchange(number, number, ("key:k1:total",)) for number in (1, 2, 3)])
    return made


def test_everything_is_there_afterwards(folder: Folder, postgres: PostgresServer) -> None:
    where = postgres.new_database()
    password = {name: value for name, value in where.items() if name != URL}
    words = ("--data", str(folder.path))
    kept = folder.all("requests", "tail"), folder.all("keys", "list"), folder.one("ledger", "verify")
    done = run("db", "copy", "--to", where[URL], *words, "--json", **password)
    assert done.exit_code == 0, done.stderr
    (told,) = documents(done)
    tables = told["tables"]
    assert isinstance(tables, dict)
    assert (tables["lines"], tables["keys"]) == (3, 1)
    assert [other("requests", "tail", *words, **where), other("keys", "list", *words, **where)] == [*kept[:2]]
    assert documents(run("ledger", "verify", *words, "--json", **where)) == [kept[2]]
    again = run("db", "copy", "--to", where[URL], *words, **password)
    assert again.exit_code == 1
    assert "has rows already" in again.stderr
    shown = run("db", "copy", "--to", postgres.new_database()[URL], *words, **password)
    assert "the sums are the same" in shown.stdout


def test_when_it_is_not_done(folder: Folder, postgres: PostgresServer, tmp_path: Path) -> None:
    where = postgres.new_database()
    words = ("db", "copy", "--to", where[URL], "--data")
    gateway = take_lock(folder.path)
    assert "Another gateway" in run(*words, str(folder.path)).stderr
    gateway.give_back()
    assert run(*words, str(folder.path), **where).exit_code == 2
    assert "There is no database" in run(*words, str(tmp_path / "none")).stderr
    assert run("db", "copy", "--to", "mysql://x/y", "--data", str(folder.path)).exit_code == 1
