from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from app.batch.batch_rig import BatchRig, answer, text
from waypost.core.batch import OVER, Batch
from waypost.errors import Draining, Overloaded
from waypost.pipeline.exchange import Call


async def until_over(rig: BatchRig, *numbers: int) -> list[Batch]:
    while any(rig.batches.rows[f"batch_{n}"].status not in OVER for n in numbers):  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    return [rig.batches.rows[f"batch_{n}"] for n in numbers]


async def test_batches_take_turns_by_key(tmp_path: Path) -> None:
    rig = BatchRig(tmp_path, running_max=2)
    owner = rig.owner()
    gate, begun = asyncio.Event(), list[str]()

    async def script(call: Call) -> None:
        begun.append(call.exchange_id)
        await gate.wait()
        await answer(call)

    rig.script = script
    for number in (1, 2, 3):
        await owner.submit(rig.put([text("a")], number))
    other = rig.put([text("a")], 4)
    await owner.submit(other)
    assert owner.running == 2
    gate.set()
    done = await until_over(rig, 1, 2, 3, 4)
    assert [one.status for one in done] == ["completed"] * 4
    await owner.stop()
    assert owner.running == 0
    (told,) = owner.labelled()
    assert (told.name, told.rows) == ("waypost_batch_lines_total", [(("completed",), 4.0)])


async def test_a_key_with_fewer_under_way_goes_first(tmp_path: Path) -> None:
    rig = BatchRig(tmp_path, running_max=2)
    owner = rig.owner()
    gates = {n: asyncio.Event() for n in (1, 2, 3, 4)}
    begun: list[int] = []

    async def script(call: Call) -> None:
        number = int(call.exchange_id.split("-")[1])
        begun.append(number)
        await gates[number].wait()
        await answer(call)

    rig.script = script
    for number in (1, 2, 3):
        await owner.submit(rig.put([text("a")], number))
    await owner.submit(rig.put([text("a")], 4, key_id="k2"))
    gates[1].set()
    (done,) = await until_over(rig, 1)
    assert done.status == "completed"
    while "batch_1" in owner._tasks:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    assert "batch_4" in owner._tasks, "k1 has one under way already"
    for task in owner._tasks.values():
        task.cancel()
    await owner.stop()


async def test_what_waits_is_bounded(tmp_path: Path) -> None:
    rig = BatchRig(tmp_path, running_max=1, waiting_max=1)
    owner = rig.owner()
    gate = asyncio.Event()

    async def script(call: Call) -> None:
        await gate.wait()
        await answer(call)

    rig.script = script
    await owner.submit(rig.put([text("a")], 1))
    await owner.submit(rig.put([text("a")], 2))
    with pytest.raises(Overloaded):
        await owner.submit(rig.put([text("a")], 3))
    assert "batch_3" not in rig.batches.rows
    gate.set()
    await until_over(rig, 1, 2)
    await owner.stop()
    with pytest.raises(Draining):
        owner.check_room()


async def test_a_batch_is_shown_as_it_stands_and_cancelled_while_it_waits(tmp_path: Path) -> None:
    rig = BatchRig(tmp_path, running_max=1, per_batch=1)
    owner = rig.owner()
    gate, halfway = asyncio.Event(), asyncio.Event()

    async def script(call: Call) -> None:
        if call.exchange_id == "wp-1-2":
            halfway.set()
            await gate.wait()
        await answer(call)

    rig.script = script
    first, second = rig.put([text("a"), text("b")], 1), rig.put([text("a")], 2)
    await owner.submit(first)
    await owner.submit(second)
    await halfway.wait()
    shown = owner.now(first)
    assert (shown.status, shown.total, shown.completed) == ("in_progress", 2, 1)
    assert owner.now(second).status == "validating"
    assert (await owner.cancel(second)).status == "cancelling"
    gate.set()
    done = await until_over(rig, 1, 2)
    assert [one.status for one in done] == ["completed", "cancelled"]
    assert rig.results(done[1]) == ({}, {"a": "batch_cancelled"})
    assert await owner.cancel(done[0]) == done[0]
    assert owner.now(done[0]) == done[0]


