from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cli.command_line import run
from cli.folder import Folder
from waypost.cli import apply as module

FILE = """
organizations:
  - name: acme
    teams: [{name: web}]
    members: [{email: ann@acme.example, teams: [{team: web, role: admin}]}]
    keys: [{name: app, team: web, rpm: 5}]
    budgets: [{name: web, limit: 5, scope: team, subject: web}]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    (tmp_path / "org.yaml").write_text(FILE)
    return Folder(tmp_path)


def file(folder: Folder, text: str | None = None) -> str:
    path = folder.path / "org.yaml"
    if text is not None:
        path.write_text(text)
    return str(path)


def test_a_file_is_applied_once_and_changes_nothing_the_second_time(folder: Folder) -> None:
    words = ("apply", "-f", file(folder), "--yes")
    plan, key, done = folder.all(*words)
    assert (plan["create"], plan["change"], plan["delete"], plan["unchanged"]) == (6, 0, 0, 0)
    assert [(each["kind"], each["name"]) for each in plan["changes"]][:3] == [
        ("organization", "acme"), ("team", "web"), ("user", "ann@acme.example")
    ]  # fmt: skip
    assert (key["name"], key["key"][:6], done) == ("app", "sk-wp-", {"applied": 6, "keys": [key["id"]]})
    (again,) = folder.all(*words)
    assert (again["changes"], again["unchanged"]) == ([], 5)
    assert folder.all("keys", "list")[0]["rpm"] == 5
    assert folder.one("members", "show", "ann@acme.example", "--org", "acme")["teams"] == [
        {"team": "web", "role": "admin"}
    ]


def test_a_dry_run_says_what_would_change_and_changes_nothing(folder: Folder) -> None:
    folder.all("apply", "-f", file(folder), "--yes")
    changed = file(folder, FILE.replace("rpm: 5", "rpm: 7").replace("limit: 5", "limit: 6.50"))
    for _ in range(2):
        done = folder.run("apply", "-f", changed, "--dry-run")
        assert done.exit_code == 3
        assert "~ key acme/app\n    rpm: 5 → 7\n~ budget acme/web\n    limit: 5 → 6.5\n" in done.stdout
        assert "2 to change, 3 unchanged." in done.stdout
    assert folder.run("apply", "-f", file(folder, FILE), "--dry-run").exit_code == 0


def test_a_dry_run_makes_no_data_folder(folder: Folder) -> None:
    assert folder.run("apply", "-f", file(folder), "--dry-run").exit_code == 3
    assert os.listdir(folder.path) == ["org.yaml"]


def test_a_key_keeps_its_text_when_it_is_changed(folder: Folder) -> None:
    folder.all("apply", "-f", file(folder), "--yes")
    before = folder.all("keys", "list")[0]
    plan, done = folder.all("apply", "-f", file(folder, FILE.replace("rpm: 5", "tags: [a]")), "--yes")
    after = folder.all("keys", "list")[0]
    assert (plan["change"], done["keys"]) == (1, [])
    assert (after["id"], after["hint"], after["rpm"], after["tags"]) == (
        before["id"],
        before["hint"],
        None,
        ["a"],
    )


def test_pruning_deletes_last_and_in_reverse(folder: Folder) -> None:
    folder.all("apply", "-f", file(folder), "--yes")
    empty = "organizations: [{name: acme, teams: [], members: [], keys: [], budgets: []}]"
    left = folder.run("apply", "-f", file(folder, empty), "--yes")
    assert "not in the file, and left: team acme/web, member" in left.stdout
    plan, done = folder.all("apply", "-f", file(folder, empty), "--yes", "--prune")
    assert [each["kind"] for each in plan["changes"]] == ["budget", "key", "member", "team"]
    assert done["applied"] == 4
    assert folder.all("keys", "list")[0]["state"] == "revoked"
    assert folder.all("users", "list")[0]["email"] == "ann@acme.example"
    (key,) = (each for each in folder.all("apply", "-f", file(folder, FILE), "--yes") if "key" in each)
    assert [each["state"] for each in folder.all("keys", "list") if each["id"] == key["id"]] == ["active"]


def test_a_dry_run_refuses_what_the_real_run_could_not_finish(folder: Folder) -> None:
    folder.all("apply", "-f", file(folder), "--yes")
    empty = file(folder, "organizations: [{name: acme, teams: [], members: [], budgets: []}]")
    for last in ("--dry-run", "--yes"):
        said = folder.refused("apply", "-f", empty, "--prune", last)
        assert "organizations[0].teams: the team 'web' can not be deleted: the key 'app' would be" in said
    assert len(folder.all("budgets", "list", "--org", "acme")) == 1


def test_keys_that_share_a_name_are_revoked_too(folder: Folder) -> None:
    folder.all("apply", "-f", file(folder), "--yes")
    more = [folder.one("keys", "create", "--name", "two", "--org", "acme")["id"] for _ in range(2)]
    empty = file(folder, "organizations: [{name: acme, keys: []}]")
    assert f"key acme/two ({more[0]})" in folder.run("apply", "-f", empty, "--dry-run").stdout
    folder.all("apply", "-f", empty, "--yes", "--prune")
    assert {each["state"] for each in folder.all("keys", "list")} == {"revoked"}
    assert folder.run("apply", "-f", empty, "--dry-run", "--prune").exit_code == 0


def test_the_only_owner_stays(folder: Folder) -> None:
    owned = FILE.replace("ann@acme.example,", "ann@acme.example, role: owner,")
    folder.all("apply", "-f", file(folder, owned), "--yes")
    nobody = file(folder, "organizations: [{name: acme, members: []}]")
    assert "takes the last owner out" in folder.refused("apply", "-f", nobody, "--prune", "--yes")
    assert len(folder.all("members", "list", "--org", "acme")) == 1


def test_texts_of_keys_go_into_a_file_that_only_its_owner_reads(folder: Folder) -> None:
    kept = folder.path / "keys.jsonl"
    done = folder.run("apply", "-f", file(folder), "--yes", "--keys-file", str(kept))
    assert done.exit_code == 0
    (key,) = [msgspec.json.decode(line) for line in kept.read_text().splitlines()]
    assert key["key"] not in done.stdout + done.stderr
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    more = FILE.replace("rpm: 5}", "rpm: 5}, {name: two}")
    folder.all("apply", "-f", file(folder, more), "--yes", "--keys-file", str(kept))
    assert len(kept.read_text().splitlines()) == 2
    kept.chmod(0o644)
    most = FILE.replace("rpm: 5}", "rpm: 5}, {name: two}, {name: three}")
    said = folder.run("apply", "-f", file(folder, most), "--yes", "--keys-file", str(kept))
    assert (said.exit_code, "Others may read" in said.stderr) == (1, True)
    assert folder.all("keys", "list")[-1]["name"] == "two"
    nowhere = str(folder.path / "none" / "k")
    assert folder.run("apply", "-f", file(folder, most), "--yes", "--keys-file", nowhere).exit_code == 1


def test_without_a_terminal_somebody_has_to_say_yes(folder: Folder) -> None:
    done = folder.run("apply", "-f", file(folder))
    assert (done.exit_code, "nobody to ask" in done.stderr) == (2, True)
    assert os.listdir(folder.path) == ["org.yaml"]


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1)])
def test_at_a_terminal_it_asks(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    monkeypatch.setattr(module, "_is_asked", lambda: True)
    done = run("apply", "-f", file(folder), "--data", str(folder.path), stdin=answer)
    assert (done.exit_code, "Make 6 changes?" in done.stderr) == (code, True)


def test_faults_are_told_as_check_does_and_nothing_is_changed(folder: Folder) -> None:
    said = folder.refused("apply", "-f", file(folder, FILE.replace("rpm:", "rmp:")), "--yes")
    assert f"{file(folder)}:6:35: organizations[0].keys[0].rmp: there is no such setting" in said
    assert "Did you mean 'rpm'?" in said
    said = folder.refused("apply", "-f", file(folder, FILE.replace("subject: web", "subject: wbe")), "--yes")
    assert "budgets[0].subject: there is no team 'wbe' in 'acme'" in said
    assert [each["name"] for each in folder.all("orgs", "list")] == ["default"]


def test_the_file_can_come_from_another_program(folder: Folder) -> None:
    done = run("apply", "-f", "-", "--yes", "--data", str(folder.path), stdin=FILE)
    assert done.exit_code == 0
    said = run("apply", "-f", "-", "--data", str(folder.path), stdin="a: 1")
    assert "(standard input):1:1: a:" in said.stderr


def test_what_was_exported_changes_nothing(folder: Folder) -> None:
    folder.all("apply", "-f", file(folder), "--yes")
    text = run("export", "--org", "acme", "--org", "default", "--data", str(folder.path)).stdout
    (plan,) = folder.all("apply", "-f", file(folder, text), "--prune", "--yes")
    assert (plan["changes"], plan["left"]) == ([], [])
    elsewhere = Folder(folder.path / "elsewhere")
    elsewhere.all("apply", "-f", file(folder), "--yes")
    assert run("export", "--org", "acme", "--org", "default", "--data", str(elsewhere.path)).stdout == text


def test_an_export_tells_what_it_can_not_say(folder: Folder) -> None:
    folder.all("apply", "-f", file(folder), "--yes")
    folder.one(
        "budgets", "create", "k", "--org", "acme", "--limit", "1", "--scope", "key", "--subject", "app"
    )
    folder.one("keys", "revoke", "app")
    done = folder.run("export", "--org", "acme")
    assert ("keys: []" in done.stdout, "budget acme/k is on a key that is revoked" in done.stderr) == (
        True,
        True,
    )
    folder.one("keys", "create", "--name", "two", "--org", "acme")
    folder.one("keys", "create", "--name", "two", "--org", "acme")
    assert "2 keys of acme are named 'two'" in folder.refused("export", "--org", "acme")
    assert folder.run("export", "--org", "default").exit_code == 0


def test_an_unreachable_database_is_no_change(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    from waypost.errors import StoreUnavailable

    def fail(*_: Any, **__: Any) -> None:
        raise StoreUnavailable("The database does not answer.")

    monkeypatch.setattr(module, "open_orgs", fail)
    assert "does not answer" in folder.refused("apply", "-f", file(folder), "--dry-run", code=1)
    assert "does not answer" in folder.refused("apply", "-f", file(folder), "--yes", code=3)
    assert os.listdir(folder.path) == ["org.yaml"]
