from __future__ import annotations

from hashlib import sha256
from typing import cast

import msgspec
import pytest

from ledger.books import exchange
from transcript import FakeClock, FakeKeys, Stage, provider, target
from waypost.app.desk import ControlDesk
from waypost.app.targets_list import TargetsList
from waypost.core.key import Key
from waypost.core.record import Exchange
from waypost.dialects.lane import Lanes
from waypost.dialects.registry import DIALECTS
from waypost.edge.gate import Errand
from waypost.errors import Forbidden, NotFound, Unauthenticated
from waypost.pipeline.explain import Explain
from waypost.pipeline.plans import OPERATOR, Planned
from waypost.policy.authenticate import Authenticate
from waypost.policy.directory import Directory
from waypost.routing.fixed_board import FixedBoard
from waypost.routing.plan import Planner

TOKEN = "wp-control-of-a-test"
PLAIN = Key("k1", "app", sha256(b"plain").digest(), "hint", 0.0)
OPS = Key("k2", "ops", sha256(b"ops").digest(), "hint", 0.0, operator=True)


class Desk:
    """A desk over a log of one exchange."""

    def __init__(self, found: Exchange | None = None, looks: int = 1) -> None:
        stage = Stage(targets=(target(provider("p1")),))
        board, clock = FixedBoard(), FakeClock()
        plans = Planned(lambda: stage.snapshot, Lanes(DIALECTS), clock, Planner(lambda: 0.0), board)
        self.slept: list[float] = []
        self.ordered: list[Errand] = []
        self._found = found
        self._looks = looks
        self.desk = ControlDesk(
            authenticate=Authenticate(FakeKeys([PLAIN, OPS]), clock, Directory()),
            token=TOKEN,
            explain=Explain(plans, DIALECTS, lambda: stage.snapshot, board, clock),
            find=self._find,
            targets=TargetsList(lambda: stage.snapshot, lambda _: None, Directory()),
            orders=self,
            sleep=self._sleep,
        )

    async def answer(self, errand: Errand) -> object:
        self.ordered.append(errand)
        return {"ordered": errand.name}

    async def _find(self, exchange_id: str) -> Exchange | None:
        self._looks -= 1
        found = self._found
        return found if found is not None and found.exchange_id == exchange_id and self._looks <= 0 else None

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def ask(self, purpose: str, key: Key = PLAIN, **more: object) -> dict[str, object]:
        errand = msgspec.structs.replace(Errand(purpose, "GET", key), **more)
        return cast(dict[str, object], msgspec.json.decode(await self.desk.answer(errand)))


@pytest.mark.parametrize("purpose", ["explain", "generation", "targets", "drills", "drill"])
async def test_the_token_and_an_operators_key_open_everything(purpose: str) -> None:
    desk = Desk().desk
    assert await desk.admit(purpose, TOKEN.encode()) is OPERATOR
    assert await desk.admit(purpose, b"ops") == OPS
    assert await desk.admit(purpose, b"ops") == OPS, "from memory as well"


@pytest.mark.parametrize(
    ("purpose", "may"), [("explain", True), ("targets", True), ("drills", False), ("drill", False)]
)
async def test_what_a_clients_key_opens(purpose: str, may: bool) -> None:
    desk = Desk().desk
    if may:
        assert await desk.admit(purpose, b"plain") == PLAIN
    else:
        with pytest.raises(Forbidden, match="operator"):
            await desk.admit(purpose, b"plain")


@pytest.mark.parametrize("presented", [None, b"", b"nobody", TOKEN[:-1].encode(), TOKEN.upper().encode()])
async def test_nobody_else_is_let_in(presented: bytes | None) -> None:
    with pytest.raises(Unauthenticated):
        await Desk().desk.admit("targets", presented)


async def test_without_a_token_an_empty_key_opens_nothing() -> None:
    desk = Desk().desk
    desk._token = b""
    with pytest.raises(Unauthenticated):
        await desk.admit("targets", b"")


@pytest.mark.parametrize(
    ("key", "seen"), [(PLAIN, True), (OPS, True), (OPERATOR, True), (Key("k9", "x", b"", "", 0.0), False)]
)
async def test_a_request_is_told_to_its_own_key_and_to_operators(key: Key, seen: bool) -> None:
    desk = Desk(exchange(1))
    if seen:
        assert (await desk.ask("generation", key, name="exc-1"))["id"] == "exc-1"
        data = (await desk.ask("generation", key, query=b"id=exc-1"))["data"]
        assert cast(dict[str, object], data)["id"] == "exc-1"
    else:
        with pytest.raises(NotFound):
            await desk.ask("generation", key, name="exc-1")


async def test_anothers_request_takes_as_long_to_refuse_as_one_that_is_not_there() -> None:
    waits = []
    for name, stranger in (("exc-1", Key("k9", "x", b"", "", 0.0)), ("none", PLAIN)):
        desk = Desk(exchange(1))
        with pytest.raises(NotFound):
            await desk.ask("generation", stranger, name=name)
        waits.append(desk.slept)
    assert waits[0] == waits[1] != []


async def test_a_request_that_was_just_settled_is_looked_for_again() -> None:
    desk = Desk(exchange(1), looks=3)
    assert (await desk.ask("generation", name="exc-1"))["id"] == "exc-1"
    assert len(desk.slept) == 2


async def test_each_question_goes_where_it_belongs() -> None:
    desk = Desk()
    body = b'{"model": "fast", "messages": [{"role": "user", "content": "Hi"}]}'
    assert (await desk.ask("explain", method="POST", body=body))["object"] == "route.explanation"
    assert (await desk.ask("targets"))["object"] == "list"
    assert await desk.ask("drill", OPS, name="d-1") == {"ordered": "d-1"}
    assert [errand.purpose for errand in desk.ordered] == ["drill"]
