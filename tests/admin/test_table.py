"""The table as a whole, and that no path of it is one of the inference side's, or the other way round."""

from __future__ import annotations

from itertools import product

from admin.rig import World
from waypost.admin.route import Route
from waypost.core.people import PERMISSIONS
from waypost.dialects.registry import DIALECTS
from waypost.edge.routes import Routes
from waypost.errors import NotFound


def test_every_permission_opens_something(world: World) -> None:
    used = {
        each
        for row in world.admin.table.routes
        if not isinstance(row.permission, str)
        for each in row.permission
    }
    assert used == set(PERMISSIONS)


def test_what_is_public(world: World) -> None:
    public = {row.name for row in world.admin.table.routes if row.permission == "public"}
    assert public == {"create_session", "accept_invitation", "get_openapi"}


def test_what_changes_things_is_not_read_with(world: World) -> None:
    for row in world.admin.table.routes:
        if row.method != "GET" and not isinstance(row.permission, str):
            assert all(each.endswith(":write") for each in row.permission), row.name


def test_no_path_is_the_inference_sides_too(world: World) -> None:
    """Each path of the one is asked of the other, with every word of either in the places of its variables."""
    inference = Routes(DIALECTS.values())
    paths = [path for path in inference._exact if path.startswith("/api/")]
    assert "/api/v1/chat/completions" in paths
    words = {part for row in world.admin.table.routes for part in row.parts if part[0] != "{"}
    words |= {part for path in paths for part in path.split("/") if part} | {"x"}
    for row in world.admin.table.routes:
        slots = [part for part in row.parts if part[0] == "{"]
        for chosen in product(sorted(words), repeat=min(len(slots), 1)):
            filled = _filled(row, chosen[0] if chosen else "x")
            assert not _found(inference, filled), f"{row.name} hides {filled}"
    for path in paths:
        assert world.admin.methods(path) is None
    for base in ("models", "responses", "files", "batches", "generations", "drills"):
        for rest in words:
            assert world.admin.methods(f"/api/v1/{base}/{rest}") is None
            assert world.admin.methods(f"/api/v1/{base}/x/{rest}") is None
    assert not world.admin.table.own & {path.split("/")[3] for path in paths}


def _filled(row: Route, word: str) -> str:
    return "/" + "/".join(word if part[0] == "{" else part for part in row.parts)


def _found(routes: Routes, path: str) -> bool:
    try:
        routes.find(path)
    except NotFound:
        return False
    return True
