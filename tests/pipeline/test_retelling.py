"""An answer told from one process to another."""

from __future__ import annotations

import asyncio

import pytest

from pipeline.test_shared import Making
from transcript import DONE
from waypost.errors import Draining
from waypost.pipeline.retelling import Retelling, hear
from waypost.pipeline.shared import Shared


class Elsewhere:
    """The other side."""

    def __init__(self, made: Making) -> None:
        listener = made.shared.attach()
        self.retelling = Retelling(made.shared, listener)
        self.shared = Shared(made.shared.scope, made.shared.fingerprint, made.live)
        self.told: list[bytes] = []
        self.hearing = asyncio.ensure_future(hear(self.shared, self._next))

    async def _next(self) -> bytes:
        self.told.append(await self.retelling.next())
        return self.told[-1]


async def test_head_body_and_end_come_as_they_are() -> None:
    made = Making()
    there = Elsewhere(made)
    made.live.finish_reason = "stop"
    await made.recorder.reply(200, [(b"x-waypost-model", b"m"), (b"x-request-id", b"x1")], b"body")
    await there.hearing
    heard = there.shared
    assert (heard.status, heard.headers, heard.streamed) == (200, ((b"x-waypost-model", b"m"),), False)
    assert (heard.whole(), heard.over, heard.complete) == (b"body", True, True)
    assert (heard.outcome, heard.error, heard.finish_reason) == ("ok", None, "stop")
    assert await there.retelling.next() == b"", "and nothing behind its end"


async def test_an_error_is_one_there_too() -> None:
    made = Making()
    there = Elsewhere(made)
    made.live.error, made.live.outcome = "upstream_failed", "failed"
    await made.recorder.reply(502, [], b"{}")
    await there.hearing
    assert (there.shared.status, there.shared.outcome) == (502, "failed")
    assert there.shared.error == "upstream_failed"


async def test_a_long_piece_comes_in_several() -> None:
    made = Making()
    there = Elsewhere(made)
    body = bytes(range(256)) * 10_000
    await made.recorder.reply(200, [], body)
    await there.hearing
    assert there.shared.whole() == body
    assert max(map(len, there.told)) < len(body) / 2


@pytest.mark.parametrize("begun", [False, True])
async def test_what_breaks_off_ends_without_an_end(begun: bool) -> None:
    made = Making()
    there = Elsewhere(made)
    if begun:
        await made.recorder.start(200, [])
        await made.recorder.write(b"a")
    made.shared.end()
    await there.hearing
    assert there.shared.status == (200 if begun else 0)
    assert not there.shared.complete


async def test_of_one_that_is_being_ended_nothing_is_told_but_its_end() -> None:
    made = Making()
    made.live.task = asyncio.current_task()
    made.live.aborted = Draining("The gateway ends.")
    assert made.shared.dying
    asked = asyncio.ensure_future(Retelling(made.shared, None).next())
    await made.recorder.reply(503, [], b"{}")
    assert await asked == b""


async def test_who_leaves_is_waited_for_no_more() -> None:
    made = Making()
    listener = made.shared.attach()
    retelling = Retelling(made.shared, listener)
    await made.recorder.start(200, [])
    await made.recorder.write(DONE)
    assert made.shared.awaited
    retelling.leave()
    retelling.leave()
    assert not made.shared.awaited
