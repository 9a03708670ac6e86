from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import update

from cli.test_requests import exchange
from valkey_server import valkey
from waypost.cli.checkup import (
    check_config,
    check_database,
    check_folder,
    check_keys,
    check_local_model,
    check_python,
    check_shared,
    check_writer,
)
from waypost.stores.lock import take_lock
from waypost.stores.sql.engine import open_sqlite
from waypost.stores.sql.journal import SqliteJournal
from waypost.stores.sql.schema import prepare
from waypost.stores.sql.sqlite_file import FILE_NAME
from waypost.stores.sql.tables import ACCOUNTS
from waypost.stores.writer_process import take_writer_lock


def test_python_and_local_model() -> None:
    assert check_python().state == "ok"
    assert check_local_model().state in ("ok", "note")


def test_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    assert [finding.state for finding in check_folder(tmp_path)] == ["ok", "ok"]
    tmp_path.chmod(0o755)
    assert check_folder(tmp_path)[0].advice == f"chmod 700 {tmp_path}"
    assert check_folder(tmp_path / "none")[0].state == "note"
    (tmp_path / "file").touch()
    assert check_folder(tmp_path / "file")[0].state == "wrong"


def test_ledger_sums_are_checked_to_the_nano_dollar(tmp_path: Path) -> None:
    assert check_database(tmp_path)[0].state == "note"
    database = open_sqlite(tmp_path)
    prepare(database)
    account = "key:k:total"
    with closing(SqliteJournal(tmp_path)) as journal:
        journal.post("s", 1, [msgspec.structs.replace(exchange(1), accounts=(account,))])
    pages, ledger = check_database(tmp_path)
    assert (pages.state, ledger.state) == ("ok", "ok")
    assert "1 lines, $0.000123, 1 accounts" in ledger.message
    with database.write() as connection:
        connection.execute(update(ACCOUNTS).values(posted_nusd=ACCOUNTS.c.posted_nusd + 1))
    database.close()
    _, ledger = check_database(tmp_path)
    assert (ledger.state, account in ledger.message) == ("wrong", True)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"not a database, but long enough to look at " * 100)
    assert check_database(tmp_path)[0].state == "wrong"


def test_keys_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-abcdefgh")
    monkeypatch.setenv("GROQ_API_KEY", "your-api-key")
    snapshot, finding = check_config(None)
    assert finding.state == "ok"
    found = {one.name: one for one in check_keys(snapshot)}
    assert found["provider openai"].state == "ok"
    assert found["provider groq"].state == "note"
    assert "your-api-key" not in repr(found)


def test_the_writer_is_looked_for_where_a_gateway_runs(tmp_path: Path) -> None:
    assert check_writer(tmp_path) == []
    writer = take_writer_lock(tmp_path)
    writer.announce(4711)
    (left,) = check_writer(tmp_path)
    assert (left.state, "4711" in left.message) == ("note", True)
    gateway = take_lock(tmp_path)
    (well,) = check_writer(tmp_path)
    assert (well.state, "4711" in well.message, str(os.getpid()) in well.message) == ("ok", True, True)
    writer.let_go()
    (dead,) = check_writer(tmp_path)
    assert dead.state == "wrong"
    gateway.give_back()


def test_the_shared_store_is_asked_where_one_is_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "waypost.yaml"
    file.write_text("discovery: {environment: false, local: false}\n")
    snapshot, _ = check_config(file)
    assert check_shared(None) == check_shared(snapshot) == []
    with valkey() as server:
        monkeypatch.setenv("SHARED_URL", f"redis://me:hidden@{server.host}:{server.port}/0")
        file.write_text("shared: {url: env:SHARED_URL, namespace: prod}\n")
        refused, _ = check_config(file)
        monkeypatch.setenv("SHARED_URL", f"redis://{server.host}:{server.port}/0")
        snapshot, _ = check_config(file)
        (found,) = check_shared(snapshot)
        assert (found.state, "0 changes" in found.message) == ("ok", True)
        (found,) = check_shared(snapshot, {"WAYPOST_DATABASE_URL": "postgresql://db"})
        assert (found.state, "; limits are counted there" in found.message) == ("ok", True)
        (found,) = check_shared(refused)
        assert (found.state, "wants a password" in found.message) == ("wrong", True)
        assert "hidden" not in f"{found}"
    (found,) = check_shared(snapshot)
    assert (found.state, "no connection" in found.message) == ("wrong", True)
