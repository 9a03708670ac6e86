from __future__ import annotations

from pathlib import Path

from cli.folder import Folder


def test_a_service_account_from_its_making_to_its_end(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.one("teams", "create", "web")
    made = folder.one("machines", "create", "ci", "--role", "viewer", "--in-team", "web")
    assert (made["name"], made["role"], made["teams"]) == (
        "ci",
        "viewer",
        [{"team": "web", "role": "developer"}],
    )
    key = folder.one("keys", "create", "--name", "build", "--machine", "ci")
    assert key["service_account"] == "ci"
    changed = folder.one("machines", "set", "ci", "--disable", "--name", "builder", "--in-team", "")
    assert (changed["disabled"], changed["name"], changed["teams"]) == (True, "builder", [])
    assert folder.one("machines", "show", "builder") == changed
    assert "builder" in folder.run("machines", "list").stdout
    assert "the key 'build'" in folder.refused("machines", "delete", "builder")
    folder.one("keys", "revoke", "build")
    folder.one("machines", "delete", "builder")
    assert "waypost machines create" in folder.run("machines", "list").stdout
