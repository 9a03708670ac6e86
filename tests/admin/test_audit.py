"""The audit log as routes, and that every route that changes something leaves a row of its own."""

from __future__ import annotations

import pytest
from pyotp import TOTP

from admin.rig import ACME, CONTROL, NOW, OTHER, PASSWORD, Told, World
from admin.test_authorization_matrix import SESSION as SESSIONS
from admin.test_authorization_matrix import Stage
from waypost.admin.route import Route
from waypost.core.budget import Budget
from waypost.core.deed import Deed, Done
from waypost.core.limit import Limit
from waypost.core.org_route import OrgRoute
from waypost.core.people import Project
from waypost.errors import StoreUnavailable

AUDIT = "/api/v1/audit"
OWN = f"{ACME}/audit"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


async def test_a_row_tells_who_did_what(world: World) -> None:
    ann = world.person("ann", "owner")
    await world.made("PUT", f"{ACME}/teams/core", {"title": "Core"}, token=ann, address="192.0.2.99")
    await world.made("PATCH", f"{ACME}/teams/core", {"title": "Kernel"}, token=ann)
    changed, made = (await world.made("GET", f"{OWN}?limit=2"))["items"]
    token = next(each.id for each in world.rows.page("token", "", "", 9))
    hashes = [kept.hash.hex() for kept in world.told()]
    assert (changed.pop("seq"), made.pop("seq")) == (len(hashes), len(hashes) - 1)
    assert [made.pop("hash"), changed.pop("hash")] == hashes[-2:]
    core = world.rows.named("team", "org_acme", "core")
    assert core is not None
    assert made == {
        "at": NOW, "actor": "user:user_ann", "via": f"token:{token}", "organization": "org_acme", "action": "put_team",
        "kind": "team", "id": core.id, "name": "core", "outcome": "done", "request_id": "req_1",
        "address": "192.0.2.99", "changes": [
            {"field": "name", "secret": False, "old": None, "new": "core"},
            {"field": "title", "secret": False, "old": None, "new": "Core"},
        ],
    }  # fmt: skip
    assert changed["changes"] == [{"field": "title", "secret": False, "old": "Core", "new": "Kernel"}]
    assert changed["action"] == "patch_team"


async def test_a_secret_is_told_of_and_never_told(world: World) -> None:
    made = await world.made("POST", f"{ACME}/keys", {"name": "app"})
    rotated = await world.made("POST", f"{ACME}/keys/{made['key']['id']}/rotate", {})
    told = await world.ask("GET", OWN)
    (first, *_) = told.json["items"]
    assert first["action"] == "rotate_key"
    assert first["changes"][0] == {"field": "secret", "secret": True, "old": None, "new": None}
    for text in (made["text"], rotated["text"]):
        assert text.encode() not in told.text
        assert text[-6:].encode() not in told.text


async def test_an_organization_sees_its_own_rows_alone(world: World) -> None:
    await world.made("PUT", f"{OTHER}/teams/core", {})
    await world.made("PUT", f"{ACME}/teams/core", {})
    auditor = world.person("ann", "auditor")
    items = (await world.made("GET", OWN, token=auditor))["items"]
    assert {each["organization"] for each in items} == {"org_acme"}
    everything = (await world.made("GET", f"{AUDIT}?limit=200"))["items"]
    assert {each["organization"] for each in everything} == {"", "org_acme", "org_other"}
    assert (await world.ask("GET", AUDIT, token=auditor)).status == 403
    assert (await world.ask("GET", f"{OTHER}/audit", token=auditor)).status == 404


async def test_pages(world: World) -> None:
    seen: list[int] = []
    path = f"{AUDIT}?limit=3"
    while True:
        told = await world.ask("GET", path)
        seen += [each["seq"] for each in told.json["items"]]
        if told.json["next"] is None:
            break
        assert 'rel="next"' in told.headers["link"]
        path = f"{AUDIT}?limit=3&after={told.json['next']}"
    assert seen == list(range(len(world.told()), 0, -1))


async def test_what_is_asked_for(world: World) -> None:
    world.clock.now += 86_400
    ann = world.person("ann", "owner")
    await world.made("PUT", f"{ACME}/teams/core", {}, token=ann)
    await world.ask("GET", AUDIT, token=ann)

    async def actions(query: str) -> list[str]:
        return [each["action"] for each in (await world.made("GET", f"{AUDIT}?{query}"))["items"]]

    assert await actions("actor=user:user_ann") == ["list_gateway_audit", "put_team"]
    assert await actions("actor=user:user_ann&outcome=done") == ["put_team"]
    assert await actions("action=put_team") == ["put_team"]
    assert await actions("object=core") == ["put_team"]
    assert await actions("from=2025-11-27&action=put_team") == ["put_team"]
    assert await actions("to=2025-11-27&action=put_team") == []
    assert len(await actions("to=2025-11-27")) == 5


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ("from=yesterday", 400, "from"),
        ("from=2025-11-27&to=2025-11-26", 422, "to"),
        ("outcome=other", 400, "outcome"),
        ("after=x", 422, "after"),
        ("actor=" + "a" * 201, 400, "actor"),
        ("object=%00", 400, "object"),
    ],
)
async def test_what_makes_no_sense(world: World, query: str, status: int, field: str) -> None:
    told = await world.ask("GET", f"{AUDIT}?{query}")
    assert (told.status, told.fields) == (status, [field])


