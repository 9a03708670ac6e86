from __future__ import annotations

import csv
import io
import os
import pwd
from pathlib import Path

import pytest

from cli.command_line import documents, run
from cli.folder import Folder
from waypost.core.deed import Deed, Done
from waypost.stores.sql.audit_log import AuditRows
from waypost.stores.sql.engine import open_sqlite

ME = f"cli:{pwd.getpwuid(os.getuid()).pw_name}"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    made.one("orgs", "create", "acme")
    made.one("keys", "create", "--name", "app", "--org", "acme")
    made.one("keys", "set", "app", "--rpm", "9")
    made.one("keys", "revoke", "app")
    return made


def test_every_change_from_the_command_line_has_a_row(folder: Folder) -> None:
    rows = folder.all("audit", "list")
    assert [(row["action"], row["kind"], row["name"]) for row in rows] == [
        ("keys revoke", "key", "app"),
        ("keys set", "key", "app"),
        ("keys create", "key", "app"),
        ("orgs create", "organization", "acme"),
    ]
    assert {(row["actor"], row["via"], row["outcome"]) for row in rows} == {("operator", ME, "done")}
    assert rows[1]["changes"] == {"rpm": [None, 9]}
    assert rows[0]["at"] > 1_700_000_000
    shown = folder.run("audit", "list").stdout
    assert "keys revoke" in shown
    assert ME in shown


@pytest.mark.parametrize(
    ("words", "seqs"),
    [
        (("--limit", "2"), [4, 3]),
        (("--action", "keys set"), [3]),
        (("--object", "acme"), [1]),
        (("--org", "acme"), [4, 3, 2, 1]),
        (("--since", "1h"), [4, 3, 2, 1]),
        (("--since", "2999-01-01"), []),
        (("--until", "2000-01-01"), []),
        (("--actor", "user:nobody"), []),
    ],
)
def test_what_is_asked_for(folder: Folder, words: tuple[str, ...], seqs: list[int]) -> None:
    assert [row["seq"] for row in folder.all("audit", "list", *words)] == seqs


def test_nothing_that_fits(folder: Folder) -> None:
    assert "Nothing was done" in folder.run("audit", "list", "--actor", "x").stdout


def test_an_export_as_json_lines(folder: Folder) -> None:
    done = run("audit", "export", "--data", str(folder.path))
    assert [row["seq"] for row in documents(done)] == [1, 2, 3, 4]


def test_an_export_as_a_table_that_no_spreadsheet_runs(folder: Folder) -> None:
    database = open_sqlite(folder.path)
    AuditRows(database.by(Deed("user:x"))).add(Done("path", name="=cmd()"))
    database.close()
    done = run("audit", "export", "--format", "csv", "--data", str(folder.path))
    first, *_, last = list(csv.DictReader(io.StringIO(done.stdout)))
    assert (first["seq"], first["action"], first["organization"][:4]) == ("1", "orgs create", "org_")
    assert first["changes"].startswith('{"name":[null,"acme"]')
    assert last["name"] == "'=cmd()"


def test_a_whole_log(folder: Folder) -> None:
    found = folder.one("audit", "verify")
    assert (found["ok"], found["rows"], found["last"], found["faults"]) == (True, 4, 4, [])
    said = folder.run("audit", "verify")
    assert (said.exit_code, found["head"] in said.stdout) == (0, True)
    for head in (found["head"], found["head"].partition(":")[2].upper()):
        assert folder.one("audit", "verify", "--from-head", head)["ok"]


def test_a_log_that_was_changed(folder: Folder) -> None:
    head = folder.one("audit", "verify")["head"]
    database = open_sqlite(folder.path)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE audit SET actor = 'user:other' WHERE seq = 2")
        connection.exec_driver_sql("DELETE FROM audit WHERE seq = 4")
        connection.exec_driver_sql("UPDATE versions SET value = 3 WHERE name = 'audit'")
    database.close()
    said = folder.run("audit", "verify", "--from-head", head)
    assert said.exit_code == 1
    assert "row 2, or the one before it, is not what was written" in said.stdout
    assert "the head that was kept elsewhere is not in the log" in said.stdout
    (told,) = documents(run("audit", "verify", "--json", "--data", str(folder.path)))
    assert (told["ok"], told["wrong"]) == (False, 1)


def test_what_is_no_head(folder: Folder) -> None:
    assert "is not a head" in folder.refused("audit", "verify", "--from-head", "12", code=2)


def test_no_folder(tmp_path: Path) -> None:
    for words in (("list",), ("export",), ("verify",)):
        assert "no gateway data" in Folder(tmp_path / "none").refused("audit", *words)
