from __future__ import annotations

from pathlib import Path

import pytest

from cli.folder import Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    made.one("orgs", "create", "acme")
    made.one("teams", "create", "web", "--org", "acme")
    made.one("users", "create", "ann@acme.example")
    return made


def test_a_member_from_joining_to_leaving(folder: Folder) -> None:
    made = folder.one("members", "create", "ann@acme.example", "--org", "acme", "--in-team", "web:admin")
    assert (made["email"], made["role"], made["teams"]) == (
        "ann@acme.example", "developer", [{"team": "web", "role": "admin"}]
    )  # fmt: skip
    assert folder.all("members", "list", "--org", "acme") == [made]
    for which in ("ann@acme.example", made["user"], made["id"]):
        assert folder.one("members", "show", which, "--org", "acme") == made
    assert "web:admin" in folder.run("members", "list", "--org", "acme").stdout
    changed = folder.one(
        "members", "set", "ann@acme.example", "--org", "acme", "--role", "billing", "--in-team", ""
    )
    assert (changed["role"], changed["teams"]) == ("billing", [])
    assert (
        "is not in acme any more"
        in folder.run("members", "delete", "ann@acme.example", "--org", "acme").stdout
    )
    assert "Nobody is in acme yet" in folder.run("members", "list", "--org", "acme").stdout


def test_what_can_not_be_is_said(folder: Folder) -> None:
    org = ("--org", "acme")
    assert "waypost users list" in folder.refused("members", "create", "bob@acme.example", *org)
    assert "no role 'boss'" in folder.refused("members", "create", "ann@acme.example", *org, "--role", "boss")
    assert "no team 'ops'" in folder.refused(
        "members", "create", "ann@acme.example", *org, "--in-team", "ops"
    )
    assert "is no member of acme" in folder.refused("members", "show", "ann@acme.example", *org)
    folder.one("members", "create", "ann@acme.example", *org)
    assert "already" in folder.refused("members", "create", "ann@acme.example", *org)
