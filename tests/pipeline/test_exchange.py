from __future__ import annotations

import asyncio

import pytest

from flat_tariff import FlatTariff
from transcript import (
    CHAT,
    KEY_TEXT,
    RecordingClient,
    ScriptedAnswer,
    Stage,
    completion,
    provider,
    target,
)
from waypost.config.targets import Credential, Target
from waypost.core.usage import Usage
from waypost.dialects.lane import SameLane
from waypost.dialects.registry import DIALECTS
from waypost.errors import Disconnected, Draining, Unavailable
from waypost.pipeline.exchange import Call, LiveExchange

LANE = SameLane(DIALECTS["openai_chat"])


def live() -> LiveExchange:
    call = Call(DIALECTS["openai_chat"], b"{}", {}, KEY_TEXT, "x1", 1000.0, RecordingClient())
    return LiveExchange(call, Stage().snapshot, 5_000_000)


def test_the_record_holds_every_attempt_with_times_on_one_scale() -> None:
    exchange = live()
    first = exchange.open_trial(target(provider("p1")), LANE, (), 1000.5)
    first.answered = 503
    exchange.close_trial(1001.0, "voided", None, 0, Unavailable("down"))
    second = exchange.open_trial(target(provider("p2")), LANE, (), 1001.25)
    second.first_token = 1001.5
    exchange.close_trial(1002.0, "settled", Usage(input=3, output=4), 43)
    exchange.waited, exchange.status, exchange.outcome = 1.5, 200, "ok"
    record = exchange.record(1002.0, keep_content=False)
    assert [attempt.attempt_id for attempt in record.attempts] == ["x1.1", "x1.2"]
    assert [attempt.started_us for attempt in record.attempts] == [5_500_000, 6_250_000]
    assert [attempt.total_us for attempt in record.attempts] == [500_000, 750_000]
    assert (record.attempts[0].status, record.attempts[0].error) == (503, "upstream_unavailable")
    assert record.attempts[1].first_token_us == 250_000
    assert record.attempts[1].price_version == FlatTariff.version
    assert (record.total_us, record.overhead_us, record.cost_nusd) == (2_000_000, 500_000, 43)


def test_an_unknown_cost_is_not_zero() -> None:
    exchange = live()
    exchange.open_trial(target(provider(), tariff=None), LANE, (), 1000.0)
    exchange.close_trial(1001.0, "settled", Usage(), None)
    assert exchange.record(1001.0, keep_content=False).cost_nusd is None


def test_a_refusal_that_cost_nothing_does_not_make_an_unknown_cost_zero() -> None:
    exchange = live()
    exchange.open_trial(target(provider("p1")), LANE, (), 1000.0)
    exchange.close_trial(1000.5, "voided", None, 0, Unavailable("down"))
    assert exchange.cost_nusd() == 0
    exchange.open_trial(target(provider("p2"), tariff=None), LANE, (), 1000.5)
    exchange.close_trial(1001.0, "settled", Usage(input=3), None)
    assert exchange.cost_nusd() is None


def test_bodies_are_in_the_record_only_when_kept() -> None:
    exchange = live()
    exchange.response_body = b"answer"
    assert exchange.record(1000.0, keep_content=False).response_body is None
    kept = exchange.record(1000.0, keep_content=True)
    assert (kept.request_body, kept.response_body) == (b"{}", b"answer")


async def test_an_abort_interrupts_a_wait_once_and_leaves_the_task_usable() -> None:
    exchange = live()
    seen: list[str] = []

    async def run() -> None:
        exchange.task = asyncio.current_task()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            exchange.abort_arrived()
            seen.append("aborted")
        await asyncio.sleep(0)
        seen.append("went on")

    task = asyncio.ensure_future(run())
    await asyncio.sleep(0)
    exchange.abort(Draining("down"))
    exchange.abort(Disconnected("gone"))
    await task
    assert seen == ["aborted", "went on"]
    assert isinstance(exchange.aborted, Draining)


async def test_an_abort_that_has_not_arrived_is_absorbed() -> None:
    exchange = live()
    exchange.task = asyncio.current_task()
    exchange.abort(Draining("down"))
    await exchange.absorb_abort()
    await asyncio.sleep(0)
    assert not exchange.cancelling


@pytest.mark.parametrize("state", ["settled", "closing"])
async def test_nothing_is_left_to_abort_at_the_end(state: str) -> None:
    exchange = live()
    exchange.task = asyncio.current_task()
    setattr(exchange, state, True)
    exchange.abort(Draining("down"))
    await asyncio.sleep(0)
    assert exchange.aborted is None


async def test_the_second_key_of_a_provider_is_tried_and_recorded_by_its_name() -> None:
    def keyed(name: str) -> Target:
        line = f"authorization: Bearer secret-of-{name}\r\n".encode()
        served_by = provider(key_name=name, credential=Credential(line))
        return target(served_by, priority=1 if name == "a" else 2)

    refused = ScriptedAnswer(401, b'{"error":{"message":"no"}}')
    stage = Stage([refused, completion()], targets=(keyed("a"), keyed("b")))
    client = await stage.ask(CHAT)
    assert client.status == 200
    assert [(one.provider, one.key_name, one.status) for one in stage.attempts] == [
        ("p1", "a", 401),
        ("p1", "b", 200),
    ]
    heads = [head for _, head, _ in stage.upstream.sent]
    for head, own, other in zip(heads, (b"a", b"b"), (b"b", b"a"), strict=True):
        assert b"Bearer secret-of-" + own in head
        assert b"secret-of-" + other not in head
