"""Transcripts of the ten stages: who may ask, what is tried in which order, what the client and the books see."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from transcript import (
    CHAT,
    KEY_TEXT,
    STREAM,
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
from waypost.config.snapshot import Settings
from waypost.core.usage import Usage
from waypost.dialects.costs import cost_raw
from waypost.dialects.registry import DIALECTS
from waypost.errors import Garbled, StoreUnavailable, TimedOut, Truncated, Unauthenticated, Unavailable
from waypost.pipeline.exchange import Call


def bill(stage: Stage) -> list[tuple[str, str, int | None]]:
    return [(a.provider, a.state, a.cost_nusd) for a in stage.attempts]


async def test_a_whole_answer_passes_with_its_cost() -> None:
    stage = Stage([completion(prompt=9, output=3, x_vendor={"deep": [1, 2]})])
    client = await stage.ask(CHAT)
    body = msgspec.json.decode(client.body)
    assert client.status == 200
    assert body["choices"][0]["message"]["content"] == "Hello"
    assert body["x_vendor"] == {"deep": [1, 2]}
    assert body["usage"]["cost"] == pytest.approx(39e-9)
    assert b'"cost":0.000000039' in client.body
    assert client.header(b"x-waypost-cost") == b"0.000000039"
    assert client.header(b"x-waypost-model") == b"m1"
    assert client.header(b"x-waypost-provider") == b"p1"
    assert client.header(b"x-waypost-attempts") == b"1"
    assert client.header(b"x-waypost-request-id") == client.header(b"x-request-id") == b"x1"
    assert client.header(b"openai-processing-ms") == b"12"
    assert (stage.exchange.outcome, stage.exchange.cost_nusd, stage.exchange.status) == ("ok", 39, 200)
    assert stage.attempts[0].usage == Usage(input=9, output=3)
    assert stage.attempts[0].price_version == "flat-1"
    assert stage.ledger.marks[0].attempt_id == stage.attempts[0].attempt_id == "x1.1"


async def test_the_target_sees_its_own_model_and_credential_and_no_header_of_the_client_but_the_listed() -> (
    None
):
    stage = Stage([completion()])
    await stage.ask(
        CHAT,
        headers={
            b"authorization": b"Bearer client",
            b"host": b"evil.example",
            b"openai-organization": b"org-1",
            b"openai-beta": b"assistants=v2",
            b"x-forwarded-for": b"10.0.0.1",
        },
    )
    origin, head, body = stage.upstream.sent[0]
    assert origin.host == "p1.example"
    assert head.startswith(b"POST /v1/chat/completions HTTP/1.1\r\nhost: p1.example\r\n")
    assert head.endswith(b"content-length: %d\r\n\r\n" % len(body))
    assert b"Bearer upstream-secret" in head
    assert b"openai-beta: assistants=v2\r\n" in head
    for kept_back in (b"client", b"evil", b"org-1", b"10.0.0.1"):
        assert kept_back not in head
    assert msgspec.json.decode(body)["model"] == "m1"


async def test_a_stream_passes_byte_for_byte_but_for_the_usage_event() -> None:
    sent = events()
    stage = Stage([streamed(sent)])
    client = await stage.ask(STREAM)
    received = client.body
    assert received.startswith(b"".join(sent[:5]))
    assert received.endswith(sent[-1])
    usage_event = received[len(b"".join(sent[:5])) : -len(sent[-1])]
    assert msgspec.json.decode(usage_event[6:])["usage"]["cost"] == pytest.approx(39e-9)
    assert client.header(b"content-type") == b"text/event-stream; charset=utf-8"
    assert client.finished
    assert bill(stage) == [("p1", "settled", 39)]
    assert stage.exchange.finish_reason == "stop"


@pytest.mark.parametrize("key", [None, b"", b"unknown", b"sk-wp-abc_wrong"])
async def test_an_unknown_key_is_refused_before_anything_is_parsed(key: bytes | None) -> None:
    stage = Stage([])
    client = await stage.ask(b"not json", key=key)
    assert client.status == 401
    assert error_code(client.body) == "invalid_api_key"
    assert stage.upstream.sent == []
    assert stage.exchange.outcome == "refused"
    assert b"wrong" not in client.body or key != b"sk-wp-abc_wrong" or b"sk-wp-abc" not in client.body


async def test_a_mistyped_key_never_reaches_the_database() -> None:
    stage = Stage([])
    await stage.ask(CHAT, key=b"sk-wp-abcdefgh_" + b"x" * 32 + b"_000000")
    assert stage.keys.lookups == 0


async def test_the_key_is_looked_up_once() -> None:
    stage = Stage([completion(), completion()])
    await stage.ask(CHAT, number=1)
    await stage.ask(CHAT, number=2)
    assert stage.keys.lookups == 1


async def test_a_known_principal_needs_no_key_and_is_held_to_all_the_rest() -> None:
    stage = Stage([completion()])
    client = RecordingClient()
    narrow = msgspec.structs.replace(stage.key, key_id="k9", models=("other",))
    call = Call(
        DIALECTS["openai_chat"],
        msgspec.json.encode(CHAT),
        {},
        None,
        "x1",
        stage.clock.monotonic(),
        client,
        principal=narrow,
    )
    await stage.pipeline.run(call)
    assert client.status == 403
    assert stage.exchange.key_id == "k9"
    await stage.pipeline.run(
        msgspec.structs.replace(call, exchange_id="x2", principal=stage.key, client=RecordingClient())
    )
    assert [(one.outcome, one.error) for one in stage.ledger.settled][1:] == [("ok", None)]


async def test_a_model_the_key_may_not_use_is_refused_by_the_matched_route() -> None:
    stage = Stage([])
    stage.keys.rows = {
        digest: msgspec.structs.replace(key, models=("quick",)) for digest, key in stage.keys.rows.items()
    }
    client = await stage.ask({**CHAT, "model": "quick"})
    assert (client.status, error_code(client.body)) == (403, "permission_denied")


async def test_an_unknown_model_names_the_field() -> None:
    stage = Stage([])
    client = await stage.ask({**CHAT, "model": "nope"})
    assert client.status == 404
    assert msgspec.json.decode(client.body)["error"]["param"] == "model"


async def test_a_direct_model_needs_no_entry() -> None:
    stage = Stage([completion()])
    client = await stage.ask({**CHAT, "model": "p1/brand-new"})
    assert client.status == 200
    assert msgspec.json.decode(stage.upstream.sent[0][2])["model"] == "brand-new"
    assert client.header(b"x-waypost-cost") == b"unknown"
    assert msgspec.json.decode(client.body)["usage"]["cost"] is None


async def test_a_rate_limit_answers_429_with_when_to_ask_again() -> None:
    stage = Stage([completion(), completion()])
    stage.keys.rows = {d: msgspec.structs.replace(k, rpm=1) for d, k in stage.keys.rows.items()}
    await stage.ask(CHAT, number=1)
    client = await stage.ask(CHAT, number=2)
    assert client.status == 429
    assert client.header(b"retry-after") == b"60"
    assert client.header(b"x-should-retry") is None
    stage.clock.advance(60)
    assert (await stage.ask(CHAT, number=3)).status == 200


async def test_a_spent_budget_is_402_and_not_to_be_retried_and_gives_the_rate_back() -> None:
    stage = Stage([completion()], limit=1)
    stage.keys.rows = {
        d: msgspec.structs.replace(k, rpm=1, budget_nusd=1) for d, k in stage.keys.rows.items()
    }
    client = await stage.ask(CHAT, number=1)
    assert (client.status, error_code(client.body)) == (402, "budget_exceeded")
    assert client.header(b"x-should-retry") == b"false"
    assert stage.upstream.sent == []
    stage.ledger.limit = None
    assert (await stage.ask(CHAT, number=2)).status == 200


async def test_the_next_target_answers_unseen_when_the_first_fails() -> None:
    first, second = target(provider("p1", retries=0)), target(provider("p2"), priority=2)
    stage = Stage([Unavailable("down"), completion()], targets=(first, second))
    client = await stage.ask(CHAT)
    assert client.status == 200
    assert client.header(b"x-waypost-provider") == b"p2"
    assert client.header(b"x-waypost-attempts") == b"2"
    assert bill(stage) == [("p1", "voided", 0), ("p2", "settled", 39)]
    assert stage.attempts[0].error == "upstream_unavailable"


async def test_the_same_target_is_asked_again_once_after_a_pause() -> None:
    stage = Stage([Unavailable("down"), completion()])
    assert (await stage.ask(CHAT)).status == 200
    assert stage.slept == [0.0625]
    assert len(stage.attempts) == 2


async def test_a_refusal_of_the_request_goes_to_no_other_target_and_passes_the_providers_words() -> None:
    refusal = b'{"error":{"message":"too long","type":"invalid_request_error","param":null,"code":"x"}}'
    stage = Stage([ScriptedAnswer(400, refusal)], targets=(target(provider("p1")), target(provider("p2"))))
    client = await stage.ask(CHAT)
    assert client.status == 400
    assert client.body == refusal
    assert len(stage.upstream.sent) == 1


async def test_when_all_fail_the_shortest_wait_is_told() -> None:
    limited = [
        ScriptedAnswer(429, b'{"error":{"message":"slow"}}', headers=[(b"retry-after", wait)])
        for wait in (b"9", b"4")
    ]
    stage = Stage(limited, targets=(target(provider("p1")), target(provider("p2"))))
    client = await stage.ask(CHAT)
    assert client.status == 429
    assert client.header(b"retry-after") == b"4"
    assert stage.exchange.outcome == "failed"


async def test_the_gateways_own_credential_trouble_is_not_the_clients_401() -> None:
    stage = Stage(
        [
            ScriptedAnswer(
                401, b'{"error":{"message":"Incorrect API key provided: sk-proj-0a1b2c3d4e5f6a7b8c9d0e1f"}}'
            )
        ]
    )
    client = await stage.ask(CHAT)
    assert client.status == 502
    assert error_code(client.body) == "upstream_credential_refused"
    assert b"0a1b2c3d" not in client.body


async def test_an_answer_with_an_error_inside_fails_over() -> None:
    wrong = ScriptedAnswer(200, b'{"error":{"message":"overloaded","code":503}}')
    stage = Stage([wrong, completion()], targets=(target(provider("p1")), target(provider("p2"))))
    assert (await stage.ask(CHAT)).status == 200


async def test_a_stream_that_dies_before_its_first_content_fails_over_unseen() -> None:
    first = streamed([events()[0], Truncated("cut")])
    stage = Stage([first, streamed(events())], targets=(target(provider("p1")), target(provider("p2"))))
    client = await stage.ask(STREAM)
    assert client.status == 200
    assert client.body.count(b'"role"') == 1
    assert client.body.endswith(b"[DONE]\n\n")
    assert [attempt.state for attempt in stage.attempts] == ["unknown", "settled"]


async def test_a_stream_that_dies_after_content_ends_with_an_honest_error_and_no_done() -> None:
    stage = Stage(
        [streamed([*events()[:3], Truncated("The provider closed early.")]), streamed(events())],
        targets=(target(provider("p1")), target(provider("p2"))),
    )
    client = await stage.ask(STREAM)
    assert len(stage.upstream.sent) == 1
    assert client.body.startswith(b"".join(events()[:3]))
    last = client.body.split(b"\n\n")[-2]
    assert msgspec.json.decode(last[6:])["error"]["code"] == "upstream_truncated"
    assert b"[DONE]" not in client.body
    assert stage.exchange.outcome == "cut"
    usage = stage.attempts[0].usage
    assert usage is not None
    assert (usage.source, usage.output) == ("partial", 2)


async def test_a_timeout_while_the_provider_may_work_is_booked_at_the_estimated_input() -> None:
    stage = Stage(
        [TimedOut("late", phase="first_byte"), completion()],
        targets=(target(provider("p1")), target(provider("p2"))),
    )
    await stage.ask(CHAT)
    lost = stage.attempts[0]
    assert (lost.state, lost.error) == ("unknown", "upstream_timeout")
    assert lost.usage is not None
    assert lost.usage.source == "estimated"
    assert lost.cost_nusd == lost.usage.input > 0


@pytest.mark.parametrize("leaves_at", range(7))
async def test_a_client_that_leaves_at_any_event_is_settled_with_the_reported_usage(leaves_at: int) -> None:
    stage = Stage([streamed(events())])
    await stage.ask(STREAM, RecordingClient(leaves_at))
    assert bill(stage) == [("p1", "settled", 39)]
    assert stage.exchange.outcome == ("disconnected" if leaves_at < 4 else "ok")


@pytest.mark.parametrize("leaves_at", range(4))
async def test_with_cancel_the_upstream_is_closed_and_what_was_delivered_is_settled(leaves_at: int) -> None:
    stage = Stage([streamed(events())], targets=(target(provider("p1", on_disconnect="cancel")),))
    await stage.ask(STREAM, RecordingClient(leaves_at))
    assert stage.upstream.answers[0].closed
    assert stage.exchange.outcome == "disconnected"
    usage = stage.attempts[0].usage
    assert usage is not None
    assert usage.source in {"partial", "reported"}
    assert stage.attempts[0].state == "settled"


async def test_a_client_that_leaves_while_the_provider_thinks_is_drained_by_default() -> None:
    client = RecordingClient()

    async def leave() -> None:
        client.leave()

    stage = Stage([leave, completion()])
    await stage.ask(CHAT, client)
    assert client.status is None
    assert (stage.exchange.outcome, stage.exchange.cost_nusd) == ("disconnected", 39)


async def test_shutdown_ends_a_stream_in_band_and_settles_it() -> None:
    stage = Stage([])

    async def shut_down() -> None:
        stage.pipeline.abort_all()

    stage.upstream.script = [streamed([*events()[:3], shut_down, *events()[3:]])]
    client = await stage.ask(STREAM)
    assert msgspec.json.decode(client.body.split(b"\n\n")[-2][6:])["error"]["code"] == "draining"
    assert stage.exchange.outcome == "cut"
    assert stage.attempts[0].cost_nusd is not None


async def test_an_unready_ledger_is_503_and_never_401() -> None:
    stage = Stage([])
    stage.ledger.ready = "the disk is full"
    client = await stage.ask(CHAT)
    assert (client.status, error_code(client.body)) == (503, "store_unavailable")


async def test_a_fault_of_the_gateway_is_a_500_that_names_the_request_and_is_logged_without_its_text() -> (
    None
):
    stage = Stage([RuntimeError("https://user:secret@upstream")])
    client = await stage.ask(CHAT)
    assert (client.status, error_code(client.body)) == (500, "internal_error")
    assert b"x1" in client.body
    assert "RuntimeError" in stage.log.getvalue()
    assert "secret" not in stage.log.getvalue()
    assert stage.attempts[0].state == "unknown"


async def test_signs_of_life_without_content_end_the_attempt() -> None:
    stage = Stage([], targets=(target(provider("p1")), target(provider("p2"))))

    async def wait() -> None:
        stage.clock.advance(130)

    stage.upstream.script = [streamed([wait, b": ping\n\n", b": ping\n\n"]), streamed(events())]
    client = await stage.ask(STREAM)
    assert client.status == 200
    assert stage.attempts[0].error == "upstream_timeout"


async def test_overhead_leaves_out_the_wait_for_the_provider() -> None:
    stage = Stage([])

    async def think() -> None:
        stage.clock.advance(2.0)

    stage.upstream.script = [think, completion()]
    await stage.ask(CHAT)
    assert stage.exchange.total_us == 2_000_000
    assert stage.exchange.overhead_us == 0


async def test_overhead_leaves_out_the_pause_before_another_try() -> None:
    stage = Stage([Unavailable("down"), completion()])
    await stage.ask(CHAT)
    assert stage.exchange.total_us == int(stage.slept[0] * 1e6) > 0
    assert stage.exchange.overhead_us == 0


async def test_a_garbled_answer_fails_over() -> None:
    stage = Stage(
        [ScriptedAnswer(200, b"<html>"), Garbled("bad"), completion()],
        targets=(target(provider("p1")), target(provider("p2")), target(provider("p3"))),
    )
    assert (await stage.ask(CHAT)).header(b"x-waypost-provider") == b"p3"


async def test_content_is_stored_only_when_switched_on() -> None:
    off = Stage([completion()])
    await off.ask(CHAT)
    assert (off.exchange.request_body, off.exchange.response_body) == (None, None)
    on = Stage([completion(), streamed(events())], settings=Settings(log_content=True))
    await on.ask(CHAT, number=1)
    client = await on.ask(STREAM, number=2)
    assert on.ledger.settled[0].request_body == msgspec.json.encode(CHAT)
    assert on.ledger.settled[1].response_body == client.body


async def test_a_dialect_no_target_speaks_is_refused() -> None:
    stage = Stage([], targets=(target(provider("p1", dialects=("openai_embeddings",))),))
    client = await stage.ask(CHAT)
    assert client.status == 400
    assert KEY_TEXT not in client.body


async def test_a_mark_that_can_not_be_written_is_503_and_nothing_is_sent_or_booked() -> None:
    stage = Stage([completion()])

    def refuse(mark: object) -> None:
        raise StoreUnavailable("The disk is full.")

    stage.ledger.dispatch = refuse  # type: ignore[method-assign]  # a disk that fills up now
    client = await stage.ask(CHAT)
    assert client.status == 503
    assert stage.upstream.sent == []
    assert bill(stage) == [("p1", "voided", 0)]


async def test_after_an_abort_nothing_more_is_sent() -> None:
    stage = Stage([completion()], settings=Settings(durability="fsync"))
    await stage.ask(
        CHAT, number=1
    )  # the key is in memory now: the next exchange waits for nothing before its attempt
    stage.ledger.settled.clear()
    client = RecordingClient()

    async def aborted() -> None:
        stage.pipeline.abort_all()

    stage.ledger.durable = aborted  # type: ignore[method-assign]  # the drain limit passes while the disk works
    await stage.ask(CHAT, client, number=2)
    assert error_code(client.body) == "draining"
    assert len(stage.upstream.sent) == 1
    assert bill(stage) == [("p1", "voided", 0)]


async def test_no_other_target_is_asked_for_a_client_that_left() -> None:
    client = RecordingClient()

    async def leave() -> None:
        client.leave()

    cut = ScriptedAnswer(200, b"<html>")
    stage = Stage(
        [leave, cut, completion()],
        targets=(target(provider("p1")), target(provider("p2"))),
    )
    await stage.ask(CHAT, client)
    assert len(stage.upstream.sent) == 1
    assert stage.exchange.outcome == "disconnected"
    assert [attempt.provider for attempt in stage.attempts] == ["p1"]


async def test_a_key_can_be_checked_before_the_request_is_there() -> None:
    stage = Stage()
    await stage.pipeline.check_key(KEY_TEXT)
    await stage.pipeline.check_key(KEY_TEXT)
    assert stage.keys.lookups == 1
    for unknown in (None, b"", b"other"):
        with pytest.raises(Unauthenticated):
            await stage.pipeline.check_key(unknown)


async def test_nothing_is_written_behind_the_end_of_a_stream() -> None:
    stage = Stage([streamed([*events(), RuntimeError("behind the end")])])
    client = await stage.ask(STREAM)
    assert client.body.endswith(b"data: [DONE]\n\n")
    assert (stage.exchange.outcome, stage.exchange.error) == ("ok", None)


async def pause() -> None:
    await asyncio.sleep(0)


class SlowClient(RecordingClient):
    """Gives way to other tasks before whatever it is sent."""

    async def reply(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        await pause()
        await super().reply(status, headers, body)

    async def start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        await pause()
        await super().start(status, headers)

    async def write(self, chunk: bytes) -> None:
        await pause()
        await super().write(chunk)


@pytest.mark.parametrize("step", range(32))
@pytest.mark.parametrize("how", ["cancel", "abort", "leave", "leave at last", "abort and leave"])
@pytest.mark.parametrize("streams", [False, True])
async def test_an_exchange_that_ends_at_any_await_is_settled_once_with_no_hold_left(
    step: int, how: str, streams: bool
) -> None:
    interleaved = [part for event in events() for part in (event, pause)]
    script: list[object] = [pause, Unavailable("down"), pause]
    script.append(streamed(interleaved) if streams else completion())
    on_disconnect = "drain" if how == "leave at last" else "cancel"
    stage = Stage(script, targets=(target(provider(on_disconnect=on_disconnect)),))
    client = SlowClient(patient=True)
    task = asyncio.create_task(stage.ask(STREAM if streams else CHAT, client))
    for _ in range(step):
        await pause()
    if how == "cancel":
        task.cancel()
    if "abort" in how:
        stage.pipeline.abort_all()
    if "leave" in how:
        client.leave()
    await asyncio.wait((task,), timeout=5)
    assert task.done()
    assert task.cancelled() or task.exception() is None
    assert stage.pipeline.active == 0
    assert all(hold.closed for hold in stage.ledger.holds)
    assert all(answer.closed for answer in stage.upstream.answers if answer.body is None)
    if step:  # a task that was cancelled before its first step has never been an exchange
        assert len(stage.attempts) <= 2
        assert [attempt.attempt_id for attempt in stage.attempts] == [
            mark.attempt_id for mark in stage.ledger.marks
        ]


async def test_what_the_edge_asks_when_there_is_much_to_do() -> None:
    asked: list[tuple[bool, list[str | None]]] = []

    async def look() -> None:
        pipeline = stage.pipeline
        asked.append((pipeline.known(KEY_TEXT) is not None, list(pipeline.under_way())))

    stage = Stage([look, completion()])
    assert stage.pipeline.known(KEY_TEXT) is None
    assert stage.pipeline.known(None) is None
    await stage.ask(CHAT)
    assert asked == [(True, ["k1"])]
    assert list(stage.pipeline.under_way()) == []


MARKED_UP = target(msgspec.structs.replace(provider(), markup=500_000))


async def test_a_markup_is_told_beside_the_cost_of_a_whole_answer() -> None:
    stage = Stage([completion(prompt=9, output=3)], targets=[MARKED_UP])
    client = await stage.ask(CHAT)
    assert b'"cost":0.000000059,"cost_details":{"upstream_inference_cost":0.000000039}' in client.body
    assert client.header(b"x-waypost-cost") == b"0.000000059"
    assert client.header(b"x-waypost-upstream-cost") == b"0.000000039"
    (tried,) = stage.attempts
    assert (tried.cost_nusd, tried.markup_nusd) == (59, 20)
    assert (stage.exchange.cost_nusd, stage.exchange.markup_nusd) == (59, 20)


async def test_a_markup_is_told_in_the_usage_of_a_stream() -> None:
    stage = Stage([streamed(events())], targets=[MARKED_UP])
    client = await stage.ask({**STREAM, "stream_options": {"include_usage": True}})
    (tried,) = stage.attempts
    cost = stage.exchange.cost_nusd or 0
    assert tried.markup_nusd == cost - (cost * 2 // 3)
    assert (
        b'"cost":%b,"cost_details":{"upstream_inference_cost":%b}'
        % (
            bytes(cost_raw(cost)),
            bytes(cost_raw(cost - tried.markup_nusd)),
        )
        in client.body
    )


async def test_without_a_markup_neither_header_nor_details_are_there() -> None:
    client = await Stage([completion()]).ask(CHAT)
    assert b"cost_details" not in client.body
    assert client.header(b"x-waypost-upstream-cost") is None
