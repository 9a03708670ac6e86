from __future__ import annotations

from pathlib import Path

from cli.folder import Folder


def test_a_project_from_its_making_to_its_end(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    made = folder.one("projects", "create", "search", "--cost-centre", "4711")
    assert (made["organization"], made["name"], made["cost_centre"]) == ("default", "search", "4711")
    assert folder.all("projects", "list") == [made]
    changed = folder.one(
        "projects", "set", "search", "--cost-centre", "4712", "--title", "Find", "--models", "a"
    )
    assert (changed["cost_centre"], changed["title"], changed["models"]) == ("4712", "Find", ["a"])
    assert folder.one("projects", "show", made["id"]) == changed
    assert "4712" in folder.run("projects", "list").stdout
    folder.one("keys", "create", "--name", "app", "--project", "search")
    assert "the key 'app'" in folder.refused("projects", "delete", "search")
    folder.one("keys", "revoke", "app")
    assert folder.one("projects", "delete", "search")["deleted"] is True
    assert "waypost projects create" in folder.run("projects", "list").stdout
