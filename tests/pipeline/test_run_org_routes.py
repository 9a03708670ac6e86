"""Transcripts: keys of two organizations ask for routes that one of them made. `acme` may use `main/a`, `main/b`, the
model `fast` and the gateway's route `shared`."""

from __future__ import annotations

import asyncio
from hashlib import sha256

import msgspec
import pytest

from config.golden_view import surroundings
from flat_tariff import FlatTariff
from transcript import (
    CHAT,
    KEY_TEXT,
    RecordingClient,
    Stage,
    completion,
    error_code,
    provider,
    target,
)
from waypost.config.load import load_bytes
from waypost.config.resolve import resolve
from waypost.config.snapshot import Snapshot
from waypost.core.budget import Budget
from waypost.core.facts import ModelFacts
from waypost.core.key import Key
from waypost.core.org_route import OrgRoute
from waypost.core.people import Organization, Team
from waypost.core.price import Tariff
from waypost.errors import Unavailable
from waypost.pipeline.rehearsal import Scope

FILE = """
providers:
  - {name: main, dialect: openai_chat, base_url: http://main/v1, retries: 0}
  - {name: spare, dialect: openai_chat, base_url: http://spare/v1, retries: 0}
models: [{name: fast, targets: [{provider: main, model: a}]}]
routes:
  - {name: shared, fallback: [{target: main/b}, {target: spare/x}]}
  - {name: closed, target: spare/x}
"""
APPROVED = ("main/a", "main/b", "fast", "route/shared")
ACME, OTHER = "org_acme", "org_other"
SMART = '{"fallback":[{"target":"main/a"},{"target":"main/b"}]}'
PLACES = (target(provider("main")), target(provider("spare")))


class Flat:
    def find(self, provider: str, model: str) -> tuple[Tariff | None, ModelFacts]:
        return FlatTariff(), ModelFacts()


def resolved(text: str = FILE) -> Snapshot:
    around = msgspec.structs.replace(surroundings(), catalog=Flat())
    return resolve(load_bytes(text.encode()), around, version=1)


def key(home: str = ACME, **fields: object) -> Key:
    made = Key("k1", "app", sha256(KEY_TEXT).digest(), "sk-wp-…", 0.0, organization_id=home)
    return msgspec.structs.replace(made, **fields)


def stage_of(
    script: dict[str, list[object]],
    *trees: tuple[str, str],
    key: Key,
    text: str = FILE,
    models: tuple[str, ...] = APPROVED,
    org_route: str | None = None,
    purse: bool = False,
) -> Stage:
    stage = Stage(script, PLACES, key=key, purse=purse)
    stage.rule(Organization(ACME, "acme", models=models, route=org_route), Organization(OTHER, "other"))
    for name, tree in trees:
        stage.rule(OrgRoute(f"rte_{name}", ACME, name, tree))
    base = resolved(text)
    assert base.ground is not None
    found = [(each.name, each.tree) for each in stage.directory.org_routes(ACME)]
    stage.snapshot = msgspec.structs.replace(base, own={ACME: base.ground.build(ACME, models, found)})
    return stage


async def asked(stage: Stage, model: str, **more: object) -> RecordingClient:
    return await stage.ask({**CHAT, "model": model, **more})


@pytest.mark.parametrize("model", ["route/smart", "policy/smart"])
async def test_a_key_of_the_organization_asks_for_it_by_either_name(model: str) -> None:
    stage = stage_of({"main": [Unavailable("x"), completion()]}, ("smart", SMART), key=key())
    assert (await asked(stage, model)).status == 200
    assert [each.model for each in stage.attempts] == ["a", "b"]
    assert stage.exchange.route == "route/smart"


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({}, {b"x-waypost-route": b"smart"}),
        ({}, {b"x-waypost-route": b"policy/smart"}),
        ({"waypost": {"route": "smart"}}, {}),
        ({"model": "nobody/x", "models": ["route/smart"]}, {b"x-waypost-route": b"route/smart"}),
        ({"model": "route/smart:floor"}, {}),
        ({"model": "fast", "models": ["route/smart"]}, {}),
        ({"model": "route/smart"}, {b"x-portkey-provider": b"main"}),
    ],
)
async def test_every_way_to_name_a_route_names_it(
    body: dict[str, object], headers: dict[bytes, bytes]
) -> None:
    stage = stage_of({"main": [completion()]}, ("smart", SMART), key=key())
    client = await stage.ask({**CHAT, "model": "gone", **body}, headers=headers)
    assert client.status == 200, client.body
    assert stage.upstream.sent[0][0].host == "main"


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({"model": "route/smart"}, {}),
        ({"model": "policy/smart"}, {}),
        ({"model": "route/smart", "models": ["fast"]}, {}),
        ({"model": "route/smart:nitro"}, {}),
        ({}, {b"x-waypost-route": b"smart"}),
        ({"waypost": {"route": "route/smart"}}, {}),
        ({}, {b"x-portkey-config": b"smart"}),
        ({}, {b"x-portkey-config": b'{"override_params":{"model":"route/smart"}}'}),
    ],
)
async def test_to_another_organization_it_is_as_if_it_were_not_there(
    body: dict[str, object], headers: dict[bytes, bytes]
) -> None:
    said = []
    for trees in ((("smart", SMART),), ()):
        stage = stage_of({"main": [completion()]}, *trees, key=key(OTHER))
        client = await stage.ask({**CHAT, **body}, headers=headers)
        assert client.status in (400, 404)
        assert stage.upstream.sent == []
        said.append(client.body)
    assert said[0] == said[1]


