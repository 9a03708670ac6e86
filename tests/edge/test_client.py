"""What a client's leaving looks like at each phase, on a real connection."""

from __future__ import annotations

import asyncio

import pytest

from edge.rig import JSON, Rig, Socket, echo, get, post, until
from waypost.pipeline.exchange import Call


class Watch:
    """A script that stops at a phase and waits for the client to leave."""

    def __init__(self, phase: str) -> None:
        self.phase = phase
        self.reached = asyncio.Event()
        self.told = 0
        self.left = asyncio.Event()

    def _tell(self) -> None:
        self.told += 1
        self.left.set()

    async def __call__(self, call: Call) -> None:
        client = call.client
        client.on_gone(self._tell)
        if self.phase != "before the head":
            await client.start(200, [JSON])
        if self.phase == "in the stream":
            await client.write(b"data: 1\n\n")
        self.reached.set()
        await self.left.wait()
        assert client.gone
        late: list[str] = []
        client.on_gone(lambda: late.append("at once"))
        assert late == ["at once"]
        await client.write(b"into the void")
        await client.finish()


@pytest.mark.parametrize("phase", ["before the head", "after the head", "in the stream"])
@pytest.mark.parametrize("how", ["close", "reset", "half-close"])
async def test_leaving_is_told_once_at_every_phase(phase: str, how: str) -> None:
    async with Rig().serving() as rig:
        watch = Watch(phase)
        if phase == "before the head":

            async def script(call: Call) -> None:
                call.client.on_gone(watch._tell)
                watch.reached.set()
                await watch.left.wait()
                await call.client.reply(200, [JSON], b"{}")

            rig.pipeline.script = script
        else:
            rig.pipeline.script = watch
        client = await rig.connect()
        client.send(post(b"{}"))
        await watch.reached.wait()
        if how == "close":
            client.writer.close()
        elif how == "reset":
            client.writer.transport.abort()
        else:
            client.writer.write_eof()
        await until(lambda: rig.pipeline.ended == 1)
        assert watch.told == 1
        await until(lambda: rig.edge.active == 0)


async def test_leaving_before_the_body_is_whole_never_reaches_the_pipeline() -> None:
    async with Rig().serving() as rig:
        client = await rig.connect()
        client.send(post(b"{}")[:-1])
        await until(lambda: rig.edge.active == 1)
        client.writer.transport.abort()
        await until(lambda: rig.edge.active == 0)
        assert rig.pipeline.calls == []


async def test_leaving_after_the_answer_tells_nobody() -> None:
    told: list[str] = []

    async def script(call: Call) -> None:
        call.client.on_gone(lambda: told.append("gone"))
        await echo(call)

    async with Rig().serving() as rig:
        rig.pipeline.script = script
        client = await rig.connect()
        client.send(post(b"{}"))
        await client.answer()
        assert rig.server is not None
        connections = rig.server.server_state.connections
        await client.close()
        await until(lambda: not connections)
        assert told == []


async def test_with_pipelining_the_running_exchange_is_told_not_the_waiting_one() -> None:
    async with Rig().serving() as rig:
        watch = Watch("before the head")
        told: list[str] = []

        async def script(call: Call) -> None:
            call.client.on_gone(lambda: told.append(call.exchange_id))
            watch.reached.set()
            await until(lambda: call.client.gone)

        rig.pipeline.script = script
        client = await rig.connect()
        client.send(post(b"{}"))
        await watch.reached.wait()
        client.send(get("/livez")[:20])
        client.writer.transport.abort()
        await until(lambda: rig.pipeline.ended == 1)
        assert told == ["req_1"]


async def test_a_stream_is_chunked_and_arrives_piece_by_piece() -> None:
    step = asyncio.Event()

    async def stream(call: Call) -> None:
        await call.client.start(200, [(b"content-type", b"text/event-stream")])
        await call.client.write(b"data: 1\n\n")
        await call.client.write(b"")
        await step.wait()
        await call.client.write(b"data: 2\n\n")
        await call.client.finish()

    async with Rig().serving() as rig:
        rig.pipeline.script = stream
        client = await rig.connect()
        client.send(post(b"{}"))
        answer = await client.answer()
        assert answer.headers[b"transfer-encoding"] == b"chunked"
        assert answer.headers[b"x-accel-buffering"] == b"no"
        assert await client.reader.readuntil(b"1\n\n\r\n") == b"9\r\ndata: 1\n\n\r\n"
        step.set()
        assert await client.reader.readuntil(b"0\r\n\r\n") == b"9\r\ndata: 2\n\n\r\n0\r\n\r\n"
        client.send(get("/livez", method="HEAD"))
        head = await client.answer(bodiless=True)
        assert head.status == 200
        assert int(head.headers[b"content-length"]) > 0
        client.send(get("/livez"))
        assert (await client.answer()).body.startswith(b"{")


