"""Requests with one `idempotency-key` in two processes: one upstream call, whichever of them makes it."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from pipeline.crowd import ONCE, Crowd, Door
from transcript import (
    CHAT,
    DONE,
    ROLE,
    STREAM,
    RecordingClient,
    Stage,
    chunk,
    completion,
    error_code,
    events,
    provider,
    streamed,
    target,
)
from waypost.config.snapshot import Settings
from waypost.core.replay import Claim
from waypost.errors import NotFound, StoreUnavailable
from waypost.ports import Telling
from waypost.stores.memory import MemoryClaims, MemoryReplays


class Near(MemoryClaims):
    """Of a worker, whose sibling tells what it makes."""

    other: Stage

    async def follow(self, claim: Claim) -> Telling | None:
        return self.other.pipeline.retell(claim.key_id, claim.digest, claim.exchange_id)


class Pair:
    """Two processes with one store of answers: workers of one gateway, or nodes far from each other."""

    def __init__(self, *scripts: list[object], near: bool = True, **more: object) -> None:
        self.claims = Near("a") if near else MemoryClaims("a")
        replays = MemoryReplays(self.claims)
        others = Near("b", self.claims.rows) if near else MemoryClaims("b", self.claims.rows)
        self.stages = [
            Stage(script, replays=replays, claims=claims, **more)  # type: ignore[arg-type]
            for script, claims in zip(scripts, (self.claims, others), strict=True)
        ]
        for claims, other in zip((self.claims, others), reversed(self.stages), strict=True):
            if isinstance(claims, Near):
                claims.other = other
        for stage in self.stages:
            stage.sleeps = lambda: asyncio.sleep(0)
        self.one, self.other = (Crowd(stage, name) for stage, name in zip(self.stages, "xy", strict=True))

    @property
    def sent(self) -> list[int]:
        return [len(stage.upstream.sent) for stage in self.stages]

    async def all(self) -> None:
        await self.one.all()
        await self.other.all()
        assert self.claims.rows == {}, "every claim was released"
        assert [stage.pipeline._once.under_way for stage in self.stages] == [0, 0]
        for stage in self.stages:
            await stage.pipeline.stop()


@pytest.mark.parametrize("near", [True, False], ids=["workers", "nodes"])
async def test_they_make_one_answer(near: bool) -> None:
    door = Door()
    pair = Pair([door, completion("Hello")], [], near=near)
    first = pair.one.ask()
    await pair.one.until()
    others = [pair.one.ask(), pair.other.ask(), pair.other.ask()]
    await pair.one.until()
    door.opened.set()
    await pair.all()

    assert pair.sent == [1, 0]
    assert {client.body for client in others} == {first.body}
    assert all(client.header(b"x-waypost-replayed") == b"true" for client in others)
    assert all(client.header(b"x-waypost-original-request-id") == b"x1" for client in others)
    assert all(client.header(b"x-waypost-provider") == b"p1" for client in others)
    record = pair.other.records()["y1"]
    assert (record.outcome, record.status, record.cost_nusd, record.attempts) == ("ok", 200, 0, ())


async def test_a_worker_gets_the_pieces_as_they_come() -> None:
    doors = [Door(), Door()]
    rest = [chunk({}, "stop"), *events()[-2:]]
    steps = [ROLE, chunk({"content": "one"}), doors[0], chunk({"content": "two"}), doors[1], *rest]
    pair = Pair([streamed(steps)], [])
    first = pair.one.ask(STREAM)
    await pair.one.until()
    second, third = pair.other.ask(STREAM), pair.other.ask(STREAM, RecordingClient(frames=True))
    await pair.one.until()
    assert second.body == first.body
    assert b'"one"' in second.body
    doors[0].opened.set()
    await pair.one.until()
    assert b'"two"' in second.body
    assert not second.finished
    doors[1].opened.set()
    await pair.all()

    assert first.body == second.body == third.body
    assert second.body.endswith(DONE)
    assert pair.sent == [1, 0]


async def test_a_node_far_away_gets_the_whole_when_it_is_there() -> None:
    door = Door()
    pair = Pair([streamed([ROLE, chunk({"content": "one"}), door, *events()[1:]])], [], near=False)
    first = pair.one.ask(STREAM)
    await pair.one.until()
    second = pair.other.ask(STREAM)
    await pair.one.until()
    assert second.body == b""
    door.opened.set()
    await pair.all()

    assert first.body == second.body
    assert pair.stages[1].slept[:5] == [0.1, 0.2, 0.4, 0.8, 1.0]


@pytest.mark.parametrize("near", [True, False], ids=["workers", "nodes"])
async def test_another_request_under_the_key_is_refused_at_once(near: bool) -> None:
    door = Door()
    pair = Pair([door, completion()], [], near=near)
    pair.one.ask()
    await pair.one.until()
    second = pair.other.ask({**CHAT, "temperature": 1})
    await pair.one.until()
    assert (second.status, error_code(second.body)) == (422, "idempotency_key_reused")
    door.opened.set()
    await pair.all()


async def test_an_error_is_told_to_a_worker_and_a_node_asks_by_itself() -> None:
    for near, sent in ((True, [1, 0]), (False, [1, 1])):
        door = Door(StoreUnavailable("No."))
        pair = Pair([door], [completion()], near=near, targets=(target(provider(retries=0)),))
        first = pair.one.ask()
        await pair.one.until()
        second = pair.other.ask()
        await pair.one.until()
        door.opened.set()
        await pair.all()
        assert pair.sent == sent
        assert (second.body == first.body) is near
        assert second.status == (first.status if near else 200)


async def test_what_is_not_kept_is_still_shared_by_workers() -> None:
    door = Door()
    pair = Pair([door, completion()], [completion()], settings=Settings(replay_s=0.0))
    first = pair.one.ask()
    await pair.one.until()
    second = pair.other.ask()
    await pair.one.until()
    door.opened.set()
    await pair.all()
    assert first.body == second.body
    assert pair.sent == [1, 0]


async def test_the_first_one_leaves_and_the_other_worker_gets_its_answer() -> None:
    door = Door()
    pair = Pair([door, completion()], [])
    first = pair.one.ask()
    await pair.one.until()
    second = pair.other.ask()
    await pair.one.until()
    first.leave()
    await pair.one.until()
    door.opened.set()
    await pair.all()
    assert (second.status, pair.sent) == (200, [1, 0])


async def test_when_those_of_both_have_left_it_ends() -> None:
    door = Door()
    pair = Pair([door, completion()], [], targets=(target(provider(on_disconnect="cancel")),))
    first = pair.one.ask()
    await pair.one.until()
    second = pair.other.ask()
    await pair.one.until()
    first.leave()
    await pair.one.until()
    assert not pair.one.tasks[0].done()
    second.leave()
    await pair.all()
    assert pair.one.records()["x1"].outcome == "disconnected"
    assert pair.other.records()["y1"].outcome == "disconnected"


async def test_who_was_first_leaves_before_it_is_told_and_another_worker_goes_on() -> None:
    door = Door()
    pair = Pair([door, completion()], [completion()], targets=(target(provider(on_disconnect="cancel")),))
    pair.one.ask()
    await pair.one.until()
    pair.one.clients[0].leave()
    second, third = pair.other.ask(), pair.other.ask()
    await pair.all()
    assert pair.sent == [1, 1]
    assert second.body == third.body
    assert (second.status, second.header(b"x-waypost-replayed")) == (200, None)
    assert third.header(b"x-waypost-original-request-id") == b"y1"


class Told:
    """`ports.Telling`: some pieces, and no end."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces

    async def next(self) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""

    def leave(self) -> None:
        self.pieces.clear()