CONFIGS = (
    b"smart",
    b'{"override_params":{"model":"route/smart"}}',
    b'{"provider":"main","override_params":{"model":"policy/smart"}}',
    b'{"strategy":{"mode":"fallback"},"targets":[{"override_params":{"model":"route/smart"}},'
    b'{"override_params":{"model":"fast"}}]}',
)


@pytest.mark.parametrize("config", CONFIGS)
async def test_a_portkey_config_leads_to_it(config: bytes) -> None:
    """Also where what is approved for the organization does not name it, and the key's list does."""
    for models in ((), ("route/smart", "fast")):
        stage = stage_of({"main": [completion()]}, ("smart", SMART), key=key(models=models))
        client = await stage.ask({**CHAT, "model": "gone"}, headers={b"x-portkey-config": config})
        assert client.status == 200, client.body
        assert stage.exchange.route == "route/smart"
        assert [each.model for each in stage.attempts] == ["a"]
    stage = stage_of({"main": []}, ("smart", SMART), key=key(models=("fast",)))
    closed = await stage.ask({**CHAT, "model": "gone"}, headers={b"x-portkey-config": config})
    assert (closed.status, error_code(closed.body)) == (403, "permission_denied")


async def test_in_a_portkey_config_too_the_gateways_route_of_a_name_is_meant_first() -> None:
    stage = stage_of({"main": [completion()]}, ("shared", SMART), key=key())
    client = await stage.ask(CHAT, headers={b"x-portkey-config": b"shared"})
    assert client.status == 200
    assert [each.model for each in stage.attempts] == ["b"]


#: At a provider that is named, whatever is no name here is an id of its own.
PLAIN = "main/policy/smart"


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("config", CONFIGS)
async def test_what_a_portkey_config_led_to_is_kept_for_nobody_else(config: bytes, first: bool) -> None:
    """Whoever asks first, and also when the route is another one by then."""
    stage = stage_of({"main": [completion() for _ in range(5)]}, ("smart", SMART), key=key())
    stage.keys.rows[sha256(b"theirs").digest()] = key(OTHER, key_id="k2", digest=sha256(b"theirs").digest())
    ask, headers = {**CHAT, "model": "gone"}, {b"x-portkey-config": config}

    async def others(number: int) -> None:
        theirs = await stage.ask(ask, headers=headers, number=number, key=b"theirs")
        assert (theirs.status, stage.ledger.settled[-1].route) in ((400, None), (404, None), (200, PLAIN))

    if first:
        await others(1)
    assert (await stage.ask(ask, headers=headers, number=2)).status == 200
    await others(3)
    base = resolved()
    assert base.ground is not None
    made = base.ground.build(ACME, APPROVED, [("smart", '{"target":"main/b"}')])
    stage.snapshot = msgspec.structs.replace(stage.snapshot, own={ACME: made})
    assert (await stage.ask(ask, headers=headers, number=4)).status == 200
    asked_for = [attempt.model for record in stage.ledger.settled for attempt in record.attempts]
    assert [model for model in asked_for if model != "policy/smart"] == ["a", "b"]


async def test_one_that_leads_nowhere_says_so_in_a_portkey_config() -> None:
    for config in CONFIGS:
        stage = stage_of({}, ("smart", '{"target":"spare/x"}'), key=key())
        client = await stage.ask({**CHAT, "model": "gone"}, headers={b"x-portkey-config": config})
        assert (client.status, error_code(client.body)) == (404, "no_suitable_target")
        assert b"leads nowhere now" in client.body


