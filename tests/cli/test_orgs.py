from __future__ import annotations

from pathlib import Path

from cli.folder import Folder


def test_an_organization_from_its_making_to_its_end(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    made = folder.one("orgs", "create", "acme", "--title", "Acme Ltd.", "--models", "fast, openai/*")
    assert made["id"].startswith("org_")
    assert (made["name"], made["title"], made["models"]) == ("acme", "Acme Ltd.", ["fast", "openai/*"])
    assert (made["suspended"], made["member_keys_max"], made["revision"]) == (False, 10, 1)
    assert [each["name"] for each in folder.all("orgs", "list")] == ["acme", "default"]
    assert folder.one("orgs", "show", "acme") == folder.one("orgs", "show", made["id"]) == made
    changed = folder.one("orgs", "set", "acme", "--suspend", "--member-keys", "0", "--models", "")
    assert (changed["suspended"], changed["member_keys_max"], changed["models"]) == (True, 0, [])
    assert folder.one("orgs", "set", "acme", "--resume", "--name", "acme2")["name"] == "acme2"
    assert folder.one("orgs", "delete", made["id"]) == {"id": made["id"], "name": "acme2", "deleted": True}
    assert [each["name"] for each in folder.all("orgs", "list")] == ["default"]


def test_the_built_in_one_can_be_changed_and_not_deleted(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    assert folder.one("orgs", "create", "acme")["name"] == "acme"
    assert folder.one("orgs", "set", "default", "--title", "Ours")["title"] == "Ours"
    assert "built in" in folder.refused("orgs", "delete", "default")


def test_what_can_not_be_is_said(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.one("orgs", "create", "acme")
    assert "'acme' already" in folder.refused("orgs", "create", "acme")
    assert "stands in addresses" in folder.refused("orgs", "create", "Acme")
    assert "waypost orgs list" in folder.refused("orgs", "show", "nobody")
    assert "Nothing to change" in folder.refused("orgs", "set", "acme", code=2)
    folder.one("teams", "create", "web", "--org", "acme")
    assert "still needed by the team 'web'" in folder.refused("orgs", "delete", "acme")