async def test_a_stream_whose_worker_is_killed_ends_in_an_honest_error() -> None:
    door = Door()
    pair = Pair([streamed([ROLE, chunk({"content": "one"}), door, *events()[1:]])], [])
    first = pair.one.ask(STREAM)
    await pair.one.until()
    pieces: list[bytes] = []
    ((scope, claim),) = pair.claims.rows.items()
    telling = pair.stages[0].pipeline.retell(*scope, claim.exchange_id)
    for _ in range(2):
        pieces.append(await telling.next())
    telling.leave()

    class Cut(MemoryClaims):
        async def follow(self, _: Claim) -> Telling | None:
            return Told(pieces)

    pair.stages[1].pipeline._once._claiming._claims = Cut("b", pair.claims.rows)  # type: ignore[union-attr]
    second = pair.other.ask(STREAM)
    await pair.other.all()
    assert second.body.startswith(first.body)
    assert b'"error"' in second.body
    assert DONE not in second.body
    assert second.finished
    assert pair.other.records()["y1"].outcome == "cut"
    door.opened.set()
    await pair.all()


class Gone(MemoryClaims):
    """Whose sibling has ended."""

    async def follow(self, _: Claim) -> Telling | None:
        raise NotFound("Worker 1 of this gateway does not run at the moment.")


async def test_a_worker_that_has_ended_blocks_nothing() -> None:
    left = Claim("k1", b"", b"", "lost", 0.0, 1e12, "a")
    claims = Gone("b")
    stage = Stage([completion(), completion()], claims=claims, replays=MemoryReplays(claims))
    crowd = Crowd(stage)
    crowd.ask()
    await crowd.all()
    ((key_id, digest),) = stage.replays.rows
    fingerprint = stage.replays.rows.pop((key_id, digest)).fingerprint
    claims.rows[key_id, digest] = msgspec.structs.replace(left, digest=digest, fingerprint=fingerprint)
    client = crowd.ask()
    await crowd.all()
    assert client.status == 200
    assert client.header(b"x-waypost-replayed") is None
    assert claims.rows == {}


async def test_a_kept_answer_is_given_again_by_both() -> None:
    pair = Pair([completion("Hello")], [])
    first = pair.one.ask()
    await pair.all()
    again = pair.other.ask(), pair.one.ask()
    await pair.all()
    assert {client.body for client in again} == {first.body}
    assert pair.sent == [1, 0]


async def test_a_store_that_does_not_answer_is_a_503_before_anything_is_sent() -> None:
    class Away(MemoryClaims):
        async def take(self, claim: Claim, *, void: str | None = None) -> Claim | None:
            raise StoreUnavailable("The database does not answer.")

    stage = Stage([completion()], claims=Away())
    client = await stage.ask(CHAT, headers=ONCE)
    assert (client.status, error_code(client.body)) == (503, "store_unavailable")
    assert stage.upstream.sent == []


async def test_without_the_header_nothing_is_claimed() -> None:
    stage = Stage([completion()], claims=(claims := MemoryClaims()))
    taken: list[Claim] = []
    claims.take = lambda claim, **_: taken.append(claim)  # type: ignore[assignment,method-assign,misc]
    client = await stage.ask(CHAT)
    assert (client.status, taken) == (200, [])