X = '{"target":"spare/x"}'
A = '{"target":"main/a"}'


@pytest.mark.parametrize(
    "tree",
    [
        X,
        '{"route":"closed"}',
        '{"route":"inner"}',
        f'{{"fallback":[{X},{A}]}}',
        f'{{"weighted":[{X},{A}]}}',
        f'{{"conditional":[{{"when":"true","then":{X}}}],"otherwise":{A}}}',
        f'{{"canary":{X},"stable":{A},"percent":100}}',
        f'{{"shadow":{X},"main":{A},"percent":100}}',
        f'{{"hedge":{{"fallback":[{X},{A}]}},"after":"1ms"}}',
        f'{{"fallback":[{{"route":"inner"}},{{"hedge":{{"fallback":[{X},{A}]}}}}]}}',
    ],
)
async def test_what_the_operator_did_not_approve_is_asked_by_no_way(tree: str) -> None:
    stage = stage_of(
        {"main": [Unavailable("x")] * 4, "spare": [completion()] * 4},
        ("smart", tree),
        ("inner", X),
        key=key(),
    )
    client = await asked(stage, "route/smart")
    for _ in range(20):
        await asyncio.sleep(0)
    assert client.status != 200
    assert {each[0].host for each in stage.upstream.sent} <= {"main"}


async def test_a_route_of_the_gateway_that_is_approved_leads_where_its_operator_says() -> None:
    stage = stage_of(
        {"main": [Unavailable("x")], "spare": [completion()]}, ("smart", '{"route":"shared"}'), key=key()
    )
    assert (await asked(stage, "route/smart")).status == 200


@pytest.mark.parametrize(
    ("fields", "model", "status"),
    [
        ({"models": ("route/smart",)}, "route/smart", 200),
        ({"models": ("route/*",)}, "route/smart", 200),
        ({"models": ("main/*",)}, "route/smart", 403),
        ({"models": ("route/other",)}, "policy/smart", 403),
        ({"models": ("main/*",), "route": "smart"}, "fast", 200),
        ({"team_id": "team_open"}, "route/smart", 200),
        ({"team_id": "team_shut"}, "route/smart", 403),
        ({"team_id": "team_shut", "route": "smart"}, "fast", 403),
    ],
)
async def test_lists_of_keys_and_teams_name_the_route_as_one_of_the_gateways(
    fields: dict[str, object], model: str, status: int
) -> None:
    stage = stage_of({"main": [completion()]}, ("smart", SMART), key=key(**fields))
    stage.rule(Team("team_open", ACME, "open", models=("route/smart",)))
    stage.rule(Team("team_shut", ACME, "shut", models=("main/a", "main/b")))
    assert (await asked(stage, model)).status == status


async def test_listed_models_beside_it_still_have_to_be_approved() -> None:
    stage = stage_of({"main": [completion()]}, ("smart", SMART), key=key())
    client = await asked(stage, "route/smart", models=["spare/x"])
    assert (client.status, error_code(client.body)) == (403, "permission_denied")
    stage = stage_of({"main": [completion()]}, ("smart", SMART), key=key())
    assert (await asked(stage, "route/smart", models=["main/b"])).status == 200


@pytest.mark.parametrize(
    ("key_route", "team_route", "org_route", "model", "route"),
    [
        (None, None, None, "fast", "fast"),
        (None, None, "smart", "fast", "route/smart"),
        (None, "shared", "smart", "fast", "route/shared"),
        ("other", "shared", "smart", "fast", "route/other"),
        (None, "shared", "smart", "route/other", "route/other"),
        (None, None, "route/shared", "nothing-like-it", "route/shared"),
    ],
)
async def test_the_nearest_default_decides(
    key_route: str | None, team_route: str | None, org_route: str | None, model: str, route: str
) -> None:
    stage = stage_of(
        {"main": [completion()]},
        ("smart", SMART),
        ("other", '{"target":"main/b"}'),
        key=key(route=key_route, team_id="team_web"),
        org_route=org_route,
    )
    stage.rule(Team("team_web", ACME, "web", route=team_route))
    assert (await asked(stage, model)).status == 200
    assert stage.exchange.route == route


async def test_a_default_of_a_team_or_an_organization_opens_nothing() -> None:
    limited = key(models=("fast",))
    stage = stage_of({"main": [completion()]}, ("smart", SMART), key=limited, org_route="smart")
    assert (await asked(stage, "fast")).status == 403
    stage = stage_of({"main": [completion()]}, key=key(), org_route="closed")
    assert (await asked(stage, "fast")).status == 403


