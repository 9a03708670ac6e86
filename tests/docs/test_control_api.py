"""The tables of the control API's page are what the code says."""

from __future__ import annotations

from pathlib import Path

from admin.rig import opened
from docs.pages import DOCS
from waypost.admin.route import Route
from waypost.core.people import PERMISSIONS, ROLES

PAGE = DOCS / "control-api.md"
_SHORT = {"public": "anybody", "self": "oneself"}


def roles_table() -> str:
    """Each permission, and the roles that have it."""
    head = f"| permission | {' | '.join(ROLES)} | operator |\n|---|{'---|' * (len(ROLES) + 1)}\n"
    return head + "".join(
        f"| `{each}` | {' | '.join('✓' if each in ROLES[role] else '' for role in ROLES)} | ✓ |\n"
        for each in PERMISSIONS
    )


def paths_table(routes: tuple[Route, ...]) -> str:
    """Each path and method, and who may ask."""
    lines = ["| path | method | needs |\n|---|---|---|\n"]
    for route in routes:
        told = route.permission
        needs = _SHORT[told] if isinstance(told, str) else " or ".join(f"`{each}`" for each in told)
        lines.append(f"| `{route.path}` | {route.method} | {needs} |\n")
    return "".join(lines)


def test_roles() -> None:
    assert roles_table() in PAGE.read_text("utf-8")


def test_paths(tmp_path: Path) -> None:
    with opened(tmp_path) as world:
        assert paths_table(world.admin.table.routes) in PAGE.read_text("utf-8")
