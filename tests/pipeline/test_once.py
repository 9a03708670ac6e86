"""Requests with an `idempotency-key`: one upstream call, one settlement, one answer for all."""

from __future__ import annotations

from hashlib import sha256

import msgspec
import pytest

from pipeline.crowd import ONCE, Crowd, Door
from transcript import (
    CHAT,
    DONE,
    KEY_TEXT,
    ROLE,
    STREAM,
    AskedLimits,
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
from waypost.core.asked import PathAsk
from waypost.core.key import Key
from waypost.dialects.registry import DIALECTS
from waypost.errors import InvalidRequest, StoreUnavailable, TimedOut, Truncated, Unavailable
from waypost.pipeline.exchange import Call
from waypost.pipeline.once import digest, fingerprint_of


def cost_of(stage: Stage) -> int:
    return sum(record.cost_nusd or 0 for record in stage.ledger.settled)


async def test_fifty_at_once_are_one_upstream_call_and_one_settlement():
    door = Door()
    stage = Stage([door, completion("Hello")])
    crowd = Crowd(stage)
    for _ in range(50):
        crowd.ask()
    await crowd.until()
    door.opened.set()
    await crowd.all()

    assert len(stage.upstream.sent) == len(stage.ledger.marks) == len(stage.ledger.holds) == 1
    assert {client.body for client in crowd.clients} == {crowd.clients[0].body}
    assert all(client.status == 200 and client.finished for client in crowd.clients)
    records = crowd.records()
    assert len(records) == 50
    assert cost_of(stage) == records["x1"].cost_nusd == 39
    for number in range(2, 51):
        record = records[f"x{number}"]
        assert (record.outcome, record.status, record.error) == ("ok", 200, None)
        assert (record.attempts, record.cost_nusd, record.accounts) == ((), 0, ())
        assert record.decision is not None
        assert record.decision.notes == ("the answer of x1",)


async def test_a_later_one_gets_the_kept_answer():
    stage = Stage([completion("Hello")])
    first = await stage.ask(CHAT, headers=ONCE, number=1)
    second = await stage.ask(CHAT, headers=ONCE, number=2)

    assert second.body == first.body
    assert (second.status, len(stage.upstream.sent)) == (200, 1)
    assert first.header(b"x-waypost-replayed") is None
    assert second.header(b"x-waypost-replayed") == b"true"
    assert second.header(b"x-waypost-request-id") == second.header(b"x-request-id") == b"x2"
    assert second.header(b"x-waypost-original-request-id") == b"x1"
    assert (first.header(b"x-waypost-cost"), second.header(b"x-waypost-cost")) == (b"0.000000039", b"0")
    assert second.header(b"x-waypost-provider") == b"p1"
    assert second.header(b"content-type") == b"application/json"
    names = [name for name, _ in second.headers]
    assert len(names) == len(set(names)), "each header once"


async def test_the_text_of_the_idempotency_key_is_not_kept():
    stage = Stage([completion("Hello")])
    await stage.ask(CHAT, headers=ONCE)

    ((key_id, kept),) = stage.replays.rows
    assert (key_id, kept) == ("k1", sha256(b"order-17").digest())
    assert b"order-17" not in msgspec.msgpack.encode(stage.replays.rows[key_id, kept])


async def test_without_the_header_nothing_is_shared_or_kept():
    stage = Stage([completion(), completion()])
    await stage.ask(CHAT, number=1)
    await stage.ask(CHAT, number=2)

    assert len(stage.upstream.sent) == 2
    assert stage.replays.rows == {}


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "under way"])
@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({**CHAT, "model": "quick"}, {}),
        ({**CHAT, "temperature": 1}, {}),
        (CHAT, {b"x-waypost-on-loss": b"drop"}),
        (CHAT, {b"openai-beta": b"new"}),
    ],
    ids=["model", "body", "own header", "forwarded header"],
)
async def test_another_request_under_the_same_key_is_refused(kept, body, headers):
    door = Door()
    stage = Stage([door, completion()])
    crowd = Crowd(stage)
    crowd.ask()
    if kept:
        door.opened.set()
        await crowd.all()
    else:
        await crowd.until()
    second = crowd.ask(body, headers={**ONCE, **headers})
    await crowd.until()
    door.opened.set()
    await crowd.all()

    assert (second.status, error_code(second.body)) == (422, "idempotency_key_reused")
    assert len(stage.upstream.sent) == 1
    assert crowd.records()["x2"].outcome == "refused"
    assert crowd.clients[0].status == 200


