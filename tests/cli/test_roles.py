from __future__ import annotations

from pathlib import Path

from cli.folder import Folder


def test_a_role_from_its_making_to_its_end(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    made = folder.one("roles", "create", "keeper", "--allow", "keys:read, keys:write")
    assert (made["permissions"], made["built_in"]) == (["keys:read", "keys:write"], False)
    listed = folder.all("roles", "list")
    assert [each["name"] for each in listed] == [
        "owner", "admin", "billing", "developer", "viewer", "auditor", "keeper"
    ]  # fmt: skip
    assert folder.one("roles", "show", "keeper") == made
    assert folder.one("roles", "set", "keeper", "--allow", "keys:read")["permissions"] == ["keys:read"]
    assert "keys:read" in folder.run("roles", "list").stdout
    folder.one("users", "create", "ann@acme.example")
    folder.one("members", "create", "ann@acme.example", "--role", "keeper")
    assert "still needed by the member" in folder.refused("roles", "delete", "keeper")
    assert "can not be renamed" in folder.refused("roles", "set", "keeper", "--name", "warden")
    folder.one("members", "set", "ann@acme.example", "--role", "viewer")
    assert folder.one("roles", "delete", "keeper")["deleted"] is True


def test_what_can_not_be_is_said(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    assert "no permission 'fly'" in folder.refused("roles", "create", "pilot", "--allow", "fly")
    assert "operators of the gateway" in folder.refused(
        "roles", "create", "pilot", "--allow", "gateway:write"
    )
    assert "every organization has" in folder.refused("roles", "create", "owner")