async def test_what_an_earlier_process_left_is_taken_up(tmp_path: Path) -> None:
    rig = BatchRig(tmp_path)
    await rig.batches.put(rig.put([text("a"), text("b")], 1, status="in_progress"))
    await rig.batches.put(rig.put([text("a")], 2, status="completed"))
    rig.batches.lines["wp-1"] = frozenset((1,))
    owner = rig.owner()
    await owner.resume()
    (done,) = await until_over(rig, 1)
    assert rig.results(done) == ({"b": 200}, {"a": "lost"})
    await owner.stop()


async def test_a_stop_waits_for_lines_under_way_and_then_gives_them_up(tmp_path: Path) -> None:
    rig = BatchRig(tmp_path)
    owner = rig.owner()
    begun = asyncio.Event()

    async def hang(_: Call) -> None:
        begun.set()
        await asyncio.Event().wait()

    rig.script = hang
    await owner.submit(rig.put([text("a"), text("b")], 1))
    await begun.wait()
    owner.drain()
    rig.clock.advance(rig.settings.drain_s)
    await owner.stop()
    assert rig.batches.rows["batch_1"].status == "in_progress"
    assert owner.running == 0


async def test_a_fault_breaks_off_one_batch_and_says_so(tmp_path: Path) -> None:
    rig = BatchRig(tmp_path)
    owner = rig.owner()

    async def script(call: Call) -> None:
        if call.exchange_id.startswith("wp-1-"):
            raise RuntimeError("with a secret")
        await answer(call)

    rig.script = script
    await owner.submit(rig.put([text("a")], 1))
    await owner.submit(rig.put([text("a")], 2))
    await until_over(rig, 2)
    await owner.stop()
    assert rig.batches.rows["batch_1"].status == "in_progress"
    assert "taken up at the next start" in rig.log.getvalue()


async def test_a_batch_that_was_broken_off_can_be_cancelled(tmp_path: Path) -> None:
    rig = BatchRig(tmp_path, per_batch=1)
    owner = rig.owner()

    async def script(call: Call) -> None:
        if call.exchange_id == "wp-1-2":
            raise RuntimeError("x")
        await answer(call)

    rig.script = script
    await owner.submit(rig.put([text("a"), text("b"), text("c")], 1))
    while owner.running:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    left = owner.now(rig.batches.rows["batch_1"])
    assert left.status == "in_progress"
    rig.batches.lines["wp-1"] = frozenset((1, 2))
    said = await owner.cancel(left)
    assert (said.status, said.cancelling_at) == ("cancelling", rig.clock.wall())
    (done,) = await until_over(rig, 1)
    assert done.status == "cancelled"
    assert rig.results(done) == ({"a": 200}, {"b": "lost", "c": "batch_cancelled"})
    assert len(rig.calls) == 2
    await owner.stop()


async def test_a_cancel_while_the_gateway_ends_is_kept_for_the_next_start(tmp_path: Path) -> None:
    rig = BatchRig(tmp_path)
    left = rig.put([text("a")], 1, status="in_progress", life=1)
    await rig.batches.put(left)
    owner = rig.owner()
    owner.drain()
    assert (await owner.cancel(left)).status == "cancelling"
    await owner.stop()
    assert rig.batches.rows["batch_1"].status == "cancelling"
    assert rig.batches.rows["batch_1"].cancelling_at == rig.clock.wall()
    after = rig.owner()
    await after.resume()
    (done,) = await until_over(rig, 1)
    assert (done.status, rig.calls) == ("cancelled", [])
    assert await after.cancel(done) == done
    await after.stop()


async def test_a_cancel_meets_a_start_that_takes_the_batch_up(tmp_path: Path) -> None:
    rig = BatchRig(tmp_path)
    left = rig.put([text("a")], 1, status="in_progress", life=1)
    await rig.batches.put(left)
    owner, put = rig.owner(), rig.batches.put

    async def late(batch: Batch, kept_until: float | None = None) -> None:
        rig.batches.put = put  # type: ignore[method-assign]
        await owner.resume()  # as it was
        await put(batch, kept_until)

    rig.batches.put = late  # type: ignore[method-assign]
    assert (await owner.cancel(left)).status == "cancelling"
    (done,) = await until_over(rig, 1)
    assert (done.status, rig.calls) == ("cancelled", [])
    await owner.stop()
