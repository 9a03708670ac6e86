from __future__ import annotations

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import msgspec

from cli.command_line import documents, run
from cli.folder import Folder
from waypost.core.keytext import looks_valid
from waypost.stores.sql.engine import open_sqlite
from waypost.stores.sql.keys import KeyRows
from waypost.stores.sql.sqlite_file import FILE_NAME


def test_the_command_of_the_issue_as_a_process(tmp_path: Path) -> None:
    limits = ("--budget", "5.00", "--per", "day", "--rpm", "60", "--models", "fast", "--expires", "30d")
    words = ("keys", "create", "--name", "app", *limits, "--json", "--data")
    command = [
        sys.executable,
        "-c",
        "from waypost.cli.entry import run; run()",
        *words,
        str(tmp_path / "new"),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={"PATH": os.environ["PATH"]}
    )
    view = msgspec.json.decode(done.stdout)
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""
    assert looks_valid(view["key"])
    assert (view["name"], view["budget"], view["budget_per"], view["rpm"]) == ("app", "5", "day", 60)
    assert view["models"] == ["fast"]
    assert view["expires_at"] - view["created_at"] == 30 * 86400
    assert view["key"].encode() not in b"".join(
        file.read_bytes() for file in (tmp_path / "new").iterdir() if file.is_file()
    )
    database = open_sqlite(tmp_path / "new")
    (key,) = KeyRows(database).list()
    assert key.digest == sha256(view["key"].encode()).digest()
    assert key.budget_nusd == 5_000_000_000
    database.close()


def create(data: Path, *words: str) -> dict[str, object]:
    (view,) = documents(run("keys", "create", "--data", str(data), "--json", *words))
    return view


def test_list_rotate_revoke(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path))
    first = create(tmp_path, "--name", "app", "--models", "fast, openai/*", "--models", "slow")
    assert first["models"] == ["fast", "openai/*", "slow"]
    (rotated,) = documents(run("keys", "rotate", "app", "--overlap", "1h", *data, "--json"))
    assert rotated["id"] == first["id"]
    assert rotated["key"] != first["key"]
    (listed,) = documents(run("keys", "list", *data, "--json"))
    assert listed["state"] == "active"
    assert "key" not in listed
    (revoked,) = documents(run("keys", "revoke", str(first["id"]), *data, "--json"))
    assert revoked["state"] == "revoked"
    shown = run("keys", "list", *data).stdout
    assert "revoked" in shown
    assert str(first["key"]) not in shown


def test_a_key_with_a_route_a_priority_and_an_operators_rights(tmp_path: Path) -> None:
    plain = create(tmp_path, "--name", "plain")
    assert (plain["route"], plain["priority"], plain["operator"]) == (None, "normal", False)
    made = create(tmp_path, "--name", "ops", "--route", "cheap", "--priority", "high", "--operator")
    assert (made["route"], made["priority"], made["operator"]) == ("cheap", "high", True)
    listed = documents(run("keys", "list", "--data", str(tmp_path), "--json"))
    assert [(one["route"], one["priority"], one["operator"]) for one in listed] == [
        (None, "normal", False),
        ("cheap", "high", True),
    ]
    shown = run("keys", "list", "--data", str(tmp_path)).stdout
    assert "ops (operator)" in shown
    assert "cheap" in shown
    assert (
        run("keys", "create", "--name", "x", "--priority", "urgent", "--data", str(tmp_path)).exit_code == 2
    )


