from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from cli.command_line import documents, run
from cli.folder import Folder
from waypost.cli.directory import open_book
from waypost.cli.tokens import view
from waypost.core.people import Token
from waypost.core.tokentext import digest_of, is_text


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    made.one("orgs", "create", "acme")
    return made


def test_a_token_from_its_making_to_its_end(folder: Folder) -> None:
    words = ("--org", "acme", "--allow", "teams:read, teams:write", "--expires", "90d")
    made = folder.one("tokens", "create", "terraform", *words)
    text = made.pop("token")
    assert is_text("api", text.encode())
    assert (made["name"], made["made_by"], made["state"]) == ("terraform", "operator", "active")
    assert made["permissions"] == ["teams:read", "teams:write"]
    assert made["hint"].endswith(text[-4:])
    assert folder.all("tokens", "list", "--org", "acme") == [made]
    stored = open_book(folder.path).directory.token(digest_of(text.encode()))
    assert stored is not None
    assert stored.id == made["id"]
    assert text not in folder.run("tokens", "list", "--org", "acme").stdout
    assert folder.one("tokens", "revoke", "terraform", "--org", "acme")["deleted"] is True
    assert folder.all("tokens", "list", "--org", "acme") == []
    assert open_book(folder.path).directory.token(digest_of(text.encode())) is None


def test_its_text_is_shown_once_to_people_too(folder: Folder) -> None:
    done = folder.run("tokens", "create", "[red]ops", "--gateway")
    (text,) = [line.strip() for line in done.stdout.splitlines() if line.startswith("  ")]
    assert (is_text("api", text.encode()), "[red]ops" in done.stdout) == (True, True)
    (listed,) = folder.all("tokens", "list", "--gateway")
    assert (listed["organization"], listed["name"]) == (None, "[red]ops")


def test_a_token_is_somebodys(folder: Folder) -> None:
    folder.one("users", "create", "ann@acme.example")
    folder.one("machines", "create", "ci", "--org", "acme")
    mine = folder.one("tokens", "create", "a", "--org", "acme", "--user", "ann@acme.example")
    its = folder.one("tokens", "create", "b", "--org", "acme", "--machine", "ci")
    assert (mine["made_by"], its["made_by"]) == ("ann@acme.example", "ci")
    both = ("--user", "ann@acme.example", "--machine", "ci")
    assert "not both" in folder.refused("tokens", "create", "c", "--org", "acme", *both, code=2)
    assert "--org" in folder.refused("tokens", "create", "c", "--gateway", "--machine", "ci", code=2)
    assert "waypost machines list" in folder.refused(
        "tokens", "create", "c", "--org", "acme", "--machine", "x"
    )


def test_what_can_not_be_is_said(folder: Folder) -> None:
    assert "There are no tokens yet" in folder.run("tokens", "list", "--org", "acme").stdout
    assert "no permission 'fly'" in folder.refused("tokens", "create", "a", "--allow", "fly")
    assert "waypost tokens list" in folder.refused("tokens", "revoke", "nobody", "--org", "acme")
    folder.one("tokens", "create", "a", "--org", "acme")
    assert "'a' already" in folder.refused("tokens", "create", "a", "--org", "acme")


def test_variables_of_rules_and_keys_make_no_token_of_the_gateway(folder: Folder) -> None:
    others = {
        "WAYPOST_GATEWAY_RULE": "1",
        "WAYPOST_ROLE_ALLOW": "keys:read",
        "WAYPOST_KEY_USER": "nobody@acme.example",
        "WAYPOST_KEY_MACHINE": "nobody",
        "WAYPOST_KEY_EXPIRES": "1d",
    }
    words = ("tokens", "create", "ci", "--org", "acme", "--data", str(folder.path), "--json")
    (made,) = documents(run(*words, **others))
    assert (made["organization"], made["permissions"], made["expires_at"]) == ("acme", [], None)
    own = {"WAYPOST_TOKEN_GATEWAY": "1", "WAYPOST_TOKEN_ALLOW": "keys:read", "WAYPOST_TOKEN_EXPIRES": "1d"}
    (made,) = documents(run("tokens", "create", "ops", "--data", str(folder.path), "--json", **own))
    assert (made["organization"], made["permissions"]) == (None, ["keys:read"])
    assert made["expires_at"] is not None


def test_states(folder: Folder) -> None:
    book = open_book(folder.path)
    token = Token("tok_1", "", "t", b"", "", "operator")
    changed = (
        token,
        msgspec.structs.replace(token, expires_at=1.0),
        msgspec.structs.replace(token, revoked_at=1.0),
    )
    assert [view(book, each)["state"] for each in changed] == ["active", "expired", "revoked"]
