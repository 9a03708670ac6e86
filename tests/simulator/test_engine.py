"""The bill against the wire, and determinism."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from effort import examples
from simulated import FixedClock, ask, chat, events, request_bytes, simulator, talk, unchunk
from waypost.simulator.bill import Bill, Tokens
from waypost.simulator.engine import Engine
from waypost.simulator.run import Simulator, SimulatorSettings, start

__all__ = ["simulator"]


def engine(seed: int = 1) -> Engine:
    return Engine(seed=seed, clock=FixedClock(), bill=Bill())


def written(made: Engine, body: object, path: bytes = b"/chat/completions") -> bytes:
    exchange = made.answer(path, {}, msgspec.json.encode(body))
    return b"".join([write.data for write in exchange.script.writes])


BODIES = st.builds(
    chat,
    st.sampled_from(
        [
            "sim-fast",
            "sim-static",
            "sim-echo",
            "sim-json",
            "sim-reason?show=1",
            "fault-500?p=0.5",
            "sim-audio",
        ]
    ),
    stream=st.booleans(),
    n=st.integers(1, 3),
    stream_options=st.sampled_from([None, {"include_usage": True}]),
)


@given(st.lists(BODIES, max_size=6), st.integers(0, 2**64 - 1))
def test_the_same_seed_and_requests_give_the_same_bytes(bodies: list[dict[str, object]], seed: int) -> None:
    one, other = engine(seed), engine(seed)
    assert [written(one, body) for body in bodies] == [written(other, body) for body in bodies]


def test_another_seed_gives_other_bytes() -> None:
    assert written(engine(1), chat("sim-fast")) != written(engine(2), chat("sim-fast"))


def test_two_requests_differ() -> None:
    made = engine()
    assert written(made, chat("sim-fast")) != written(made, chat("sim-fast"))


@given(BODIES)
def test_a_streams_events_usage_and_due_tokens_agree(body: dict[str, object]) -> None:
    body = {**body, "stream": True, "stream_options": {"include_usage": True}}
    made = engine()
    exchange = made.answer(b"/chat/completions", {}, msgspec.json.encode(body))
    writes = list(exchange.script.writes)
    raw = b"".join([write.data for write in writes])
    if raw.startswith(b"HTTP/1.1 500"):
        assert exchange.meter is None
        return
    last = msgspec.json.decode(events(unchunk(raw.partition(b"\r\n\r\n")[2]))[-2])
    assert last["choices"] == []
    total = sum(write.made.output for write in writes if write.made)
    assert last["usage"]["completion_tokens"] == total
    details = last["usage"]["completion_tokens_details"]
    assert details["reasoning_tokens"] == sum(write.made.reasoning for write in writes if write.made)
    assert details["audio_tokens"] == sum(write.made.audio for write in writes if write.made)


@settings(max_examples=examples(15), deadline=None)
@given(k=st.integers(0, 12), n=st.integers(1, 3), hidden=st.integers(0, 5))
async def test_a_client_that_leaves_after_k_tokens_pays_for_k(k: int, n: int, hidden: int) -> None:
    running = await start(SimulatorSettings(), clock=FixedClock())
    try:
        body = chat(f"fault-stall-stream?k={k}&tokens=20&reasoning={hidden}", stream=True, n=n)
        roles, mark = n, b'"finish_reason":null'
        await talk(
            running.port, request_bytes(body), until=lambda got: got.count(mark) == roles + k, leave=True
        )
        await running.idle()
        lines = list(running.bill.lines)
        if k == 0:
            assert lines == []
        else:
            thought = hidden * min(n, k)
            assert [line.tokens for line in lines] == [Tokens(5, 0, 0, k + thought, thought, 0)]
            assert lines[0].end == "cancelled"
    finally:
        await running.stop()


async def test_a_whole_answer_that_nobody_waits_for_costs_nothing(simulator: Simulator) -> None:
    request = request_bytes(chat("sim-fast?ttft_ms=3600000"))
    await talk(simulator.port, request)
    await simulator.idle()
    assert simulator.bill.count == 0
    assert simulator.bill.requests == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_a_provider_that_keeps_on_bills_the_whole(simulator: Simulator, stream: bool) -> None:
    body = chat("sim-reason?ttft_ms=3600000&keeps_on=1&tokens=5&reasoning=4", stream=stream)
    await talk(simulator.port, request_bytes(body))
    await simulator.idle()
    assert [line.tokens for line in simulator.bill.lines] == [Tokens(5, 0, 0, 9, 4, 0)]


async def test_the_bill_page(simulator: Simulator) -> None:
    await ask(simulator.port, request_bytes(chat("sim-cached?prompt_tokens=100&tokens=10")))
    await ask(simulator.port, request_bytes(chat("sim-fast?tokens=1", stream=True)))
    _, _, body = await ask(simulator.port, request_bytes(None, "/v1/bill?lines=1", method="GET"))
    bill = msgspec.json.decode(body)
    # 50 at 3.00, 50 cached at 0.30, 10 at 15.00; then 5 at 0.25 and 1 at 2.00.
    assert bill["by_model"]["sim-cached"]["total_nusd"] == 150_000 + 15_000 + 150_000
    assert bill["total_nusd"] == 315_000 + 1_250 + 2_000
    assert (bill["lines"], bill["requests"], bill["open"]) == (2, 2, 0)
    assert bill["tokens"]["prompt"] == 105
    assert sum(line["nusd"] for line in bill["entries"]) == bill["total_nusd"]
    await ask(simulator.port, request_bytes({}, "/bill/reset"))
    assert (simulator.bill.count, simulator.bill.total_nusd) == (0, 0)


async def test_static_answers_are_the_same_and_billed(simulator: Simulator) -> None:
    answers = {
        (await ask(simulator.port, request_bytes(chat("sim-static", content="x " * i))))[2] for i in range(3)
    }
    assert len(answers) == 1
    usage = msgspec.json.decode(answers.pop())["usage"]
    assert [(line.tokens.prompt, line.tokens.completion) for line in simulator.bill.lines] == [(10, 16)] * 3
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (10, 16)