async def test_what_differs_between_two_tries_only_makes_no_other_request():
    stage = Stage([completion()])
    await stage.ask(CHAT, headers={**ONCE, b"x-client-request-id": b"a", b"x-stainless-retry-count": b"0"})
    again = await stage.ask(
        CHAT, headers={**ONCE, b"x-client-request-id": b"b", b"x-stainless-retry-count": b"1"}, number=2
    )

    assert again.status == 200
    assert len(stage.upstream.sent) == 1


async def test_keys_of_others_are_others():
    other = Key("k2", "other", sha256(b"other").digest(), "sk-wp-…", 0.0)
    stage = Stage([completion("One"), completion("Two")])
    stage.keys.rows[other.digest] = other
    first = await stage.ask(CHAT, headers=ONCE, number=1)
    second = await stage.ask(CHAT, headers=ONCE, key=b"other", number=2)

    assert first.body != second.body
    assert len(stage.replays.rows) == 2


@pytest.mark.parametrize(
    "value", [b"", b"x" * 256, b"a\tb", b"caf\xc3\xa9"], ids=["empty", "long", "tab", "other"]
)
async def test_a_value_that_is_no_key_is_named(value):
    stage = Stage()
    client = await stage.ask(CHAT, headers={b"idempotency-key": value})

    assert client.status == 400
    assert msgspec.json.decode(client.body)["error"]["param"] == "idempotency-key"
    assert stage.upstream.sent == []


def test_keys_of_every_allowed_form():
    assert len({digest({b"idempotency-key": value}) for value in (b"x", b'"x"', b"x" * 255, b"~ !")}) == 4
    with pytest.raises(InvalidRequest):
        digest({b"idempotency-key": b"x" * 256})


# --- streams ---


async def test_all_get_the_pieces_that_were_sent_and_then_those_to_come():
    doors = [Door(), Door()]
    one, two = chunk({"content": "one"}), chunk({"content": "two"})
    rest = [chunk({}, "stop"), *events()[-2:]]
    stage = Stage([streamed([ROLE, one, doors[0], two, doors[1], *rest])])
    crowd = Crowd(stage)
    crowd.ask(STREAM)
    crowd.ask(STREAM, RecordingClient(frames=True))
    await crowd.until()
    late = crowd.ask(STREAM)
    await crowd.until()

    assert b'"one"' in late.body
    assert crowd.clients[0].body == crowd.clients[1].body == late.body
    doors[0].opened.set()
    await crowd.until()
    assert b'"two"' in late.body
    assert not late.finished
    doors[1].opened.set()
    await crowd.all()

    assert all(client.finished and client.body.endswith(DONE) for client in crowd.clients)
    assert {client.body for client in crowd.clients} == {late.body}
    assert len(stage.upstream.sent) == 1
    assert [record.outcome for record in stage.ledger.settled] == ["ok"] * 3
    assert cost_of(stage) == 39
    assert late.header(b"content-type") == b"text/event-stream; charset=utf-8"


async def test_fifty_streams_at_once():
    doors = [Door() for _ in range(4)]
    steps = events()
    stage = Stage([streamed([each for pair in zip(doors, steps, strict=False) for each in pair] + steps[4:])])
    crowd = Crowd(stage)
    for number in range(50):
        crowd.ask(STREAM, RecordingClient(patient=number % 2 == 0))
    for door in doors:
        await crowd.until()
        door.opened.set()
    await crowd.all()

    assert len(stage.upstream.sent) == len(stage.ledger.holds) == 1
    assert len({client.body for client in crowd.clients}) == 1
    assert crowd.clients[49].body.endswith(DONE)


