from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from policy.orgs import nothing, plan, state
from waypost.cli.org_diff import counted, plan_view, print_plan, shown, word
from waypost.config.org_schema import PlaceConfig


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "–"),
        ("", "–"),
        ([], "–"),
        (True, "yes"),
        (False, "no"),
        (5, "5"),
        (Decimal("1E+3"), "1000"),
        (["a", "b"], "a, b"),
        ([PlaceConfig("web", "admin")], "web:admin"),
    ],
)
def test_values(value: object, told: str) -> None:
    assert shown(value) == told


def test_a_diff_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    made = plan(
        "teams: [{name: web, title: '[red]x\\e'}]\nkeys: []\nprojects: [{name: p}]", state(), prune=True
    )
    print_plan(made)
    assert capsys.readouterr().out == (
        "~ team acme/web\n    title: Web → [red]x\\e\n+ project acme/p\n- revoke key acme/app\n"
        "1 to make, 1 to change, 1 to delete, 1 unchanged.\n"
    )


def test_what_is_left_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    made = plan("keys: []\nteams: []\nroles: []\nmembers: []\nservice_accounts: []", state())
    print_plan(made)
    assert "and left: role acme/keeper, team acme/web" in capsys.readouterr().out
    assert counted(made) == "1 unchanged"


def test_a_diff_for_scripts() -> None:
    made = plan("teams: [{name: web}]\nkeys: []", state())
    view = msgspec.json.decode(msgspec.json.encode(plan_view(made)))
    assert view == {
        "changes": [
            {
                "action": "change",
                "kind": "team",
                "organization": "acme",
                "name": "web",
                "fields": [{"field": "title", "old": "Web", "new": ""}],
            }
        ],
        "create": 0,
        "change": 1,
        "delete": 0,
        "unchanged": 1,
        "left": [{"kind": "key", "organization": "acme", "name": "app"}],
    }
    assert word(plan("", nothing()).steps[0]) == "organization acme"
