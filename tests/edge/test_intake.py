from __future__ import annotations

import asyncio

import pytest

from edge.rig import Rig, echo, post, until
from waypost.edge.asgi import Receive, Scope, Send
from waypost.edge.intake import Arrival, Intake
from waypost.pipeline.exchange import Call


async def test_an_arrival_that_is_there_is_not_waited_for() -> None:
    arrival = Arrival()
    arrival.set()
    step = arrival.wait()
    with pytest.raises(StopIteration):
        step.send(None)


async def test_an_arrival_is_waited_for_again_once_it_was_cleared() -> None:
    arrival = Arrival()
    arrival.set()
    arrival.clear()
    waiting = asyncio.ensure_future(arrival.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    arrival.set()
    arrival.set()
    await asyncio.wait_for(waiting, 5)


async def test_one_who_gave_up_waiting_harms_nobody() -> None:
    arrival = Arrival()
    waiting = asyncio.ensure_future(arrival.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    arrival.set()
    await arrival.wait()


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/v1/chat/completions", "/v1/chat/completions", b""),
        (b"/v1/chat/completions?a=1&b=%20", "/v1/chat/completions", b"a=1&b=%20"),
        (b"/v1%2Fmodels/a%20b", "/v1/models/a b", b""),
        (b"/?", "/", b""),
    ],
)
async def test_the_scope_is_what_the_specification_asks_for(target: bytes, path: str, query: bytes) -> None:
    """https://asgi.readthedocs.io/en/latest/specs/www.html#http-connection-scope (2026-11-25)."""
    seen: list[Scope] = []
    rig = Rig()
    async with rig.serving() as rig:

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            seen.append(scope)
            await rig.edge(scope, receive, send)

        assert rig.server is not None
        rig.server.config.loaded_app = app
        client = await rig.connect()
        for _ in range(2):  # the second time it is remembered
            client.send(post(b"{}", target.decode()))
            await client.answer()
    assert len(seen) == 2
    for scope in seen:
        assert (scope["type"], scope["method"], scope["http_version"]) == ("http", "POST", "1.1")
        assert (scope["path"], scope["raw_path"], scope["query_string"]) == (
            path,
            target.split(b"?")[0],
            query,
        )
        assert (scope["scheme"], scope["root_path"], scope["asgi"]["spec_version"]) == ("http", "", "2.3")
        assert (b"content-length", b"2") in scope["headers"]
        assert scope["client"][0] == scope["server"][0] == "127.0.0.1"
        assert scope["state"] == {}


async def test_one_task_answers_all_requests_of_a_connection_and_ends_with_it() -> None:
    tasks: list[asyncio.Task[object] | None] = []

    async def told(call: Call) -> None:
        tasks.append(asyncio.current_task())
        await echo(call)

    async with Rig().serving() as rig:
        rig.pipeline.script = told
        client = await rig.connect()
        for _ in range(3):
            client.send(post(b"{}"))
            assert (await client.answer()).body == b"{}"
        (worker,) = set(tasks)
        assert worker is not None
        assert rig.server is not None
        tasks_under_way = rig.server.server_state.tasks
        await until(lambda: not tasks_under_way)  # an idle connection is nothing that a drain waits for
        assert not worker.done()
        await client.close()
        await until(worker.done)
        assert not worker.cancelled()


async def test_a_request_does_not_wait_for_what_the_one_before_it_has_to_see_to_yet() -> None:
    release, seen = asyncio.Event(), []

    async def told(call: Call) -> None:
        seen.append(asyncio.current_task())
        await echo(call)
        if len(seen) == 1:
            await release.wait()

    async with Rig().serving() as rig:
        rig.pipeline.script = told
        client = await rig.connect()
        for _ in range(2):
            client.send(post(b"{}"))
            assert (await client.answer()).body == b"{}"
        first, second = seen
        assert first is not second
        release.set()
        await until(first.done)
        client.send(post(b"{}"))
        await client.answer()
        assert seen[2] is second


async def test_a_cancellation_that_came_too_late_for_a_request_does_not_meet_the_next_one() -> None:
    async def cancelled(call: Call) -> None:
        task = asyncio.current_task()
        assert task is not None
        await echo(call)
        task.cancel()  # nothing is awaited any more: it would be raised in what comes next

    async with Rig().serving() as rig:
        client = await rig.connect()
        rig.pipeline.script = cancelled
        client.send(post(b"{}"))
        assert (await client.answer()).status == 200
        rig.pipeline.script = echo
        client.send(post(b"{}"))
        assert (await client.answer()).status == 200


async def test_a_body_is_taken_once_and_only_whole() -> None:
    bodies: list[bytes | None] = []

    async def told(call: Call) -> None:
        assert rig.server is not None
        (connection,) = rig.server.server_state.connections
        assert isinstance(connection, Intake)
        bodies.append(connection.take_body())  # the edge took it
        await echo(call)

    async with Rig().serving() as rig:
        rig.pipeline.script = told
        client = await rig.connect()
        client.send(post(b'{"n":1}'))
        assert (await client.answer()).body == b'{"n":1}'
        whole = post(b'{"n":2}')
        client.send(whole[:-3])
        await asyncio.sleep(0)
        client.send(whole[-3:])
        assert (await client.answer()).body == b'{"n":2}'
    assert bodies == [b"", b""]


@pytest.mark.parametrize("fails", [True, False])
async def test_an_application_that_does_not_answer_is_a_500_and_the_next_request_is_served(
    fails: bool,
) -> None:
    """What uvicorn's own wrapper does, which is asked only then."""
    rig = Rig()
    async with rig.serving() as rig:

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["path"] != "/nothing":
                await rig.edge(scope, receive, send)
            elif fails:
                raise RuntimeError("broken")

        assert rig.server is not None
        rig.server.config.loaded_app = app
        client = await rig.connect()
        client.send(post(b"{}", "/nothing"))
        answer = await client.answer()
        assert (answer.status, answer.body) == (500, b"Internal Server Error")
        client = await rig.connect()
        client.send(post(b"{}"))
        assert (await client.answer()).status == 200
