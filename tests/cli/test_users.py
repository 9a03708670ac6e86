from __future__ import annotations

from pathlib import Path

from cli.folder import Folder


def test_a_person_from_being_known_to_being_forgotten(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    made = folder.one("users", "create", "Ann@Acme.example", "--title", "Ann")
    assert (made["email"], made["operator"], made["disabled"], made["organizations"]) == (
        "ann@acme.example", False, False, []
    )  # fmt: skip
    folder.one("members", "create", "ann@acme.example")
    assert folder.one("users", "show", "ANN@acme.example")["organizations"] == ["default"]
    changed = folder.one("users", "set", made["id"], "--disable", "--operator", "--email", "Ann@new.example")
    assert (changed["email"], changed["operator"], changed["disabled"]) == ("ann@new.example", True, True)
    assert folder.one("users", "set", made["id"], "--enable", "--no-operator")["disabled"] is False
    assert "ann@new.example" in folder.run("users", "list").stdout
    assert "the membership of 'default'" in folder.refused("users", "delete", "ann@new.example")
    folder.one("members", "delete", "ann@new.example")
    folder.one("users", "delete", "ann@new.example")
    assert "Nobody is known yet" in folder.run("users", "list").stdout


def test_an_address_has_to_be_one(tmp_path: Path) -> None:
    assert "e-mail address" in Folder(tmp_path).refused("users", "create", "ann")
