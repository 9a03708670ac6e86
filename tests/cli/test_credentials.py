from __future__ import annotations

import os
from base64 import b64encode
from pathlib import Path

import pytest

from cli.folder import Folder

SECRET = "sk-proj-0123456789abcdefWXYZ"
CONFIG = """
providers:
  - {name: openai, preset: openai, api_key: env:OPERATORS_KEY}
  - {name: local, dialect: openai_chat, base_url: http://127.0.0.1:9/v1}
  - {name: bedrock, preset: bedrock, region: eu-west-1, auth: {scheme: sigv4, source: instance}}
discovery: {environment: false, local: false, local_model: "off"}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    (tmp_path / "waypost.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ACME_KEY", SECRET)
    made = Folder(tmp_path / "data")
    made.one("orgs", "create", "acme")
    return made


def test_from_its_making_to_its_end(folder: Folder) -> None:
    line = ("credentials", "set", "main", "--org", "acme")
    made = folder.one(*line, "--provider", "openai", "--secret", "env:ACME_KEY")
    assert (made["origin"], made["owner"], made["use"], made["state"], made["ends_in"]) == (
        "https://api.openai.com",
        "organization",
        "first",
        "active",
        "WXYZ",
    )
    assert folder.all("credentials", "list", "--org", "acme") == [made]
    assert folder.one("credentials", "show", "main", "--org", "acme") == made
    assert folder.one(*line, "--secret", "env:ACME_KEY") == made, "the same again changes nothing"
    changed = folder.one(*line, "--use", "only", "--weight", "5", "--disable", "--expires", "2090-01-31")
    assert (changed["use"], changed["weight"], changed["state"], changed["version"]) == (
        "only",
        5,
        "disabled",
        1,
    )
    changed = folder.one(*line, "--enable", "--expires", "")
    assert (changed["state"], changed["expires_at"]) == ("active", None)
    assert "WXYZ" in folder.run("credentials", "list", "--org", "acme").stdout
    assert "is deleted" in folder.run("credentials", "delete", "main", "--org", "acme").stdout
    assert folder.all("credentials", "list", "--org", "acme") == []
    assert "waypost credentials set" in folder.run("credentials", "list", "--org", "acme").stdout


def test_of_a_team_and_of_a_member(folder: Folder) -> None:
    folder.one("teams", "create", "web", "--org", "acme")
    folder.one("users", "create", "ann@acme.example")
    folder.one("members", "create", "ann@acme.example", "--org", "acme")
    more = ("--org", "acme", "--provider", "openai", "--secret", "env:ACME_KEY")
    assert folder.one("credentials", "set", "t", "--team", "web", *more)["owner"] == "team web"
    assert folder.one("credentials", "set", "u", "--user", "ann@acme.example", *more)["owner"] == (
        "user ann@acme.example"
    )
    assert folder.one("credentials", "set", "u", "--org", "acme", "--weight", "2")["owner"] == (
        "user ann@acme.example"
    )
    assert "not both" in folder.refused(
        "credentials", "set", "x", "--team", "web", "--user", "ann@acme.example", *more, code=2
    )
    folder.one("users", "create", "eve@acme.example")
    assert "no member" in folder.refused("credentials", "set", "e", "--user", "eve@acme.example", *more)


def test_what_is_wrong(folder: Folder) -> None:
    line = ("credentials", "set", "main", "--org", "acme")
    assert "--provider" in folder.refused(*line, "--secret", "env:ACME_KEY", code=2)
    told = folder.refused(*line, "--provider", "openai", "--secret", SECRET, code=2)
    assert SECRET not in told
    assert "no provider 'opnai'" in folder.refused(*line, "--provider", "opnai", "--secret", "env:ACME_KEY")
    assert "takes no key" in folder.refused(*line, "--provider", "bedrock", "--secret", "env:ACME_KEY")
    folder.one(*line, "--provider", "openai", "--secret", "env:ACME_KEY")
    assert "needs a secret" in folder.refused(*line, "--provider", "local")
    assert "--url" not in folder.refused("credentials", "show", "other", "--org", "acme")


def test_a_provider_that_moved(folder: Folder, tmp_path: Path) -> None:
    line = ("credentials", "set", "main", "--org", "acme")
    folder.one(*line, "--provider", "openai", "--secret", "env:ACME_KEY")
    (tmp_path / "waypost.yaml").write_text(
        CONFIG.replace("preset: openai,", "preset: openai, base_url: 'https://new.example/v1',")
    )
    assert folder.one("credentials", "show", "main", "--org", "acme")["state"] == "unbound"
    moved = folder.one(*line, "--secret", "env:ACME_KEY")
    assert (moved["state"], moved["origin"], moved["version"]) == ("active", "https://new.example", 2)


def test_nothing_of_the_folder_holds_the_secret(folder: Folder) -> None:
    folder.one("credentials", "set", "m", "--org", "acme", "--provider", "openai", "--secret", "env:ACME_KEY")
    for file in folder.path.rglob("*"):
        if file.is_file():
            assert SECRET.encode() not in file.read_bytes(), file
    assert SECRET not in folder.run("export").stdout


def test_the_root_key_is_replaced(folder: Folder) -> None:
    line = ("credentials", "set", "main", "--org", "acme")
    folder.one(*line, "--provider", "openai", "--secret", "env:ACME_KEY")
    file = folder.path / "root.key"
    old, new = file.read_text().strip(), b64encode(os.urandom(32)).decode()
    file.write_text(new)
    assert "1 credentials are sealed with a root key that is not here" in folder.refused("db", "reseal")
    file.write_text(f"{new}\n{old}\n")
    assert folder.one("db", "reseal") == {"second_factors": 0, "credentials": 1, "left": []}
    assert "Nothing is left" in folder.run("db", "reseal").stdout
    file.write_text(new)
    assert folder.one("db", "reseal")["left"] == []
    file.write_text("not a root key")
    assert "root.key" in folder.refused(*line, "--secret", "env:ACME_KEY")