async def test_what_somebody_wrote_over_a_row_is_shown_as_far_as_it_goes(world: World) -> None:
    world.trail.by(Deed("user:x")).add(Done("team", changes={"odd": 1, "pair": [1, 2]}))
    (row,) = (await world.made("GET", f"{AUDIT}?limit=1"))["items"]
    assert [(each["field"], each["secret"], each["new"]) for each in row["changes"]] == [
        ("odd", True, None),
        ("pair", False, 2),
    ]


#: Asked last, in this order: behind them something that others need is not there any more.
LAST = (
    "put_second_factor", "remove_second_factor",
    "delete_user_second_factor", "delete_user", "delete_one_session", "delete_session",
    "delete_sessions", "change_password", "delete_organization",
)  # fmt: skip
#: Bodies that change something, where those of the matrix do not.
TITLE = {"title": "another"}
BODIES: dict[str, object] = {
    "patch_organization": TITLE, "patch_team": TITLE, "patch_project": TITLE, "patch_service": TITLE,
    "patch_user": TITLE, "put_role": {"permissions": ["keys:read"]}, "patch_role": {"permissions": ["teams:write"]},
    "put_member": {"role": "developer"}, "patch_member": {"role": "admin"}, "patch_key": {"rpm": 7},
    "patch_budget": {"limit": "9"}, "patch_gateway_budget": {"limit": "9"},
    "patch_limit": {"amount": 9}, "patch_gateway_limit": {"amount": 9}, "patch_credential": {"weight": 3},
    "patch_route": {"tree": {"target": "openai/gpt-5-mini"}},
}  # fmt: skip
SIGNED_OUT = ("delete_session", "delete_sessions", "change_password")


async def test_every_route_that_changes_something_leaves_a_row(world: World) -> None:
    stage = await _furnished(world)
    missing, asked = [], 0
    rows = [row for row in world.admin.table.routes if row.method != "GET" and not row.quiet]
    for route in sorted(rows, key=lambda row: _turn(row.name)):
        if route.name in SIGNED_OUT:
            await stage.sign_in()
        before = len(world.told())
        told = await _ask(stage, route)
        assert told.status < 300, (route.name, told.text)
        found = [kept.entry for kept in world.told()[before:]]
        if not found or {each.action for each in found} != {route.name}:
            missing.append(route.name)
        assert all(each.outcome == "done" and each.request_id == "req_1" for each in found)
        asked += 1
    assert not missing, missing
    assert asked > 40


def _turn(name: str) -> int:
    if name == "delete_user_sessions":  # before their new password has ended them
        return -2
    return LAST.index(name) if name in LAST else -1


async def _furnished(world: World) -> Stage:
    """Everything that is asked for is there, and of what is deleted nothing else needs it."""
    stage = Stage(world)
    world.organization("spare")
    world.team("spare")
    world.role("spare", "teams:read")
    world.machine("spare")
    world.put(Project("proj_spare", "org_acme", "spare"))
    world.put(Budget("bud_spare", "org_acme", "spare", "organization", "org_acme", 5))
    world.put(Limit("lim_spare", "org_acme", "spare", "organization", "org_acme", "requests", 5))
    world.put(world.credential("spare"))
    world.put(OrgRoute("rte_spare", "org_acme", "spare", '{"target":"openai/gpt-5"}'))
    world.user("person", password=True)
    await stage.sign_in()
    await world.sign_in("person")
    return stage


async def _ask(stage: Stage, route: Route) -> Told:
    ids = dict(stage.ids["acme"])
    if route.method == "DELETE" and "gateway" not in route.parts:
        spare = {"name": "spare", "service": "spare"}
        stage.ids["acme"].update(spare)
    if "users" in route.parts:
        stage.ids["acme"]["user"] = "user_person"
    if route.name == "delete_organization":
        stage.ids["acme"]["organization"] = "spare"
    path, body = stage.path(route, "own"), BODIES.get(route.name) or stage.body(route, "own")
    stage.ids["acme"] = ids
    if route.name == "put_second_factor":
        code = TOTP(SECRET).at(int(stage.world.clock.now))
        body = {"secret": SECRET, "code": code, "password": PASSWORD}
    who = stage.shown["signed_in"] if route.name in SESSIONS else {"token": CONTROL}
    return await stage.world.ask(route.method, path, body, **who)


async def test_a_change_that_can_not_be_told_of_does_not_happen(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailable("The database does not answer.")

    monkeypatch.setattr("waypost.stores.sql.objects.append_object", away)
    assert (await world.ask("PUT", f"{ACME}/teams/core", {})).status == 503
    assert (await world.ask("GET", f"{ACME}/teams/core")).status == 404
