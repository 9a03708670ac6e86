"""The ASGI application, in process and without our server: what is answered to what."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from edge.asgi_rig import Exchange
from edge.rig import JSON, Rig, list_models, until
from waypost.core.key import Key
from waypost.errors import StoreUnavailable, Unauthenticated
from waypost.pipeline.exchange import Call

CHAT = "/v1/chat/completions"


async def ask(
    rig: Rig, method: str, path: str, body: bytes = b"", headers: list[tuple[bytes, bytes]] | None = None
) -> Exchange:
    return await Exchange(rig.edge, method, path, body, headers).run()


async def test_a_call_reaches_the_pipeline_with_all_that_is_known_of_it() -> None:
    rig = Rig()
    done = await ask(rig, "POST", CHAT, b'{"a":1}', [(b"authorization", b"Bearer sk-1"), (b"x-title", b"t")])
    assert done.status == 200
    assert done.body == b'{"a":1}'
    assert done.headers[b"content-length"] == b"7"
    assert done.headers[b"x-content-type-options"] == b"nosniff"
    assert done.headers[b"cache-control"] == b"no-store"
    (call,) = rig.pipeline.calls
    assert call.dialect.operation == "chat"
    assert call.key == b"sk-1"
    assert call.headers[b"x-title"] == b"t"
    assert call.exchange_id == "req_1"
    assert call.received == 100.0
    assert rig.edge.active == 0


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("/v1/chat/completions", "chat"),
        ("/chat/completions", "chat"),
        ("/api/v1/chat/completions", "chat"),
        ("/v1/chat/completions/", "chat"),
        ("/v1/completions", "completions"),
        ("/completions", "completions"),
        ("/v1/embeddings", "embeddings"),
        ("/embeddings/", "embeddings"),
    ],
)
async def test_each_dialect_by_each_of_its_paths(path: str, operation: str) -> None:
    rig = Rig()
    assert (await ask(rig, "POST", path, b"{}")).status == 200
    assert rig.pipeline.calls[0].dialect.operation == operation


@pytest.mark.parametrize(
    "path", ["/v2/chat/completions", "/v1", "/v1/chat", "/V1/models", "//v1/models", "/livez/x"]
)
async def test_an_unknown_path_is_told_what_exists(path: str) -> None:
    done = await ask(Rig(), "POST", path, b"{}")
    assert done.status == 404
    error = msgspec.json.decode(done.body)["error"]
    assert error["code"] == "not_found"
    assert "GET / lists" in error["message"]
    assert done.headers[b"x-should-retry"] == b"false"
    assert done.headers[b"x-request-id"] == done.headers[b"x-waypost-request-id"] == b"req_1"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", CHAT, b"POST"), ("POST", "/v1/models", b"GET, HEAD"), ("OPTIONS", CHAT, b"POST")],
)
async def test_a_wrong_method_is_405_with_the_right_ones(method: str, path: str, allowed: bytes) -> None:
    done = await ask(Rig(), method, path)
    assert done.status == 405
    assert done.headers[b"allow"] == allowed


async def test_errors_speak_the_dialect_of_the_matched_route() -> None:
    done = await ask(Rig(), "POST", "/v1/embeddings", b"{}", [(b"content-type", b"text/plain")])
    assert done.status == 415
    assert msgspec.json.decode(done.body)["dialect"] == "test_embeddings"


async def test_models_and_one_model_whose_id_has_slashes() -> None:
    rig = Rig()
    listing = msgspec.json.decode((await ask(rig, "GET", "/v1/models")).body)
    assert [row["id"] for row in listing["data"]] == ["fast", "openai/gpt-5"]
    for path in ("/v1/models/openai/gpt-5", "/models/openai/gpt-5", "/api/v1/models/openai/gpt-5/"):
        done = await ask(rig, "GET", path)
        assert msgspec.json.decode(done.body) == {"id": "openai/gpt-5", "x": 1}
    done = await ask(rig, "GET", "/v1/models/none")
    assert done.status == 404
    assert msgspec.json.decode(done.body)["error"]["code"] == "model_not_found"


async def test_the_model_list_gets_the_key_and_may_refuse() -> None:
    rig = Rig()
    seen: list[bytes | None] = []

    async def refuse(key: bytes | None, gemini: bool) -> bytes:
        seen.append(key)
        raise Unauthenticated("No such key.")

    rig.edge._models = refuse
    done = await ask(rig, "GET", "/v1/models", headers=[(b"x-api-key", b"sk-2")])
    assert seen == [b"sk-2"]
    assert done.status == 401
    assert done.headers[b"www-authenticate"] == b"Bearer"


async def test_retry_headers_are_said_when_known() -> None:
    rig = Rig()

    async def refuse(key: bytes | None, gemini: bool) -> bytes:
        raise StoreUnavailable("The database does not answer.", retry_after_s=1.5)

    rig.edge._models = refuse
    done = await ask(rig, "GET", "/v1/models")
    assert done.status == 503
    assert done.headers[b"retry-after"] == b"2"
    assert done.headers[b"retry-after-ms"] == b"1500"
    assert done.headers[b"x-should-retry"] == b"true"


async def test_health() -> None:
    rig = Rig()
    assert (await ask(rig, "GET", "/livez")).status == 200
    health = await ask(rig, "GET", "/healthz")
    assert msgspec.json.decode(health.body) == {"status": "ok", "version": "1.2.3"}
    assert (await ask(rig, "GET", "/readyz")).status == 200
    rig.gate.missing = ["the database does not answer"]
    unready = await ask(rig, "GET", "/readyz")
    assert unready.status == 503
    assert msgspec.json.decode(unready.body)["missing"] == ["the database does not answer"]
    rig.gate.draining = True
    assert msgspec.json.decode((await ask(rig, "GET", "/readyz")).body)["missing"][0] == "draining"
    assert (await ask(rig, "GET", "/livez")).status == 200
    metrics = await ask(rig, "GET", "/metrics")
    assert metrics.body == b"waypost_up 1\n"
    assert metrics.headers[b"content-type"].startswith(b"text/plain")


async def test_hello_says_where_to_go() -> None:
    hello = msgspec.json.decode((await ask(Rig(), "GET", "/")).body)
    assert hello["name"] == "waypost"
    assert "POST /v1/chat/completions" in hello["endpoints"]
    assert hello["docs"]


async def test_a_bug_is_logged_without_its_text_and_answered_without_its_stack() -> None:
    rig = Rig()

    def fail() -> bytes:
        raise ValueError("sk-secret")

    rig.edge._metrics = fail
    done = await ask(rig, "GET", "/metrics")
    assert done.status == 500
    assert msgspec.json.decode(done.body)["error"]["code"] == "internal_error"
    assert "req_1" in rig.log.getvalue()
    assert "ValueError" in rig.log.getvalue()
    assert "sk-secret" not in rig.log.getvalue() + done.body.decode()


async def test_concurrency_is_limited_before_the_body_is_read() -> None:
    rig = Rig(concurrency_max=1)
    first = Exchange(rig.edge, "POST", CHAT, None)
    running = asyncio.create_task(first.run())
    await until(lambda: rig.edge.active == 1)
    second = await Exchange(rig.edge, "POST", CHAT, None).run()
    assert second.status == 503
    assert msgspec.json.decode(second.body)["error"]["code"] == "overloaded"
    first.feed(b"{}")
    assert (await running).status == 200
    assert (await ask(rig, "POST", CHAT, b"{}")).status == 200


async def test_an_overloaded_gateway_turns_low_priorities_away_by_the_head_alone() -> None:
    rig = Rig()
    rig.pipeline.keys = {
        name.encode(): Key(name, name, b"", "", 0.0, priority=priority)
        for name, priority in (("sk-low", "low"), ("sk-high", "high"))
    }
    rig.edge._load.measured(100.0, active=0, memory_used=99, memory_limit=100, waiting=0, oldest_s=0.0)
    for key in (b"sk-low", b"sk-unknown"):
        refused = await Exchange(rig.edge, "POST", CHAT, None, [(b"authorization", b"Bearer " + key)]).run()
        assert refused.status == 503
        assert msgspec.json.decode(refused.body)["dialect"] == "test_chat"
        assert refused.headers[b"retry-after"] == b"2"
    assert (await ask(rig, "POST", CHAT, b"{}", [(b"authorization", b"Bearer sk-high")])).status == 200
    assert (await ask(rig, "GET", "/readyz")).status == 200
    rig.edge._load.measured(80.0, active=0, memory_used=1, memory_limit=100, waiting=0, oldest_s=0.0)
    rig.edge._load.measured(80.0, active=0, memory_used=99, memory_limit=100, waiting=0, oldest_s=0.0)
    unready = await ask(rig, "GET", "/readyz")
    assert (unready.status, msgspec.json.decode(unready.body)["missing"]) == (503, ["overloaded"])


async def test_a_closed_edge_refuses_calls_but_still_tells_its_health() -> None:
    rig = Rig()
    rig.edge.closed = True
    done = await ask(rig, "POST", CHAT, b"{}")
    assert done.status == 503
    assert msgspec.json.decode(done.body)["error"]["code"] == "draining"
    assert done.headers[b"x-should-retry"] == b"true"
    assert (await ask(rig, "GET", "/livez")).status == 200


async def test_a_client_that_leaves_while_sending_is_not_answered() -> None:
    rig = Rig()
    leaving = Exchange(rig.edge, "POST", CHAT, None)
    leaving.feed(b"{", more=True)
    leaving.leave()
    await leaving.run()
    assert leaving.sent == []
    assert rig.pipeline.calls == []
    assert rig.edge.active == 0


async def test_the_body_deadline_holds_under_any_server() -> None:
    rig = Rig(body_deadline_s=0.01)
    done = await Exchange(rig.edge, "POST", CHAT, None).run()
    assert done.status == 408


async def test_the_clients_leaving_is_noticed_under_any_server() -> None:
    rig = Rig()
    told = asyncio.Event()

    async def wait(call: Call) -> None:
        call.client.on_gone(told.set)
        await told.wait()
        assert call.client.gone

    rig.pipeline.script = wait
    exchange = Exchange(rig.edge, "POST", CHAT, b"{}")
    running = asyncio.create_task(exchange.run())
    await until(lambda: len(rig.pipeline.calls) == 1)
    exchange.leave()
    await running
    assert told.is_set()


async def test_stalled_writes_end_under_any_server() -> None:
    rig = Rig(write_stall_s=0.01)
    told: list[str] = []

    async def stream(call: Call) -> None:
        call.client.on_gone(lambda: told.append("gone"))
        await call.client.start(200, [JSON])
        exchange.block_sends = True
        await call.client.write(b"x")
        assert call.client.gone
        await call.client.write(b"y")
        await call.client.finish()

    rig.pipeline.script = stream
    exchange = Exchange(rig.edge, "POST", CHAT, b"{}")
    await exchange.run()
    assert told == ["gone"]
    assert len(exchange.sent) == 1


async def test_no_watcher_is_left_behind() -> None:
    rig = Rig()

    async def watch(call: Call) -> None:
        call.client.on_gone(lambda: None)
        await call.client.reply(200, [JSON], b"{}")

    rig.pipeline.script = watch
    before = len(asyncio.all_tasks())
    assert (await ask(rig, "POST", CHAT, b"{}")).status == 200
    await until(lambda: len(asyncio.all_tasks()) == before)


async def test_websockets_are_refused() -> None:
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await Rig().edge({"type": "websocket", "path": "/"}, receive, send)
    assert [message["type"] for message in sent] == ["websocket.close"]


@pytest.mark.parametrize("fails", [False, True])
async def test_the_lifespan_opens_and_closes_what_it_is_given(fails: bool) -> None:
    seen: list[str] = []

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        if fails:
            raise StoreUnavailable("The database does not answer.")
        seen.append("opened")
        yield
        seen.append("closed")

    rig = Rig()
    rig.edge._lifespan_of = lifespan

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "any"}

    async def send(message: MutableMapping[str, Any]) -> None:
        seen.append(message["type"])

    await rig.edge({"type": "lifespan"}, receive, send)
    if fails:
        assert seen == ["lifespan.startup.failed"]
    else:
        assert seen == ["opened", "lifespan.startup.complete", "closed", "lifespan.shutdown.complete"]


async def test_kept_answers_are_asked_of_the_shelf() -> None:
    rig = Rig()
    asked: list[tuple[object, ...]] = []

    class Shelf:
        async def answer(self, *what: object) -> bytes:
            asked.append(what)
            return b"{}"

    rig.edge._shelf = Shelf()
    assert (await ask(rig, "DELETE", "/v1/responses/resp_1")).status == 200
    assert asked[0][:3] == ("response", "DELETE", "resp_1")
    assert (await ask(rig, "POST", "/v1/responses/resp_1")).status == 405


async def test_the_events_of_a_kept_answer_are_streamed() -> None:
    rig = Rig()
    pieces = [b"data: 1\n\n", b"data: 2\n\n", b""]
    left: list[bool] = []

    class Followed:
        async def next(self) -> bytes:
            assert rig.edge.active == 1
            return pieces.pop(0)

        def leave(self) -> None:
            left.append(True)

    class Shelf:
        async def answer(self, *what: object) -> Followed:
            return Followed()

    rig.edge._shelf = Shelf()
    got = await ask(rig, "GET", "/v1/responses/resp_1?stream=true")
    assert (got.status, got.body) == (200, b"data: 1\n\ndata: 2\n\n")
    assert left
    assert rig.edge.active == 0


async def test_no_more_events_are_streamed_than_there_may_be_requests() -> None:
    rig = Rig()
    left: list[bool] = []

    class Followed:
        async def next(self) -> bytes:
            raise AssertionError

        def leave(self) -> None:
            left.append(True)

    class Shelf:
        async def answer(self, *what: object) -> Followed:
            return Followed()

    rig.edge._shelf = Shelf()
    rig.edge.active = rig.edge.gate.settings.concurrency_max
    assert (await ask(rig, "GET", "/v1/responses/resp_1?stream=true")).status == 503
    assert left


async def test_without_a_shelf_nothing_is_kept() -> None:
    assert (await ask(Rig(), "GET", "/v1/responses/resp_1")).status == 404


async def test_a_key_for_other_networks_sees_no_models_and_no_kept_answers_whatever_headers_say() -> None:
    rig = Rig()
    asked: list[bytes | None] = []

    async def models(key: bytes | None, gemini: bool) -> bytes:
        asked.append(key)
        return await list_models(key, gemini)

    rig.edge._models = models
    rig.pipeline.keys[b"sk-in"] = Key("k1", "in", b"", "", 0.0, networks=("127.0.0.0/8",))
    rig.pipeline.keys[b"sk-out"] = Key("k2", "out", b"", "", 0.0, networks=("10.0.0.0/8",))
    forged = [(b"x-forwarded-for", b"10.0.0.1"), (b"x-api-key", b"sk-out")]
    assert (await ask(rig, "GET", "/v1/models", headers=[(b"x-api-key", b"sk-in")])).status == 200
    done = await ask(rig, "GET", "/v1/models", headers=forged)
    assert (done.status, asked) == (403, [b"sk-in"])


async def test_a_call_knows_the_other_end_of_its_connection() -> None:
    rig = Rig()
    await ask(rig, "POST", CHAT, b"{}")
    assert rig.pipeline.calls[0].peer is not None
    assert rig.pipeline.calls[0].peer[0] == "127.0.0.1"


async def test_of_several_processes_any_tells_of_all() -> None:
    class Others:
        async def missing(self) -> list[str]:
            return ["worker 2: ledger: the disk is full"]

        async def metrics(self) -> bytes:
            return b"waypost_up 2\n"

    rig = Rig()
    rig.edge._beside = Others()
    assert (await ask(rig, "GET", "/metrics")).body == b"waypost_up 2\n"
    unready = await ask(rig, "GET", "/readyz")
    missing = msgspec.json.decode(unready.body)["missing"]
    assert (unready.status, missing) == (503, ["worker 2: ledger: the disk is full"])
