from __future__ import annotations

import asyncio
from io import StringIO
from pathlib import Path

import msgspec

from app.test_live_config import Place
from waypost.app import org_routes
from waypost.app.models_list import ModelsList, own_routes
from waypost.app.org_routes import OrgRouting
from waypost.app.targets_list import TargetsList
from waypost.config.org_trees import route_of
from waypost.core.key import Key
from waypost.core.objects import KIND_OF, Change, Object
from waypost.core.org_route import OrgRoute
from waypost.core.people import Organization
from waypost.policy.directory import Directory
from waypost.telemetry.logs import Log

ACME, OTHER = Organization("org_a", "acme"), Organization("org_b", "other")
SMART = OrgRoute("rte_1", "org_a", "smart", '{"fallback":[{"target":"lab/m"},{"target":"fast"}]}')
ELSEWHERE = """
providers:
  - {name: labx, dialect: openai_chat, base_url: "http://127.0.0.1:9/v1"}
models:
  - {name: %s, targets: [{provider: labx, model: m}]}
"""


class Routing:
    def __init__(self, folder: Path) -> None:
        self.place = Place(folder)
        self.directory = Directory()
        self.log = StringIO()
        self.routing = OrgRouting(self.place.config, self.directory, Log(self.log, lambda: 0.0))

    def apply(self, *objects: Object, gone: tuple[Object, ...] = ()) -> None:
        changes = [Change(KIND_OF[type(each)], each) for each in objects]
        changes += [Change(KIND_OF[type(each)], each, deleted=True) for each in gone]
        self.directory.apply(changes, self.directory.version + 1)

    async def put(self, *objects: Object, gone: tuple[Object, ...] = ()) -> None:
        self.apply(*objects, gone=gone)
        await self.routing.refresh()

    def names(self, home: str = "org_a", name: str = "route/smart") -> list[str]:
        route = self.place.config.snapshot().find_own(home, name)
        return [] if route is None else [target.name for target in route.targets]


async def test_what_is_written_is_in_force_and_what_is_deleted_is_not(tmp_path: Path) -> None:
    routing = Routing(tmp_path)
    await routing.put(ACME, OTHER, SMART)
    assert routing.names() == ["lab/m"], "the same target, by two names"
    assert routing.names("org_b") == []
    await routing.put(msgspec.structs.replace(SMART, tree='{"target":"lab/n"}'))
    assert routing.names() == ["lab/n"]
    await routing.put(gone=(SMART,))
    assert routing.names() == []


async def test_nothing_is_built_twice_and_nothing_for_those_who_have_none(tmp_path: Path) -> None:
    routing = Routing(tmp_path)
    await routing.put(ACME, OTHER)
    assert routing.place.config.snapshot().own == {}
    await routing.put(SMART)
    own = routing.place.config.snapshot().own
    await routing.put()
    assert routing.place.config.snapshot().own is own
    route = own["org_a"].routes["route/smart"]
    await routing.put(OrgRoute("rte_2", "org_b", "mine", '{"target":"lab/m"}'))
    assert routing.place.config.snapshot().own["org_a"].routes["route/smart"] is route


async def test_what_is_approved_for_the_organization_is_held_to_when_it_changes(tmp_path: Path) -> None:
    routing = Routing(tmp_path)
    await routing.put(ACME, SMART)
    await routing.put(msgspec.structs.replace(ACME, models=("fast",)))
    assert routing.names() == ["lab/m"], "by the name `fast`"
    assert routing.routing.faults(SMART) == ("tree.fallback[0].target: the organization may not use 'lab/m'",)
    await routing.put(msgspec.structs.replace(ACME, models=()))
    assert routing.routing.faults(SMART) == ()


async def test_a_reload_is_followed_at_once(tmp_path: Path) -> None:
    routing = Routing(tmp_path)
    await routing.put(ACME, SMART)
    routing.place.write(ELSEWHERE % "fast")
    assert routing.place.config.reload()
    assert routing.names() == ["labx/m"]
    assert routing.routing.faults(SMART) == ("tree.fallback[0].target: there is no provider 'lab'",)