async def test_a_default_that_is_not_there_says_whose_it_is() -> None:
    stage = stage_of({}, key=key(), org_route="gone")
    client = await asked(stage, "fast")
    assert client.status == 404
    assert b"The organization 'acme' takes the route 'gone'" in client.body


async def test_a_provider_that_was_taken_away_is_told_when_nothing_is_left() -> None:
    text = FILE.replace("name: main,", "name: moved,").replace("provider: main", "provider: moved")
    text = text.replace("target: main/b", "target: moved/b")
    stage = stage_of({}, ("smart", SMART), key=key(), text=text)
    client = await asked(stage, "route/smart")
    assert (client.status, error_code(client.body)) == (404, "no_suitable_target")
    assert b"there is no provider 'main'" in client.body
    stage = stage_of({}, ("smart", SMART), key=key(OTHER), text=text)
    assert b"provider" not in (await asked(stage, "route/smart")).body


async def test_the_configurations_route_of_the_same_name_is_meant() -> None:
    stage = stage_of({"main": [completion()]}, ("shared", A), key=key())
    await asked(stage, "route/shared")
    assert [each.model for each in stage.attempts] == ["b"]


def with_copies(stage: Stage) -> None:
    """Plans have the copies that their routes ask for."""
    stage.planner.shadows = PLACES
    stage.planner.plan = stage.planner.planner.plan  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("headers", "model"), [({b"x-waypost-route": b"fast"}, "a"), ({b"x-waypost-route": b"route/fast"}, "b")]
)
async def test_a_bare_name_is_the_configurations_first(headers: dict[bytes, bytes], model: str) -> None:
    stage = stage_of({"main": [completion()]}, ("fast", '{"target":"main/b"}'), key=key())
    await stage.ask(CHAT, headers=headers)
    assert [each.model for each in stage.attempts] == [model]


async def test_copies_that_an_organization_asks_for_are_on_its_own_budget() -> None:
    stage = stage_of(
        {"main": [completion(), completion(output=5)]},
        ("smart", '{"shadow":{"target":"main/b"},"main":{"target":"main/a"},"percent":100}'),
        key=key(),
        purse=True,
    )
    stage.rule(Budget("bud_1", ACME, "all", "organization", ACME, 10**9))
    with_copies(stage)
    assert (await asked(stage, "route/smart")).status == 200
    for _ in range(20):
        await asyncio.sleep(0)
    served, copy = sorted(stage.ledger.settled, key=lambda each: len(each.exchange_id))
    assert (served.key_id, copy.key_id) == ("k1", None)
    assert copy.accounts == served.accounts == ("organization:org_acme:month:2026-09-01",)


async def test_the_gateways_copies_stay_its_operators() -> None:
    text = FILE + "  - {name: watched, shadow: {target: main/b}, main: {target: main/a}, percent: 100}\n"
    stage = stage_of(
        {"main": [completion(), completion()]},
        ("smart", '{"route":"watched"}'),
        key=key(),
        text=text,
        models=(),
        purse=True,
    )
    stage.rule(Budget("bud_1", ACME, "all", "organization", ACME, 10**9))
    with_copies(stage)
    assert (await asked(stage, "route/smart")).status == 200
    for _ in range(20):
        await asyncio.sleep(0)
    _, copy = sorted(stage.ledger.settled, key=lambda each: len(each.exchange_id))
    assert copy.accounts == ()


async def test_a_budget_that_is_used_up_may_name_it() -> None:
    stage = stage_of({"main": [completion()]}, ("smart", A), key=key(), purse=True)
    stage.rule(
        Budget("bud_1", ACME, "all", "model", "b", 1, on_exhausted="smart"),
    )
    client = await asked(stage, "main/b")
    assert client.status == 200
    assert client.header(b"x-waypost-budget") == b"model/all; route=route/smart"
    assert stage.exchange.route == "route/smart"


def test_a_rehearsal_on_a_route_is_of_one_organization() -> None:
    stage = stage_of({}, ("smart", SMART), key=key())
    route = stage.snapshot.find_own(ACME, "route/smart")
    assert route is not None
    assert Scope(("main",), route="route/smart", owner=ACME).wants("k1", route)
    assert not Scope(("main",), route="route/smart", owner=OTHER).wants("k1", route)
    assert not Scope(("main",), route="route/smart").wants("k1", route)