async def test_a_kept_stream_comes_again_as_a_stream():
    stage = Stage([streamed(events())])
    first = await stage.ask(STREAM, headers=ONCE, number=1)
    second = await stage.ask(STREAM, headers=ONCE, number=2)

    assert second.body == first.body
    assert second.body.endswith(DONE)
    assert (second.finished, second.status) == (True, 200)
    assert second.header(b"content-type") == first.header(b"content-type")
    assert len(stage.upstream.sent) == 1


async def test_who_has_the_end_can_have_it_again():
    """The answer is kept before the last bytes of it are written."""

    class Looking(RecordingClient):
        async def write(self, chunk: bytes) -> None:
            if DONE in chunk:
                assert len(stage.replays.rows) == 1
            await super().write(chunk)

        async def reply(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
            assert len(stage.replays.rows) == 2
            await super().reply(status, headers, body)

    stage = Stage([streamed(events()), completion()])
    stream = await stage.ask(STREAM, Looking(), headers=ONCE, number=1)
    whole = await stage.ask(CHAT, Looking(), headers={b"idempotency-key": b"other"}, number=2)
    assert stream.finished
    assert whole.finished


async def test_a_cut_stream_is_told_to_all_and_not_kept():
    door = Door()
    steps = [ROLE, chunk({"content": "one"}), door, Truncated("It broke.")]
    stage = Stage([streamed(steps), completion()], (target(provider(retries=0)),))
    crowd = Crowd(stage)
    crowd.ask(STREAM)
    crowd.ask(STREAM)
    await crowd.until()
    door.opened.set()
    await crowd.all()

    assert crowd.clients[0].body == crowd.clients[1].body
    assert b"upstream_truncated" in crowd.clients[1].body
    assert DONE not in crowd.clients[1].body
    assert stage.replays.rows == {}
    records = crowd.records()
    assert [(records[each].outcome, records[each].error) for each in ("x1", "x2")] == [
        ("cut", "upstream_truncated")
    ] * 2
    assert records["x2"].cost_nusd == 0


# --- what is not kept ---


async def test_a_failure_is_told_to_those_who_wait_and_the_next_request_tries_again():
    door = Door(Unavailable("It is down."))
    stage = Stage([door, completion("Hello")], (target(provider(retries=0)),))
    crowd = Crowd(stage)
    for _ in range(3):
        crowd.ask()
    await crowd.until()
    door.opened.set()
    await crowd.all()

    assert {client.status for client in crowd.clients} == {502}
    assert {error_code(client.body) for client in crowd.clients} == {"upstream_unavailable"}
    assert len(stage.upstream.sent) == 1
    assert stage.replays.rows == {}
    assert [record.outcome for record in stage.ledger.settled] == ["failed"] * 3
    again = crowd.ask()
    await crowd.all()
    assert again.status == 200
    assert again.header(b"x-waypost-replayed") is None


@pytest.mark.parametrize(
    ("body", "status"), [({**CHAT, "model": "none"}, 404), (CHAT, 504)], ids=["refused", "deadline"]
)
async def test_errors_are_not_kept(body, status):
    stage = Stage([TimedOut("Too slow.", phase="first_byte")], (target(provider(retries=0)),))
    client = await stage.ask(body, headers=ONCE)

    assert client.status == status
    assert stage.replays.rows == {}


async def test_an_answer_over_the_limit_is_shared_and_not_kept():
    door = Door()
    stage = Stage([door, completion("long" * 100), completion()], settings=Settings(replay_max_bytes=300))
    crowd = Crowd(stage)
    crowd.ask()
    crowd.ask()
    await crowd.until()
    door.opened.set()
    await crowd.all()

    assert crowd.clients[0].body == crowd.clients[1].body
    assert len(stage.upstream.sent) == 1
    assert stage.replays.rows == {}


async def test_with_storing_off_there_is_only_sharing():
    door = Door()
    stage = Stage([door, completion("One"), completion("Two")], settings=Settings(replay_s=0.0))
    crowd = Crowd(stage)
    crowd.ask()
    crowd.ask()
    await crowd.until()
    door.opened.set()
    await crowd.all()
    later = crowd.ask()
    await crowd.all()

    assert crowd.clients[0].body == crowd.clients[1].body != later.body
    assert len(stage.upstream.sent) == 2
    assert stage.replays.rows == {}


async def test_a_kept_answer_expires():
    stage = Stage([completion("One"), completion("Two")], settings=Settings(replay_s=60.0))
    first = await stage.ask(CHAT, headers=ONCE, number=1)
    stage.clock.advance(59.0)
    second = await stage.ask(CHAT, headers=ONCE, number=2)
    stage.clock.advance(1.0)
    third = await stage.ask(CHAT, headers=ONCE, number=3)

    assert first.body == second.body != third.body
    fourth = await stage.ask(CHAT, headers=ONCE, number=4)
    assert fourth.body == third.body


class Away:
    """A store that does not answer, when it is `asked` or when it is `told`."""

    def __init__(self, stage: Stage, when: str) -> None:
        self.get = self._fail if when == "asked" else stage.replays.get
        self.put = self._fail

    async def _fail(self, *_: object) -> None:
        raise StoreUnavailable("The database does not answer.")


async def test_what_can_not_be_known_is_not_asked_of_a_provider():
    stage = Stage([completion()])
    stage.pipeline._once._replays = Away(stage, "asked")
    client = await stage.ask(CHAT, headers=ONCE)

    assert (client.status, error_code(client.body)) == (503, "store_unavailable")
    assert stage.upstream.sent == []


async def test_an_answer_that_can_not_be_kept_is_given_all_the_same():
    stage = Stage([completion()])
    stage.pipeline._once._replays = Away(stage, "told")
    client = await stage.ask(CHAT, headers=ONCE)

    assert client.status == 200
    assert "could not be kept" in stage.log.getvalue()


# --- limits ---


async def test_every_one_counts_for_the_rate_and_only_the_first_for_the_budget():
    key = Key("k1", "app", sha256(KEY_TEXT).digest(), "sk-wp-…", 0.0, rpm=3)
    stage = Stage([completion()], key=key)
    clients = [await stage.ask(CHAT, headers=ONCE, number=number) for number in range(1, 5)]

    assert [client.status for client in clients] == [200, 200, 200, 429]
    assert len(stage.ledger.holds) == 1


async def test_who_counts_for_others_is_asked_for_each_of_them():
    key = Key("k1", "app", sha256(KEY_TEXT).digest(), "sk-wp-…", 0.0, rpm=3)
    stage = Stage([completion()], key=key, limits=(limits := AskedLimits()))
    clients = [await stage.ask(CHAT, headers=ONCE, number=number) for number in range(1, 5)]
    assert [client.status for client in clients] == [200, 200, 200, 429]
    assert limits.asked == 4


async def test_contents_are_logged_where_they_are_to_be():
    stage = Stage([streamed(events()), completion()], settings=Settings(log_content=True))
    for number in (1, 2):
        await stage.ask(STREAM, headers=ONCE, number=number)
    first, second = stage.ledger.settled
    assert second.response_body == first.response_body is not None
    assert second.request_body == first.request_body is not None


# --- the fingerprint ---


def call(dialect: str = "openai_chat", body: bytes = b"{}", **changes: object) -> Call:
    made = Call(DIALECTS[dialect], body, {}, None, "x1", 0.0, RecordingClient())
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def test_fingerprints_tell_requests_apart():
    calls = [
        call(),
        call(body=b"{ }"),
        call("openai_completions"),
        call("gemini_generate"),
        call("gemini_generate", path=PathAsk("m")),
        call("gemini_generate", path=PathAsk("m", stream=True)),
        call("gemini_generate", path=PathAsk("m", form="array")),
        call("gemini_generate", path=PathAsk("m", query=b"alt=sse")),
        call(headers={b"x-waypost-route": b"a"}),
        call(headers={b"x-waypost-route": b"b"}),
        call(headers={b"x-waypost-rout": b"eb"}),
        call("anthropic_messages"),
        call("anthropic_messages", headers={b"anthropic-beta": b"x"}),
    ]
    assert len({fingerprint_of(each) for each in calls}) == len(calls)
    assert fingerprint_of(call()) == fingerprint_of(call(headers={b"user-agent": b"x"}, exchange_id="x2"))
