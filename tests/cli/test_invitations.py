from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from cli.folder import Folder
from waypost.cli.directory import open_book
from waypost.cli.invitations import view
from waypost.core.people import Invitation
from waypost.core.tokentext import digest_of, is_text


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    made.one("orgs", "create", "acme")
    made.one("teams", "create", "web", "--org", "acme")
    return made


def test_an_invitation_from_its_making_to_its_end(folder: Folder) -> None:
    words = ("--org", "acme", "--role", "admin", "--in-team", "web:viewer", "--days", "2")
    made = folder.one("invitations", "create", "Ann@acme.example", *words)
    text = made.pop("token")
    assert is_text("inv", text.encode())
    assert (made["email"], made["role"], made["state"]) == ("ann@acme.example", "admin", "open")
    assert made["teams"] == [{"team": "web", "role": "viewer"}]
    assert made["expires_at"] == made["created_at"] + 2 * 86_400
    assert made["id"] == f"inv_{text[7:15]}"
    (stored,) = open_book(folder.path).directory.all(Invitation)
    assert (stored.digest, stored.made_by) == (digest_of(text.encode()), "operator")
    assert folder.all("invitations", "list", "--org", "acme") == [made]
    assert text not in folder.run("invitations", "list", "--org", "acme").stdout
    gone = folder.one("invitations", "revoke", "ANN@acme.example", "--org", "acme")
    assert (gone["id"], gone["deleted"]) == (made["id"], True)
    assert folder.all("invitations", "list", "--org", "acme") == []


def test_a_second_one_takes_the_place_of_the_first(folder: Folder) -> None:
    first = folder.one("invitations", "create", "a@b.c", "--org", "acme")
    second = folder.one("invitations", "create", "a@b.c", "--org", "acme", "--role", "viewer")
    (listed,) = folder.all("invitations", "list", "--org", "acme")
    assert (listed["id"], first["id"] != second["id"]) == (second["id"], True)
    assert folder.one("invitations", "revoke", second["id"], "--org", "acme")["deleted"] is True


def test_what_can_not_be_is_said(folder: Folder) -> None:
    assert "Nobody is invited" in folder.run("invitations", "list", "--org", "acme").stdout
    assert "waypost invitations list" in folder.refused("invitations", "revoke", "a@b.c", "--org", "acme")
    assert "not an e-mail" in folder.refused("invitations", "create", "ann", "--org", "acme")
    assert "no role 'x'" in folder.refused("invitations", "create", "a@b.c", "--org", "acme", "--role", "x")
    folder.one("invitations", "create", "a@b.c", "--org", "acme")
    folder.refused("invitations", "create", "a@b.c", "--org", "acme", "--in-team", "web:x")
    assert len(folder.all("invitations", "list", "--org", "acme")) == 1
    folder.one("users", "create", "a@b.c")
    folder.one("members", "create", "a@b.c", "--org", "acme")
    assert "a member of acme already" in folder.refused("invitations", "create", "a@b.c", "--org", "acme")


def test_states(folder: Folder) -> None:
    book = open_book(folder.path)
    one = Invitation("inv_1", "org", "a@b.c", b"", made_by="user:u", expires_at=book.now + 1)
    changed = (
        one,
        msgspec.structs.replace(one, expires_at=1.0),
        msgspec.structs.replace(one, accepted_at=1.0),
    )
    assert [view(book, each)["state"] for each in changed] == ["open", "expired", "accepted"]
    assert view(book, one)["made_by"] == "u"
