from __future__ import annotations

from pathlib import Path

import pytest

from cli.folder import Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    made.one("orgs", "create", "acme")
    made.one("teams", "create", "web", "--org", "acme")
    return made


def test_a_budget_from_its_making_to_its_end(folder: Folder) -> None:
    org = ("--org", "acme")
    made = folder.one(
        "budgets", "create", "web", *org, "--scope", "team", "--subject", "web", "--limit", "250"
    )
    assert {name: made[name] for name in ("organization", "scope", "subject", "limit", "period", "mode")} == {
        "organization": "acme", "scope": "team", "subject": "web", "limit": "250", "period": "month", "mode": "hard"
    }  # fmt: skip
    assert (made["thresholds"], made["raised_by"], made["on_exhausted"]) == ([80, 100], "0", None)
    assert folder.all("budgets", "list", *org) == [made]
    assert folder.one("budgets", "show", "web", *org) == made
    changed = folder.one(
        "budgets", "set", "web", *org, "--limit", "0.5", "--per", "day", "--mode", "soft", "--threshold", "50",
        "--raise-by", "50", "--raise-until", "3d", "--on-exhausted", "cheap", "--name", "web2",
    )  # fmt: skip
    assert (changed["limit"], changed["period"], changed["mode"], changed["thresholds"]) == (
        "0.5",
        "day",
        "soft",
        [50],
    )
    assert (changed["raised_by"], changed["on_exhausted"], changed["name"]) == ("50", "cheap", "web2")
    assert changed["raised_until"] > made["created_at"] + 2 * 86_400
    assert folder.one("budgets", "set", "web2", *org, "--on-exhausted", "")["on_exhausted"] is None
    assert "web2" in folder.run("budgets", "list", *org).stdout
    assert "the budget 'web2'" in folder.refused("teams", "delete", "web", *org)
    folder.one("budgets", "delete", "web2", *org)
    assert "waypost budgets create" in folder.run("budgets", "list", *org).stdout


def test_budgets_of_everybody_and_of_the_gateway(folder: Folder) -> None:
    each = folder.one(
        "budgets", "create", "each", "--org", "acme", "--scope", "end_user", "--limit", "1",
        "--windows-from", "2027-01-15",
    )  # fmt: skip
    assert (each["subject"], each["anchor_at"]) == ("*", 1_799_971_200.0)
    whole = folder.one("budgets", "create", "whole", "--gateway", "--scope", "gateway", "--limit", "1000")
    assert (whole["organization"], whole["scope"], whole["subject"]) == (None, "gateway", "*")
    assert folder.all("budgets", "list", "--gateway") == [whole]
    assert folder.one("budgets", "create", "all", "--org", "acme", "--limit", "5")["subject"] == "acme"


def test_what_can_not_be_is_said(folder: Folder) -> None:
    org = ("--org", "acme")
    assert "amount above 0" in folder.refused("budgets", "create", "b", *org, "--limit", "0")
    assert "not an amount" in folder.refused("budgets", "create", "b", *org, "--limit", "much", code=2)
    assert "no team 'ops'" in folder.refused(
        "budgets", "create", "b", *org, "--limit", "1", "--scope", "team", "--subject", "ops"
    )
    assert "only a rule of the gateway" in folder.refused(
        "budgets", "create", "b", *org, "--limit", "1", "--scope", "gateway"
    )
    folder.one("budgets", "create", "b", *org, "--limit", "1")
    assert "until when" in folder.refused("budgets", "set", "b", *org, "--raise-by", "5")
    assert "Nothing to change" in folder.refused("budgets", "set", "b", *org, code=2)
