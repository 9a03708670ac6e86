from __future__ import annotations

from collections.abc import Sequence

import pytest

from admin.rig import ACME, World
from config.golden_view import surroundings
from waypost.admin.api import Admin
from waypost.config.load import load_bytes
from waypost.config.problems import ConfigProblem
from waypost.config.resolve import resolve
from waypost.config.route_schema import RouteConfig
from waypost.core.org_route import ROUTES_MAX, OrgRoute
from waypost.core.people import Organization

FILE = b"""
providers: [{name: lab, dialect: openai_chat, base_url: http://lab/v1}]
routes: [{name: shared, target: lab/m}, {name: closed, target: lab/x}]
"""
TREE = {"fallback": [{"target": "lab/m", "timeout": "20s"}, {"route": "shared"}]}
ROUTES = f"{ACME}/routes"


class Trees:
    """`admin.parts.OrgTrees` over one configuration."""

    def __init__(self) -> None:
        snapshot = resolve(load_bytes(FILE), surroundings(), version=1)
        assert snapshot.ground is not None
        self.snapshot, self.ground = snapshot, snapshot.ground
        self.told: tuple[str, ...] = ()

    def faults(self, route: OrgRoute) -> tuple[str, ...]:
        return self.told

    def shadowed(self, name: str) -> bool:
        return f"route/{name}" in self.snapshot.routes

    def find_problems(
        self, organization: Organization, new: RouteConfig, others: Sequence[OrgRoute]
    ) -> Sequence[ConfigProblem]:
        trees = [(each.name, each.tree) for each in others]
        return self.ground.find_problems(organization.id, organization.models, new, trees)


@pytest.fixture
def trees(world: World) -> Trees:
    made = Trees()
    world.admin = Admin(world.parts(trees=made))
    return made


async def test_a_route_is_made_read_changed_listed_and_deleted(world: World, trees: Trees) -> None:
    told = await world.ask("PUT", f"{ROUTES}/smart", {"tree": TREE})
    assert (told.status, told.json["tree"], told.json["broken"], told.json["shadowed"]) == (
        201,
        TREE,
        [],
        False,
    )
    assert told.json["id"].startswith("rte_")
    tag = told.headers["etag"]
    assert (await world.ask("GET", f"{ROUTES}/smart", headers={"if-none-match": tag})).status == 304
    body = {"tree": {"target": "lab/n"}}
    assert (await world.ask("PATCH", f"{ROUTES}/smart", body, headers={"if-match": '"1"'})).status == 412
    changed = await world.made("PATCH", f"{ROUTES}/smart", body)
    assert (changed["tree"], changed["id"]) == (body["tree"], told.json["id"])
    assert [each["name"] for each in (await world.made("GET", ROUTES))["items"]] == ["smart"]
    assert (await world.made("GET", "/api/v1/organizations/other/routes"))["items"] == []
    assert (await world.ask("DELETE", f"{ROUTES}/smart")).status == 204
    assert (await world.ask("GET", f"{ROUTES}/smart")).status == 404


async def test_the_same_tree_in_another_spelling_is_no_change(world: World, trees: Trees) -> None:
    first = await world.made("PUT", f"{ROUTES}/smart", {"tree": {"target": "lab/m", "need": None}})
    again = await world.made("PUT", f"{ROUTES}/smart", b'{"tree": {  "target" :"lab\\u002fm"}}')
    assert again["revision"] == first["revision"]


async def test_what_is_broken_by_now_is_shown_with_why(world: World, trees: Trees) -> None:
    await world.made("PUT", f"{ROUTES}/smart", {"tree": TREE})
    trees.told = ("tree.fallback[0].target: there is no provider 'lab'",)
    assert (await world.made("GET", f"{ROUTES}/smart"))["broken"] == list(trees.told)


async def test_a_route_that_the_file_has_by_now_is_shown_as_shadowed(world: World, trees: Trees) -> None:
    world.put(OrgRoute("rte_1", "org_acme", "shared", '{"target":"lab/m"}'))
    assert (await world.made("GET", f"{ROUTES}/shared"))["shadowed"] is True


@pytest.mark.parametrize(
    ("name", "tree", "field", "told"),
    [
        ("x", {"fallback": [{"target": "labb/m"}]}, "tree.fallback[0].target", "Did you mean 'lab'?"),
        ("x", {"fallback": [{"route": "shred"}]}, "tree.fallback[0].route", "Did you mean 'shared'?"),
        ("x", {"route": "x"}, "tree.route", "would be in itself"),
        ("x", {"targt": "lab/m"}, "tree.targt", "Did you mean 'target'?"),
        ("x", {"target": "lab/m", "retries": 99}, "tree.retries", "not allowed"),
        ("x", {"target": "lab/m", "prices": {"input": 0, "output": 0}}, "tree.prices", "operator"),
        ("x", {}, "tree", "says nothing of what it is"),
        ("x", [], "tree", "a list"),
        ("shared", {"target": "lab/m"}, "name", "Take another name"),
    ],
)
async def test_what_is_wrong_is_told_with_its_place(
    world: World, trees: Trees, name: str, tree: object, field: str, told: str
) -> None:
    said = await world.ask("PUT", f"{ROUTES}/{name}", {"tree": tree})
    assert (said.status, said.json["errors"][0]["field"]) == (422, field)
    assert told in said.json["detail"]


async def test_only_what_is_approved_for_the_organization_is_taken(world: World, trees: Trees) -> None:
    await world.made("PATCH", ACME, {"models": ["lab/m", "route/shared"]})
    owner = world.person("ann", "owner")
    for tree in ({"target": "lab/x"}, {"route": "closed"}, {"fallback": [TREE, {"target": "lab/x"}]}):
        said = await world.ask("PUT", f"{ROUTES}/smart", {"tree": tree}, token=owner)
        assert (said.status, "may not use" in said.json["detail"]) == (422, True)
    await world.made("PUT", f"{ROUTES}/smart", {"tree": TREE}, token=owner)
    said = await world.ask("PATCH", f"{ROUTES}/smart", {"tree": {"target": "lab/x"}}, token=owner)
    assert said.status == 422


async def test_there_is_a_bound_of_routes(world: World, trees: Trees) -> None:
    for number in range(ROUTES_MAX):
        world.put(OrgRoute(f"rte_{number}", "org_acme", f"r{number}", '{"target":"lab/m"}'))
    said = await world.ask("PUT", f"{ROUTES}/more", {"tree": TREE})
    assert (said.status, "at most 100 routes" in said.json["detail"]) == (409, True)
    assert (await world.ask("PUT", f"{ROUTES}/r1", {"tree": TREE})).status == 200
    assert (await world.ask("PUT", "/api/v1/organizations/other/routes/more", {"tree": TREE})).status == 201


async def test_default_routes_of_teams_and_organizations(world: World) -> None:
    assert (await world.made("PATCH", ACME, {"route": "smart"}))["route"] == "smart"
    assert (await world.made("PATCH", f"{ACME}/teams/search", {"route": "route/x"}))["route"] == "route/x"
    assert (await world.made("PATCH", f"{ACME}/teams/search", {"route": None}))["route"] is None
    assert (await world.ask("PATCH", ACME, {"route": ""})).status == 400