async def test_where_there_are_many_a_reload_is_followed_in_a_moment(tmp_path: Path) -> None:
    routing = Routing(tmp_path)
    many = [
        msgspec.structs.replace(SMART, id=f"rte_{n}", name=f"r{n}") for n in range(org_routes._AT_ONCE + 1)
    ]
    await routing.put(ACME, *many)
    before = routing.place.config.snapshot().find_own("org_a", "route/r1")
    routing.place.write(ELSEWHERE % "fast")
    assert routing.place.config.reload()
    assert routing.place.config.snapshot().find_own("org_a", "route/r1") is before
    await asyncio.gather(*routing.routing._tasks)
    assert routing.names(name="route/r1") == ["labx/m"]
    await routing.routing.stop()


async def test_a_route_of_the_file_stands_before_one_of_the_same_name(tmp_path: Path) -> None:
    routing = Routing(tmp_path)
    await routing.put(ACME, SMART)
    assert not routing.routing.shadowed("smart")
    routing.place.write(ELSEWHERE % "fast" + "routes: [{name: smart, target: labx/z}]\n")
    assert routing.place.config.reload()
    assert routing.routing.shadowed("smart")
    standing = routing.directory.standing(Key("k", "k", b"", "", 0.0, organization_id="org_a"))
    assert list(own_routes(routing.place.config.snapshot(), standing)) == []


async def test_one_organizations_routes_that_can_not_be_built_keep_nobody_from_theirs(tmp_path: Path) -> None:
    routing = Routing(tmp_path)
    ground = routing.place.config.snapshot().ground
    assert ground is not None
    build = ground.build

    def failing(home: str, *more: object) -> object:
        if home == "org_a":
            raise RuntimeError("a fault of ours")
        return build(home, *more)  # type: ignore[arg-type]

    ground.build = failing  # type: ignore[method-assign, assignment]
    await routing.put(ACME, OTHER, SMART, OrgRoute("rte_2", "org_b", "smart", '{"target":"lab/n"}'))
    assert routing.names("org_b") == ["lab/n"]
    assert "its log has the details" in routing.routing.faults(SMART)[0]
    assert "RuntimeError" in routing.log.getvalue()


async def test_a_name_is_looked_for_under_the_configuration_in_force(tmp_path: Path) -> None:
    routing = Routing(tmp_path)
    await routing.put(ACME, SMART)
    find = routing.routing.find_problems
    assert find(ACME, route_of("new", '{"route":"smart"}'), [SMART]) == []
    (problem,) = find(ACME, route_of("new", '{"target":"labx/m"}'), [])
    assert problem.message == "there is no provider 'labx'"


async def test_lists_show_it_to_its_organization_alone(tmp_path: Path) -> None:
    routing = Routing(tmp_path)
    await routing.put(ACME, OTHER, SMART)
    listing, snapshot = ModelsList(), routing.place.config.snapshot
    targets = TargetsList(snapshot, lambda _: None, routing.directory)

    def shown(key: Key) -> tuple[list[str], list[list[str]]]:
        body = listing.render(snapshot(), routing.directory.standing(key), 0.0)
        names = [each["id"] for each in msgspec.json.decode(body)["data"]]
        rows: list[dict[str, list[str]]] = targets.list(key)["data"]  # type: ignore[assignment]
        return names, [each["routes"] for each in rows]

    mine = Key("k1", "a", b"a", "", 0.0, organization_id="org_a")
    his = Key("k2", "b", b"b", "", 0.0, organization_id="org_b")
    assert shown(his) == (["fast"], [["fast"]])
    assert shown(mine) == (["fast", "route/smart"], [["fast", "route/smart"]])
    limited = msgspec.structs.replace(mine, key_id="k3", models=("route/*",))
    assert shown(limited)[0] == ["route/smart"]
    await routing.put(gone=(SMART,))
    assert shown(mine)[0] == ["fast"]