def test_a_key_that_belongs_to_people(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.one("orgs", "create", "acme")
    for group, name in (("teams", "web"), ("projects", "search")):
        folder.one(group, "create", name, "--org", "acme")
    folder.one("users", "create", "ann@acme.example")
    words = (
        "--name",
        "shop",
        "--org",
        "acme",
        "--team",
        "web",
        "--project",
        "search",
        "--user",
        "ann@acme.example",
    )
    assert "no member" in folder.refused("keys", "create", *words)
    folder.one("members", "create", "ann@acme.example", "--org", "acme")
    more = ("--tag", "prod,eu", "--require-tag", "case", "--endpoint", "chat", "--network", "10.0.0.0/8")
    made = folder.one("keys", "create", *words, *more)
    assert {name: made[name] for name in ("organization", "team", "project", "user", "service_account")} == {
        "organization": "acme", "team": "web", "project": "search", "user": "ann@acme.example", "service_account": None
    }  # fmt: skip
    assert (made["tags"], made["required_tags"], made["endpoints"], made["networks"]) == (
        ["prod", "eu"], ["case"], ["chat"], ["10.0.0.0/8"]
    )  # fmt: skip
    assert "acme/web/search/ann@acme.example" in folder.run("keys", "list").stdout
    assert [each["name"] for each in folder.all("keys", "list", "--org", "acme")] == ["shop"]
    assert folder.all("keys", "list", "--org", "default") == []
    assert "no team 'ops'" in folder.refused(
        "keys", "create", "--name", "x", "--org", "acme", "--team", "ops"
    )
    assert "block of addresses" in folder.refused("keys", "create", "--name", "x", "--network", "home")


def test_a_key_is_shown_and_changed(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.one("teams", "create", "web")
    made = folder.one("keys", "create", "--name", "app", "--rpm", "5", "--expires", "30d", "--models", "fast")
    shown = folder.one("keys", "show", "app")
    assert "key" not in shown
    assert shown == {name: value for name, value in made.items() if name != "key"}
    changed = folder.one(
        "keys", "set", "app", "--budget", "2.50", "--per", "day", "--rpm", "0", "--team", "web", "--expires", "",
        "--models", "", "--route", "cheap", "--priority", "low", "--tag", "a", "--name", "app2", "--project", "",
    )  # fmt: skip
    assert (changed["budget"], changed["budget_per"], changed["rpm"], changed["team"]) == (
        "2.5",
        "day",
        None,
        "web",
    )
    assert (changed["expires_at"], changed["models"], changed["route"], changed["tags"]) == (
        None,
        [],
        "cheap",
        ["a"],
    )
    assert (changed["name"], changed["priority"], changed["id"]) == ("app2", "low", made["id"])
    again = folder.one("keys", "set", "app2", "--budget", "", "--route", "", "--expires", "1d", "--rpm", "9")
    assert (again["budget"], again["route"], again["rpm"]) == (None, None, 9)
    assert again["expires_at"] > made["created_at"]
    assert "Nothing to change" in folder.refused("keys", "set", "app2", code=2)
    folder.one("keys", "revoke", "app2")
    assert "revoked" in folder.refused("keys", "set", "app2", "--rpm", "3")


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path))
    nothing = run("keys", "list", *data)
    assert nothing.exit_code == 1
    assert "no gateway data" in nothing.stderr
    assert not (tmp_path / FILE_NAME).exists()
    create(tmp_path, "--name", "twin")
    create(tmp_path, "--name", "twin")
    twice = run("keys", "revoke", "twin", *data)
    assert (twice.exit_code, "2 keys are named 'twin'" in twice.stderr) == (1, True)
    unknown = run("keys", "revoke", "nobody", *data)
    assert (unknown.exit_code, unknown.stdout) == (1, "")
    for words in (
        ("--budget", "five"),
        ("--expires", "soon"),
        ("--expires", "2001-01-01"),
        ("--per", "decade"),
    ):
        assert run("keys", "create", "--name", "x", *words, *data).exit_code == 2


def test_variables_set_options(tmp_path: Path) -> None:
    done = run(
        "keys",
        "create",
        WAYPOST_KEY_NAME="by-env",
        WAYPOST_DATA=str(tmp_path),
        WAYPOST_JSON="1",
        WAYPOST_KEY_RPM="7",
    )
    (view,) = documents(done)
    assert (view["name"], view["rpm"]) == ("by-env", 7)