async def test_header_values_can_not_be_injected() -> None:
    async def inject(call: Call) -> None:
        await call.client.reply(200, [JSON, (b"x-a", b"b\r\nx-injected: 1")], b"{}")

    async with Rig().serving() as rig:
        rig.pipeline.script = inject
        client = await rig.connect()
        client.send(post(b"{}"))
        assert b"x-injected" not in await client.rest()


async def upto(client: Socket, end: bytes) -> bytes:
    """Everything up to and including `end`."""
    return await client.reader.readuntil(end)


async def test_a_stream_written_without_waiting_is_the_same_bytes_in_the_same_order() -> None:
    async with Rig().serving() as rig:

        async def script(call: Call) -> None:
            client = call.client
            await client.start(200, [JSON])
            assert client.try_write(b"one")
            await client.write(b"two")
            assert client.try_write(b"three")
            await client.finish()

        rig.pipeline.script = script
        client = await rig.connect()
        client.send(post(b"{}"))
        raw = await upto(client, b"0\r\n\r\n")
        assert raw.endswith(b"\r\n\r\n3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n")


async def test_a_piece_that_is_framed_already_is_written_as_it_is() -> None:
    async with Rig().serving() as rig:
        before: list[object] = []

        async def script(call: Call) -> None:
            client = call.client
            before.append(client.framed())
            await client.start(200, [JSON])
            await client.write(b"one")
            write = client.framed()
            assert write is not None
            assert write(b"4\r\nfour\r\n")
            await client.write(b"two")
            await client.finish()
            before.append(client.framed())

        rig.pipeline.script = script
        client = await rig.connect()
        client.send(post(b"{}"))
        raw = await upto(client, b"0\r\n\r\n")
        assert raw.endswith(b"\r\n\r\n3\r\none\r\n4\r\nfour\r\n3\r\ntwo\r\n0\r\n\r\n")
        assert before == [None, None], "only of a stream that has begun and has not ended"


async def test_frames_go_neither_to_a_slow_client_nor_to_one_that_has_left() -> None:
    async with Rig().serving() as rig:
        left = asyncio.Event()
        written: list[bool] = []
        frame = b"10000\r\n" + b"x" * 65536 + b"\r\n"

        async def script(call: Call) -> None:
            call.client.on_gone(left.set)
            await call.client.start(200, [JSON])
            write = call.client.framed()
            assert write is not None
            while write(frame):
                written.append(True)
                await asyncio.sleep(0)
            await left.wait()
            written.append(write(frame))

        rig.pipeline.script = script
        client = await rig.connect()
        client.send(post(b"{}"))
        await until(lambda: len(written) > 1)
        await client.close()
        await until(lambda: written[-1] is False)


async def test_a_slow_client_is_waited_for_and_nothing_is_lost_or_reordered() -> None:
    async with Rig().serving() as rig:
        refused = asyncio.Event()
        pieces = [bytes([65 + n % 26]) * 65536 for n in range(200)]

        async def script(call: Call) -> None:
            client = call.client
            await client.start(200, [JSON])
            for piece in pieces:
                if not client.try_write(piece):
                    refused.set()
                    await client.write(piece)
            await client.finish()

        rig.pipeline.script = script
        client = await rig.connect()
        client.send(post(b"{}"))
        await refused.wait()
        await upto(client, b"\r\n\r\n")
        expected = b"".join(b"10000\r\n%b\r\n" % piece for piece in pieces) + b"0\r\n\r\n"
        assert await client.reader.readexactly(len(expected)) == expected


async def test_a_client_that_is_gone_takes_everything() -> None:
    async with Rig().serving() as rig:
        left = asyncio.Event()
        taken: list[bool] = []

        async def script(call: Call) -> None:
            call.client.on_gone(left.set)
            await call.client.start(200, [JSON])
            await left.wait()
            taken.append(call.client.try_write(b"into the void"))

        rig.pipeline.script = script
        client = await rig.connect()
        client.send(post(b"{}"))
        await upto(client, b"\r\n\r\n")
        await client.close()
        await until(lambda: bool(taken))
        assert taken == [True]


@pytest.mark.parametrize(
    ("request_text", "closes"),
    [
        (post(b"{}"), False),
        (post(b"{}", extra=b"Connection: close\r\n"), True),
        (post(b"{}").replace(b"HTTP/1.1", b"HTTP/1.0"), True),
    ],
    ids=["kept alive", "close", "HTTP/1.0"],
)
async def test_a_whole_answer_has_its_length_and_a_date_once_and_keeps_its_promise(
    request_text: bytes, closes: bool
) -> None:
    async with Rig().serving() as rig:
        client = await rig.connect()
        client.send(request_text)
        head = (await upto(client, b"{}")).partition(b"\r\n\r\n")[0].lower()
        assert head.startswith(b"http/1.1 200 ok\r\n")
        assert head.count(b"content-length: 2") == 1
        assert head.count(b"\r\ndate: ") == 1
        assert (b"connection: close" in head) is closes
        if not closes:
            client.send(request_text)
            assert b"200 OK" in await upto(client, b"{}")
