"""What one exchange tells its client, and what the others hear of it."""

from __future__ import annotations

import asyncio

import pytest

from transcript import DONE, RecordingClient, Stage
from waypost.core.replay import Replay
from waypost.dialects.registry import DIALECTS
from waypost.errors import Bug, Draining
from waypost.pipeline.exchange import Call, LiveExchange
from waypost.pipeline.shared import JOINABLE_BYTES, Recorder, Shared

SCOPE = ("k1", b"d" * 32)


class Making:
    """One shared answer with its first client."""

    def __init__(self, client: RecordingClient | None = None) -> None:
        self.client = client or RecordingClient()
        call = Call(DIALECTS["openai_chat"], b"{}", {}, None, "x1", 0.0, self.client)
        self.live = LiveExchange(call, Stage().snapshot, 0)
        self.shared = Shared(SCOPE, b"f" * 32, self.live)
        self.kept: list[bytes | None] = []
        self.calls = 0
        self.recorder = Recorder(self.client, self.live, self.shared, self._keep)
        self.recorder.on_gone(self._gone)

    async def _keep(self, live: LiveExchange, shared: Shared) -> None:
        assert not shared.over
        self.kept.append(shared.whole())

    def _gone(self) -> None:
        self.calls += 1


async def test_what_is_written_reaches_everybody_once():
    made = Making()
    early = made.shared.attach()
    await made.recorder.start(200, [(b"x-waypost-model", b"m"), (b"x-request-id", b"x1")])
    assert made.recorder.try_write(b"a")
    await made.recorder.write(b"b")
    late = made.shared.attach()
    assert made.recorder.try_write(b"c")
    made.live.settled = True
    await made.recorder.write(DONE)
    await made.recorder.finish()

    assert early is not None
    assert late is not None
    assert early.take() == late.take() == made.client.body == b"abc" + DONE
    assert early.take() == b""
    assert made.kept == [b"abc" + DONE], "kept once, before its end"
    assert made.shared.headers == ((b"x-waypost-model", b"m"),)
    assert (made.shared.over, made.shared.complete, made.shared.outcome) == (True, True, "ok")


async def test_a_slow_client_gets_a_piece_by_write_and_nobody_gets_it_twice():
    made = Making(RecordingClient(patient=True))
    listener = made.shared.attach()
    assert listener is not None
    assert not made.recorder.try_write(b"a")
    assert listener.take() == b""
    await made.recorder.write(b"a")
    assert listener.take() == made.client.body == b"a"


def test_frames_are_never_taken():
    assert Making(RecordingClient(frames=True)).recorder.framed() is None  # type: ignore[func-returns-value]


async def test_a_listener_waits_for_news_only():
    made = Making()
    listener = made.shared.attach()
    assert listener is not None
    waiting = asyncio.ensure_future(listener.heard())
    await asyncio.sleep(0)
    assert not waiting.done()
    made.recorder.try_write(b"a")
    await waiting
    waiting = asyncio.ensure_future(listener.heard())
    await asyncio.sleep(0)
    assert not waiting.done()
    made.shared.end()
    await waiting
    await made.shared.wait()


def test_it_is_gone_when_nobody_is_left():
    made = Making()
    one, two = made.shared.attach(), made.shared.attach()
    assert one is not None
    assert two is not None
    made.client.leave()
    assert (made.recorder.gone, made.calls) == (False, 0)
    made.shared.detach(one)
    assert (made.recorder.gone, made.calls) == (False, 0)
    made.shared.detach(two)
    assert (made.recorder.gone, made.calls) == (True, 1)
    three = made.shared.attach()
    assert three is not None
    assert not made.recorder.gone
    made.shared.detach(three)
    assert made.calls == 2


def test_leaving_after_the_end_is_nothing_to_tell():
    made = Making()
    one = made.shared.attach()
    assert one is not None
    made.shared.end()
    made.client.leave()
    calls = made.calls
    made.shared.detach(one)
    assert made.calls == calls


@pytest.mark.parametrize("status", [400, 502])
async def test_errors_are_told_and_not_kept(status):
    made = Making()
    made.live.error, made.live.outcome = "upstream_error", "failed"
    await made.recorder.reply(status, [], b"{}")

    assert made.kept == []
    assert (made.shared.complete, made.shared.outcome, made.shared.error) == (
        True,
        "failed",
        "upstream_error",
    )


async def test_an_error_in_a_stream_is_not_kept():
    made = Making()
    await made.recorder.start(200, [])
    made.live.error = "upstream_error"
    await made.recorder.write(b"error")
    await made.recorder.finish()
    assert made.kept == []


def test_one_that_is_being_ended_is_dying_until_it_is_over():
    made = Making()
    assert not made.shared.dying
    made.live.aborted = Draining("Ending.")
    assert made.shared.dying
    made.shared.end()
    assert not made.shared.dying


def test_a_kept_answer_is_there_at_once():
    made = Making()
    kept = Replay("k1", SCOPE[1], b"f" * 32, "x0", 200, ((b"a", b"b"),), b"body", True, 1.0)
    made.shared.fill(kept)
    listener = made.shared.attach()
    assert listener is not None
    assert listener.take() == b"body"
    assert (made.shared.original, made.shared.streamed, made.shared.complete) == ("x0", True, True)
    assert made.shared.failing is None


async def test_what_writes_errors_is_that_of_the_first():
    class Writing:
        def fail(self, error: object) -> bytes:
            return b"failed"

    made = Making()
    made.live.relay = Writing()
    assert made.shared.failing is not None
    assert made.shared.failing.fail(Bug("x")) == b"failed"


def test_it_is_held_up_to_a_limit():
    made = Making()
    piece = b"x" * (JOINABLE_BYTES // 2)
    first = made.shared.attach()
    assert first is not None
    for _ in range(2):
        made.recorder.try_write(piece)
    assert made.shared.whole() == piece * 2
    made.recorder.try_write(b"y")
    assert made.shared.whole() is None
    assert made.shared.attach() is None
    assert first.take() == piece * 2 + b"y", "who had joined gets all of it"
