from __future__ import annotations

from pathlib import Path

from cli.folder import Folder


def test_a_team_from_its_making_to_its_end(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.one("orgs", "create", "acme")
    made = folder.one("teams", "create", "web", "--org", "acme", "--title", "Shop", "--models", "fast")
    assert (made["organization"], made["name"], made["title"], made["models"]) == (
        "acme",
        "web",
        "Shop",
        ["fast"],
    )
    assert folder.all("teams", "list", "--org", "acme") == [made]
    assert folder.all("teams", "list") == []
    assert "waypost teams create" in folder.run("teams", "list").stdout
    assert folder.one("teams", "show", "web", "--org", "acme") == made
    assert folder.one("teams", "set", "web", "--org", "acme", "--name", "shop")["name"] == "shop"
    assert "no team 'web' in the organization 'acme'" in folder.refused(
        "teams", "show", "web", "--org", "acme"
    )
    assert "shop" in folder.run("teams", "list", "--org", "acme").stdout
    assert "is deleted" in folder.run("teams", "delete", "shop", "--org", "acme").stdout
    assert folder.all("teams", "list", "--org", "acme") == []
