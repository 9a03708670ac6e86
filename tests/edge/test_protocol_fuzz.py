"""Any split, any cut, any damage: no answer changes, nothing is left behind, nothing escapes to the loop."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from edge.rig import JSON, Rig, get, post, until
from waypost.pipeline.exchange import Call

CHUNKED = (
    b"POST /v1/embeddings HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3;x=y\r\n{} \r\n5\r\n{   }\r\n0\r\nX-Trailer: t\r\n\r\n"
)
CONVERSATION = post(b'{"n":1}') + CHUNKED + get("/livez", method="HEAD") + post(b'{"n":2}', "/embeddings")


def collect_escapes() -> list[dict[str, Any]]:
    escaped: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: escaped.append(context))
    return escaped


@pytest.mark.parametrize("seed", range(20))
async def test_any_split_of_a_conversation_gives_the_same_answers(seed: int) -> None:
    random_ = random.Random(seed)
    cuts = sorted(random_.sample(range(1, len(CONVERSATION)), random_.choice((1, 3, 40))))
    escaped = collect_escapes()
    async with Rig().serving() as rig:
        client = await rig.connect()
        for start, end in zip([0, *cuts], [*cuts, len(CONVERSATION)], strict=True):
            client.send(CONVERSATION[start:end])
            if random_.random() < 0.5:
                await asyncio.sleep(0)
        assert (await client.answer()).body == b'{"n":1}'
        assert (await client.answer()).body == b"{} {   }"
        assert (await client.answer(bodiless=True)).status == 200
        assert (await client.answer()).body == b'{"n":2}'
    assert escaped == []


async def test_clients_that_leave_at_any_point_leave_nothing_behind() -> None:
    random_ = random.Random(7)

    async def stream(call: Call) -> None:
        gone = asyncio.Event()
        call.client.on_gone(gone.set)
        await call.client.start(200, [JSON])
        for _ in range(random_.randrange(4)):
            await call.client.write(b"x" * random_.randrange(100_000))
            await asyncio.sleep(0)
        await call.client.finish()

    escaped = collect_escapes()
    async with Rig().serving() as rig:
        rig.pipeline.script = stream
        for _ in range(300):
            client = await rig.connect()
            client.send(CONVERSATION[: random_.randrange(len(CONVERSATION) + 1)])
            for _ in range(random_.randrange(30)):
                await asyncio.sleep(0)
            if random_.random() < 0.5:
                client.writer.transport.abort()
            else:
                client.writer.close()
        assert rig.server is not None
        state = rig.server.server_state
        await until(lambda: not state.connections and not state.tasks)
        assert rig.edge.active == 0
        assert rig.pipeline.ended == len(rig.pipeline.calls)
    assert escaped == []
    assert rig.log.getvalue() == ""


async def test_damaged_bytes_are_refused_and_never_crash() -> None:
    random_ = random.Random(11)
    escaped = collect_escapes()
    async with Rig(body_deadline_s=0.2, header_deadline_s=0.2).serving(keep_alive_s=1) as rig:

        async def ask(request: bytes) -> bytes:
            client = await rig.connect()
            client.send(request)
            got = await client.rest()
            await client.close()
            return got

        answers = await asyncio.gather(*(ask(damage(random_)) for _ in range(200)))
        for got in answers:
            assert got == b"" or got.startswith(b"HTTP/1.1 ")
            assert b" 500 " not in got
        assert sum(b" 400 " in got for got in answers) > 50
        assert rig.server is not None
        state = rig.server.server_state
        await until(lambda: not state.connections and not state.tasks)
    assert escaped == []
    assert rig.log.getvalue() == ""


def damage(random_: random.Random) -> bytes:
    damaged = bytearray(CONVERSATION)
    for _ in range(random_.randrange(1, 4)):
        at = random_.randrange(len(damaged))
        if random_.random() < 0.5:
            damaged[at] = random_.randrange(256)
        else:
            del damaged[at : at + random_.randrange(1, 9)]
    return bytes(damaged)
