from __future__ import annotations

from pathlib import Path

from cli.folder import Folder


def test_a_limit_from_its_making_to_its_end(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    made = folder.one("limits", "create", "all", "--amount", "600")
    assert {name: made[name] for name in ("scope", "subject", "amount", "unit", "per")} == {
        "scope": "organization", "subject": "default", "amount": 600, "unit": "requests", "per": "minute"
    }  # fmt: skip
    changed = folder.one("limits", "set", "all", "--amount", "1200", "--per", "hour")
    assert (changed["amount"], changed["per"], changed["revision"]) == (1200, "hour", 2)
    assert folder.one("limits", "show", "all") == changed
    assert "1200" in folder.run("limits", "list").stdout
    folder.one("limits", "delete", "all")
    assert "waypost limits create" in folder.run("limits", "list").stdout


def test_limits_of_the_gateway_and_of_each_key(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    words = ("--scope", "key", "--amount", "100000", "--unit", "tokens")
    assert folder.one("limits", "create", "each-key", *words)["subject"] == "*"
    slots = folder.one(
        "limits",
        "create",
        "slots",
        "--gateway",
        "--scope",
        "organization",
        "--amount",
        "50",
        "--unit",
        "concurrent",
    )
    assert (slots["organization"], slots["subject"]) == (None, "*")
    assert folder.all("limits", "list", "--gateway") == [slots]
    assert folder.run("limits", "create", "none", "--amount", "0").exit_code == 2
