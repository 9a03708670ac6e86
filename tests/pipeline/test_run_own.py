"""Credentials that people brought, as transcripts: what goes over the wire with whose key, what is parked, what is
booked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from hashlib import sha256

import msgspec
import pytest

from transcript import (
    CHAT,
    KEY_TEXT,
    RecordingClient,
    ScriptedAnswer,
    Stage,
    completion,
    error_code,
    events,
    provider,
    streamed,
    target,
)
from waypost.config.nodes import Fallback, Leaf
from waypost.config.snapshot import Route
from waypost.config.targets import Keying, Target
from waypost.config.tuning import BreakerTuning, Resilience
from waypost.core.credentials import Credential
from waypost.core.key import Key
from waypost.core.people import Member, Organization, Team, User
from waypost.routing.health.board import HealthBoard
from waypost.routing.own import Brought

OTHERS_TEXT = b"key-of-the-others"
OPERATORS = b"authorization: Bearer upstream-secret"


class Board(HealthBoard):
    """The real one, as the stage asks it."""

    @property
    def under_way(self) -> dict[str, int]:
        return {place.target.label: place.in_flight for place in self.places()}


def board() -> Board:
    return Board(lambda: Resilience(breaker=BreakerTuning(jitter=0.0)), lambda: 0.5, lambda: 1_790_000_000.0)


def brought(name: str, secret: str, **more: object) -> Brought:
    made = Credential(
        f"cred_{name}", "org_a", name, "p1", "https://p1.example", owner_id="org_a", sealed=b"x"
    )
    return Brought(msgspec.structs.replace(made, **more), secret)


P1 = target(provider("p1", keying=Keying("authorization"), retries=0))
P2 = target(provider("p2", keying=Keying("authorization"), retries=0))


def stage_of(
    *own: Brought,
    script: list[object] | None = None,
    targets: tuple[Target, ...] = (P1,),
    purse: bool = False,
) -> Stage:
    key = Key("k1", "app", sha256(KEY_TEXT).digest(), "", 0.0, organization_id="org_a", team_id="team_1",
              user_id="user_1")  # fmt: skip
    others = Key("k2", "others", sha256(OTHERS_TEXT).digest(), "", 0.0, organization_id="org_b")
    stage = Stage(
        script if script is not None else [completion() for _ in range(9)],
        targets=targets,
        key=key,
        make_board=board,  # type: ignore[arg-type]
        purse=purse,
    )
    stage.keys.rows[others.digest] = others
    stage.rule(
        Organization("org_a", "acme"),
        Organization("org_b", "others"),
        Team("team_1", "org_a", "web"),
        User("user_1", "ann@example.com"),
        Member("mem_1", "org_a", "user_1"),
    )
    stage.own.give(own)
    return stage


def shown(stage: Stage) -> list[str]:
    """The key of each request that went out."""
    found = []
    for _, head, _ in stage.upstream.sent:
        (line,) = [each for each in head.split(b"\r\n") if each.lower().startswith(b"authorization:")]
        found.append(line.rpartition(b" ")[2].decode())
    return found


def failure(status: int, message: str = "no") -> ScriptedAnswer:
    return ScriptedAnswer(status, msgspec.json.encode({"error": {"message": message}}))


async def test_ones_own_key_first() -> None:
    stage = stage_of(brought("mine", "sk-mine"))
    client = await stage.ask(CHAT)
    assert client.status == 200
    assert shown(stage) == ["sk-mine"]
    (attempt,) = stage.attempts
    assert (attempt.provider, attempt.key_name, attempt.own) == ("p1", "cred_mine:1", True)
    assert stage.ledger.marks[0].key_name == "cred_mine:1"


async def test_a_stream_with_ones_own_key() -> None:
    stage = stage_of(brought("mine", "sk-mine"), script=[streamed(events())])
    client = await stage.ask({**CHAT, "stream": True})
    assert client.finished
    assert shown(stage) == ["sk-mine"]


@pytest.mark.parametrize("status", [401, 402, 403, 429])
async def test_one_that_is_refused_is_parked_alone_and_the_operators_key_follows(status: int) -> None:
    stage = stage_of(brought("mine", "sk-mine"), script=[failure(status), completion(), completion()])
    assert (await stage.ask(CHAT)).status == 200
    assert (await stage.ask(CHAT, number=2)).status == 200
    assert shown(stage) == ["sk-mine", "upstream-secret", "upstream-secret"]
    own = stage.own.route(stage.snapshot.routes["fast"], stage.key, 0.0, 7)
    assert own is not None
    mine, operators = own.route.targets
    now = stage.clock.monotonic()
    assert stage.board.of(mine).parked_until(now) > now
    assert not stage.board.of(operators).parked_until(now)


async def test_one_after_the_other_until_one_answers() -> None:
    stage = stage_of(
        brought("all", "sk-all"),
        brought("team", "sk-team", owner="team", owner_id="team_1"),
        brought("user", "sk-user", owner="user", owner_id="user_1"),
        brought("late", "sk-late", use="last"),
        script=[failure(401), failure(429), failure(402), failure(403), completion()],
    )
    assert (await stage.ask(CHAT)).status == 200
    assert shown(stage) == ["sk-user", "sk-team", "sk-all", "upstream-secret", "sk-late"]


async def test_ones_own_key_last() -> None:
    stage = stage_of(
        brought("late", "sk-late", use="last"), script=[completion(), failure(429), completion()]
    )
    assert (await stage.ask(CHAT)).status == 200
    assert shown(stage) == ["upstream-secret"]
    assert (await stage.ask(CHAT, number=2)).status == 200
    assert shown(stage)[1:] == ["upstream-secret", "sk-late"]


async def test_a_parked_key_of_the_operators_does_not_keep_ones_own_out() -> None:
    stage = stage_of(script=[failure(401), completion()])
    assert (await stage.ask(CHAT)).status == 502
    assert (await stage.ask(CHAT, number=2)).status == 503
    stage.own.give([brought("mine", "sk-mine")])
    assert (await stage.ask(CHAT, number=3)).status == 200
    assert shown(stage) == ["upstream-secret", "sk-mine"]


async def test_only_ones_own() -> None:
    stage = stage_of(brought("mine", "sk-mine", use="only"), script=[failure(401), completion()])
    client = await stage.ask(CHAT)
    assert client.status == 502
    assert shown(stage) == ["sk-mine"]
    assert error_code(client.body) == "upstream_credential_refused"


async def test_only_ones_own_and_it_can_not_be_used() -> None:
    stage = stage_of(brought("mine", "sk-mine", use="only", origin="https://old.example"), script=[])
    client = await stage.ask(CHAT)
    assert (client.status, shown(stage)) == (404, [])
    assert error_code(client.body) == "no_suitable_target"
    assert b"another address" in client.body
    assert b"sk-mine" not in client.body


async def test_only_ones_own_at_one_provider_leaves_the_others() -> None:
    own = brought("mine", "sk-mine", use="only", expires_at=1.0)
    stage = stage_of(own, targets=(P1, P2))
    assert (await stage.ask(CHAT)).status == 200
    assert [origin.host for origin, _, _ in stage.upstream.sent] == ["p2.example"]
    decision = stage.exchange.decision
    assert decision is not None
    assert [(each.target, each.reason) for each in decision.excluded] == [("p1/m1", "credential")]


async def test_it_is_not_sent_to_another_address() -> None:
    stage = stage_of(brought("mine", "sk-mine", origin="https://old.example"))
    assert (await stage.ask(CHAT)).status == 200
    assert shown(stage) == ["upstream-secret"]


async def test_no_other_tenant_uses_it() -> None:
    stage = stage_of(
        brought("mine", "sk-mine"),
        brought("user", "sk-user", owner="user", owner_id="user_1", use="only"),
        script=[failure(401), failure(401), completion(), completion()],
    )
    assert (await stage.ask(CHAT)).status == 502
    assert shown(stage) == ["sk-user", "sk-mine"]
    for number in (2, 3):
        assert (await stage.ask(CHAT, key=OTHERS_TEXT, number=number)).status == 200
    assert shown(stage)[2:] == ["upstream-secret", "upstream-secret"]


async def test_what_ones_own_key_meets_ejects_nobody_elses() -> None:
    stage = stage_of(brought("mine", "sk-mine", use="only"), script=[failure(500) for _ in range(8)])
    for number in range(1, 9):
        await stage.ask(CHAT, number=number)
    own = stage.own.route(stage.snapshot.routes["fast"], stage.key, 0.0, 7)
    assert own is not None
    now = stage.clock.monotonic()
    assert stage.board.of(own.route.targets[0]).ejected_until(now) > now
    stage.upstream.script = [completion()]
    assert (await stage.ask(CHAT, key=OTHERS_TEXT, number=9)).status == 200
    board_ = stage.board
    assert isinstance(board_, Board)
    assert (board_.ejections, board_.parked, board_.export_changes()) == ({}, {}, ())


async def test_a_new_secret_is_tried_though_the_old_one_is_parked() -> None:
    stage = stage_of(brought("mine", "sk-old", use="only"), script=[failure(401), completion()])
    assert (await stage.ask(CHAT)).status == 502
    stage.own.give([brought("mine", "sk-new", use="only", version=2)])
    assert (await stage.ask(CHAT, number=2)).status == 200
    assert shown(stage) == ["sk-old", "sk-new"]


async def test_a_refusal_that_quotes_the_key_is_told_without_it() -> None:
    stage = stage_of(
        brought("mine", "sk-mine-and-long", use="only"),
        script=[failure(400, "Incorrect API key provided: sk-mine-and-long")],
    )
    client = await stage.ask(CHAT)
    assert b"sk-mine-and-long" not in client.body
    assert "sk-mine-and-long" not in stage.log.getvalue()


async def test_a_request_that_names_the_provider_itself() -> None:
    stage = stage_of(brought("mine", "sk-mine"))
    assert (await stage.ask({**CHAT, "model": "p1/other"})).status == 200
    assert (await stage.ask({**CHAT, "model": "p1/other"}, number=2)).status == 200
    assert shown(stage) == ["sk-mine", "sk-mine"]


def turns(count: int) -> Callable[[], Awaitable[None]]:
    """A provider that takes so many turns of the loop."""

    async def turn() -> None:
        for _ in range(count):
            await asyncio.sleep(0)

    return turn


@pytest.mark.parametrize(
    ("targets", "asked"),
    [((P1,), ["sk-mine"]), ((P2, P1), ["upstream-secret", "sk-mine"])],
    ids=["the same model at the same provider", "another provider"],
)
async def test_a_hedge_is_no_way_to_the_operators_key(targets: tuple[Target, ...], asked: list[str]) -> None:
    stage = stage_of(
        brought("mine", "sk-mine"), script=[turns(30), completion(), completion()], targets=targets
    )
    if targets[1:]:
        ordered = Fallback(tuple(Leaf(each) for each in targets))
        stage.snapshot.routes["fast"] = Route("fast", targets, node=ordered)
    stage.planner.hedge_after_s = 0.8
    assert (await stage.ask(CHAT)).status == 200
    assert shown(stage) == asked


def prepaid(stage: Stage, nusd: int) -> None:
    stage.directory.give({"org_a": nusd})


async def posted(stage: Stage, account: str) -> int:
    purse = stage.ledger.purse  # type: ignore[attr-defined]
    found = purse.account(account)
    assert found is not None
    assert (found.held_nusd, found.holds) == (0, 0)
    return int(found.posted_nusd)


@pytest.mark.parametrize(
    ("script", "credit"),
    [
        ([lambda: completion()], 0),
        ([lambda: failure(429), lambda: completion()], 9 + 30),
    ],
    ids=["ones own key", "the operator's key, after one's own"],
)
async def test_credit_pays_for_the_operators_keys_alone(
    script: list[Callable[[], ScriptedAnswer]], credit: int
) -> None:
    from waypost.core.budget import Budget

    stage = stage_of(brought("mine", "sk-mine"), script=[make() for make in script], purse=True)
    stage.rule(Budget("bud_1", "org_a", "all", "organization", "org_a", 10**9, "total"))
    prepaid(stage, 10**9)
    client = await stage.ask({**CHAT, "max_tokens": 5})
    assert client.status == 200
    assert stage.exchange.cost_nusd == 39
    assert await posted(stage, "organization:org_a:credit") == credit
    assert await posted(stage, "organization:org_a:total") == 39


async def test_the_route_of_one_with_many_owners_is_kept_apart() -> None:
    stage = stage_of(brought("user", "sk-user", owner="user", owner_id="user_1"))
    route: Route = stage.snapshot.routes["fast"]
    for _ in range(2):
        assert stage.own.route(route, stage.key, 0.0, 7) is not None
        assert stage.own.route(route, msgspec.structs.replace(stage.key, user_id="user_2"), 0.0, 7) is None


async def test_who_leaves_is_settled_as_ever() -> None:
    stage = stage_of(brought("mine", "sk-mine"), script=[streamed(events())])
    client = RecordingClient(leaves_at=1)
    await stage.ask({**CHAT, "stream": True}, client)
    assert stage.exchange.outcome == "disconnected"
    assert [attempt.own for attempt in stage.attempts] == [True]
