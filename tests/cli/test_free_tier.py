"""Who is asked for the free tier's terms."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.folder import Folder
from gateway import GatewayProcess, config_for
from waypost.stores.lock import take_lock

TERMS = "\ncredits: {free_tier: {requests: 50, per: day, each: key}}\n"


def test_a_gateway_that_does_not_answer_is_said_and_the_balance_is_shown(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.one("orgs", "create", "acme")
    lock = take_lock(tmp_path)
    lock.announce(1, "token")
    told = folder.one("credits", "show", "--org", "acme")
    assert (told["balance"], told["free_tier"], told["free_tier_asked"]) == ("0", None, None)
    assert "No gateway answers at http://127.0.0.1:1" in folder.run("credits", "show", "--org", "acme").stdout
    lock.give_back()


def test_one_that_is_starting_is_not_there_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Folder(tmp_path / "data")
    folder.one("orgs", "create", "acme")
    lock = take_lock(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "waypost.yaml").write_text(TERMS)
    told = folder.one("credits", "show", "--org", "acme")
    assert (told["free_tier"]["amount"], told["free_tier_asked"]) == ("50", "waypost.yaml")
    lock.give_back()


@pytest.mark.process
def test_the_running_gateway_tells_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "waypost.yaml").write_text("credits: {free_tier: {requests: 7, per: day}}")
    (tmp_path / "g").mkdir()
    with GatewayProcess(tmp_path / "g", config_for("http://127.0.0.1:9/v1", more=TERMS)) as gateway:
        folder = Folder(gateway.data)
        made = folder.one("orgs", "create", "acme")
        told = folder.one("credits", "show", "--org", made["id"])
        free = told["free_tier"]
        assert (told["free_tier_asked"], free["amount"], free["each"]) == ("gateway", "50", "key")
        file = ("--config", "waypost.yaml")
        assert folder.one("credits", "show", "--org", "acme", *file)["free_tier"]["amount"] == "7"
        assert folder.one("credits", "show")["free_tier_asked"] == "gateway", "the built-in one has none"
