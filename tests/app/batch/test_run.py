"""One batch at a time: what becomes of its lines, whatever happens."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import msgspec
import pytest

from app.batch.batch_rig import BatchRig, answer, text
from waypost.app.batch.run import result_id
from waypost.core.batch import Fault
from waypost.dialects.openai_batch.lines import render_answered
from waypost.errors import StoreUnavailable, Unauthenticated
from waypost.pipeline.exchange import Call

NAMES = [f"l{n}" for n in range(1, 13)]
LINES = [text(name) for name in NAMES]


def result(name: str) -> bytes:
    return render_answered("x", name, 200, "wp-1-1", b"{}")


def number_of(call: Call) -> int:
    return int(call.exchange_id.split("-")[2])


async def test_every_line_is_a_call_of_its_own(tmp_path: Path) -> None:
    rig = BatchRig(tmp_path, per_batch=3)
    together = asyncio.Barrier(3)

    async def script(call: Call) -> None:
        await together.wait()
        await answer(call)

    rig.script = script
    done = await rig.work_off(rig.put(LINES))
    assert (done.status, done.total, done.completed, done.failed) == ("completed", 12, 12, 0)
    assert rig.results(done) == (dict.fromkeys(NAMES, 200), {})
    assert done.error_file_id is None
    assert sorted(call.exchange_id for call in rig.calls) == sorted(f"wp-1-{n}" for n in range(1, 13))
    assert rig.most == 3
    call = rig.calls[0]
    assert (call.key, call.body) == (None, b'{"model":"m"}')
    assert call.principal is not None
    assert (call.principal.key_id, call.principal.priority) == ("k1", "low")
    assert rig.told == {"completed": 12}
    assert done.output_file_id is not None
    row = rig.files.rows[done.output_file_id]
    assert (row.key_id, row.purpose, row.filename) == ("k1", "batch_output", "batch_1_output.jsonl")
    assert rig.batches.kept_until["batch_1"] is not None
    assert list(rig.content.worked()) == []


async def test_lines_that_fail_are_in_the_error_file(tmp_path: Path) -> None:
    rig = BatchRig(tmp_path)

    async def script(call: Call) -> None:
        if number_of(call) % 2:
            await answer(call, 400, b'{"error":{"code":"x"}}')
        elif number_of(call) == 2:
            await answer(call, 200, b"<html>")
        else:
            await answer(call)

    rig.script = script
    done = await rig.work_off(rig.put(LINES))
    good, bad = rig.results(done)
    assert set(good) == {"l4", "l6", "l8", "l10", "l12"}
    assert bad == {**dict.fromkeys(NAMES[::2], 400), "l2": "invalid_request"}
    assert (done.status, done.completed, done.failed) == ("completed", 5, 7)


async def test_a_file_that_is_wrong_fails_whole_and_nothing_is_asked(tmp_path: Path) -> None:
    rig = BatchRig(tmp_path)
    done = await rig.work_off(rig.put([text("a"), b"nonsense", text("a")]))
    assert (done.status, rig.calls) == ("failed", [])
    assert [(one.code, one.line) for one in done.faults] == [
        ("invalid_json_line", 2),
        ("duplicate_custom_id", 3),
    ]
    assert done.failed_at is not None


async def test_refusals_that_pass_are_asked_again(tmp_path: Path) -> None:
    rig = BatchRig(tmp_path, per_batch=1)

    async def script(call: Call) -> None:
        tries = len([one for one in rig.calls if number_of(one) == number_of(call)])
        if tries <= 7:
            await answer(call, 429, b"{}", x_waypost_attempts=b"0", retry_after_ms=b"2500")
        else:
            await answer(call)

    rig.script = script
    done = await rig.work_off(rig.put([text("a")]))
    assert rig.results(done) == ({"a": 200}, {})
    assert rig.waits == [2.5] * 7
    assert [call.exchange_id for call in rig.calls][:3] == ["wp-1-1", "wp-1-1-1-2", "wp-1-1-1-3"]


async def test_when_the_window_closes_the_rest_is_told_so(tmp_path: Path) -> None:
    rig = BatchRig(tmp_path, per_batch=2)

    async def script(call: Call) -> None:
        await answer(call)
        if number_of(call) == 4:
            rig.clock.advance(90_000)

    rig.script = script
    done = await rig.work_off(rig.put(LINES))
    good, bad = rig.results(done)
    assert {"l1", "l2", "l3", "l4"} <= set(good)
    assert len(good) + len(bad) == 12
    assert set(bad.values()) == {"batch_expired"}
    assert (done.status, done.ending) == ("expired", "expired")
    assert done.expired_at is not None


async def test_a_line_that_is_refused_until_the_window_closes(tmp_path: Path) -> None:
    rig = BatchRig(tmp_path)
    rig.script = lambda call: answer(call, 503, b"{}", retry_after_ms=b"30000000")
    done = await rig.work_off(rig.put([text("a")]))
    assert rig.results(done) == ({}, {"a": "batch_expired"})
    assert len(rig.calls) == 3, "at 0, at 30,000 and at 60,000 seconds of a day"


async def test_cancelling_lets_lines_under_way_end(tmp_path: Path) -> None:
    rig = BatchRig(tmp_path, per_batch=2)
    run = await rig.begin(rig.put(LINES))

    async def script(call: Call) -> None:
        if number_of(call) == 3:
            shown = await run.cancel()
            assert (shown.status, rig.batches.rows["batch_1"].status) == ("cancelling", "cancelling")
        await answer(call)

    rig.script = script
    await run.run()
    done = rig.batches.rows["batch_1"]
    good, bad = rig.results(done)
    assert {"l1", "l2", "l3"} <= set(good)
    assert len(rig.calls) == len(good) < 12
    assert set(bad.values()) == {"batch_cancelled"}
    assert done.status == "cancelled"
    assert done.cancelling_at is not None
    assert done.cancelled_at is not None
    assert (await run.cancel()).status == "cancelled"


async def test_a_key_that_is_revoked_ends_the_rest(tmp_path: Path) -> None:
    rig = BatchRig(tmp_path, per_batch=1)

    async def script(call: Call) -> None:
        if number_of(call) == 2:
            rig.refusal = Unauthenticated("The API key 'app' was revoked.")
        await answer(call)

    rig.script = script
    done = await rig.work_off(rig.put(LINES))
    assert done.status == "completed"
    assert rig.results(done) == (
        {"l1": 200, "l2": 200},
        dict.fromkeys(NAMES[2:], "invalid_api_key"),
    )


async def test_a_drain_leaves_the_rest_for_the_next_start(tmp_path: Path) -> None:
    rig = BatchRig(tmp_path, per_batch=2)
    run = await rig.begin(rig.put(LINES))

    async def script(call: Call) -> None:
        if number_of(call) == 5:
            run.drain()
            await answer(call, 503, b"{}", x_waypost_attempts=b"1")
        else:
            await answer(call)

    rig.script = script
    await run.run()
    left = rig.batches.rows["batch_1"]
    assert left.status == "in_progress"
    first = {number_of(call) for call in rig.calls}
    assert len(first) < 12

    rig.script = answer
    rig.batches.lines["wp-1"] = frozenset((1, 2, 5))
    done = await rig.work_off(left, resumed=True)
    assert done.status == "completed"
    assert rig.results(done) == (dict.fromkeys((n for n in NAMES if n != "l5"), 200), {"l5": "lost"})
    again = [number_of(call) for call in rig.calls]
    assert len(again) == len(set(again)), "no line is asked twice"
    assert rig.calls[-1].exchange_id.endswith("-2-1"), "of the second process, the first try"
    assert rig.told["lost"] == 1


@pytest.mark.parametrize("cut", range(0, 40, 3))
async def test_a_result_that_was_cut_off_is_no_result(tmp_path: Path, cut: int) -> None:
    rig = BatchRig(tmp_path)
    whole = b'{"id":"x","custom_id":"l1","response":null,"error":null}\n'
    rig.content.work("batch_1.out").write_bytes(whole + whole.replace(b"l1", b"l2")[:cut])
    done = await rig.work_off(rig.put(LINES[:2], status="in_progress"), resumed=True)
    assert [number_of(call) for call in rig.calls] == [2]
    assert done.output_file_id is not None
    assert rig.content.read(done.output_file_id, 0, 4096).startswith(whole)
    assert (done.completed, done.total) == (2, 2)


async def test_what_was_over_but_not_handed_over_is(tmp_path: Path) -> None:
    rig = BatchRig(tmp_path)
    batch = rig.put(LINES, status="finalizing", ending="expired", total=12, completed=12)
    place = rig.content.place(result_id("batch_1", "out"))
    place.parent.mkdir()
    place.write_bytes(b"{}\n")  # moved, when the process ended
    done = await rig.work_off(batch, resumed=True)
    assert rig.calls == []
    assert (done.status, done.completed) == ("expired", 12)
    assert done.output_file_id == result_id("batch_1", "out")
    assert rig.files.rows[done.output_file_id].size == 3


async def test_a_store_that_is_away_is_waited_for(tmp_path: Path) -> None:
    rig = BatchRig(tmp_path)
    put, failures = rig.batches.put, iter([True, True])

    async def fails(batch: object, kept_until: float | None = None) -> None:
        if next(failures, False):
            raise StoreUnavailable("The database does not answer.")
        await put(batch, kept_until)  # type: ignore[arg-type]

    run = await rig.begin(rig.put(LINES))
    rig.batches.put = fails  # type: ignore[method-assign]
    await run.run()
    assert rig.batches.rows["batch_1"].status == "completed"
    assert "The database does not answer" in rig.log.getvalue()
    assert rig.waits == [1.0, 1.0]


async def test_giving_up_what_is_under_way_leaves_it_open(tmp_path: Path) -> None:
    rig = BatchRig(tmp_path)
    begun = asyncio.Event()

    async def hang(_: Call) -> None:
        begun.set()
        await asyncio.Event().wait()

    rig.script = hang
    run = await rig.begin(rig.put(LINES))
    task = asyncio.ensure_future(run.run())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert rig.batches.rows["batch_1"].status == "in_progress"


async def test_results_may_be_kept_for_less(tmp_path: Path) -> None:
    rig = BatchRig(tmp_path)
    done = await rig.work_off(msgspec.structs.replace(rig.put(LINES), output_expires_s=3600))
    assert done.output_file_id is not None
    assert rig.files.rows[done.output_file_id].expires_at == rig.clock.wall() + 3600


async def test_a_batch_that_was_being_cancelled_asks_nothing_after_a_restart(tmp_path: Path) -> None:
    rig = BatchRig(tmp_path)
    rig.content.work("batch_1.out").write_bytes(result("l1"))
    rig.batches.lines["wp-1"] = frozenset((1, 2))
    done = await rig.work_off(rig.put(LINES, status="cancelling", life=1, cancelling_at=1.0), resumed=True)
    assert rig.calls == []
    assert (done.status, done.ending, done.cancelling_at) == ("cancelled", "cancelled", 1.0)
    assert rig.results(done) == (
        {"l1": 200},
        {"l2": "lost", **dict.fromkeys(NAMES[2:], "batch_cancelled")},
    )


@pytest.mark.parametrize("begun", [True, False])
async def test_limits_hold_for_what_was_not_begun(tmp_path: Path, begun: bool) -> None:
    rig = BatchRig(tmp_path, lines_max=5)
    rig.settings = msgspec.structs.replace(rig.settings, body_max_bytes=10)
    if not begun:
        done = await rig.work_off(rig.put(LINES), resumed=True)
        assert (done.status, rig.calls) == ("failed", [])
        assert done.faults[0].code == "line_too_large"
        return
    rig.content.work("batch_1.out").write_bytes(result("l1"))
    done = await rig.work_off(rig.put(LINES, status="in_progress", life=1), resumed=True)
    assert (done.status, done.completed) == ("completed", 12)
    assert rig.results(done) == (dict.fromkeys(NAMES, 200), {})


async def test_limits_that_are_lowered_while_lines_are_asked_change_nothing(tmp_path: Path) -> None:
    rig = BatchRig(tmp_path, per_batch=1)

    async def script(call: Call) -> None:
        rig.settings = msgspec.structs.replace(rig.settings, body_max_bytes=10)
        await answer(call)

    rig.script = script
    done = await rig.work_off(rig.put(LINES))
    assert rig.results(done) == (dict.fromkeys(NAMES, 200), {})


async def test_a_file_that_went_wrong_later_costs_no_results(tmp_path: Path) -> None:
    rig = BatchRig(tmp_path)
    rig.content.work("batch_1.out").write_bytes(result("l1") + result("l2")[:20])
    batch = rig.put([text("l1"), b"nonsense"], status="in_progress", life=1, total=2)
    done = await rig.work_off(batch, resumed=True)
    assert (done.status, done.total, done.completed, rig.calls) == ("failed", 2, 1, [])
    assert [(one.code, one.line) for one in done.faults] == [("invalid_json_line", 2)]
    assert rig.results(done) == ({"l1": 200}, {})
    assert done.failed_at is not None
    assert done.completed_at is None
    assert list(rig.content.worked()) == []


async def test_what_failed_but_was_not_handed_over_is(tmp_path: Path) -> None:
    rig = BatchRig(tmp_path)
    rig.content.work("batch_1.out").write_bytes(result("l1"))
    faults = (Fault("missing_file", "m"),)
    batch = rig.put(LINES, status="finalizing", ending="completed", faults=faults)
    done = await rig.work_off(batch, resumed=True)
    assert (done.status, done.faults, rig.calls) == ("failed", faults, [])
    assert rig.results(done) == ({"l1": 200}, {})


async def test_damaged_results_fail_the_batch_and_are_handed_over_as_they_are(tmp_path: Path) -> None:
    rig = BatchRig(tmp_path)
    rig.content.work("batch_1.out").write_bytes(result("l1") + b"nonsense\n" + result("l3"))
    done = await rig.work_off(rig.put(LINES, status="in_progress", life=1, total=12), resumed=True)
    assert (done.status, rig.calls) == ("failed", [])
    assert [one.code for one in done.faults] == ["damaged_results"]
    assert done.output_file_id is not None
    assert rig.content.read(done.output_file_id, 0, 4096) == result("l1") + b"nonsense\n" + result("l3")


async def test_a_line_that_is_not_any_more_what_it_was_has_an_error(tmp_path: Path) -> None:
    rig = BatchRig(tmp_path, per_batch=1)

    async def script(call: Call) -> None:
        if number_of(call) == 1:
            spoilt = [LINES[0], b"x" * len(LINES[1]), LINES[2]]
            rig.content.place("file-in1").write_bytes(b"\n".join(spoilt))
        await answer(call)

    rig.script = script
    done = await rig.work_off(rig.put(LINES[:3]))
    assert rig.results(done) == ({"l1": 200, "l3": 200}, {"l2": "unreadable_line"})
    assert done.status == "completed"


@pytest.mark.parametrize("how", ["cancelled", "expired"])
async def test_a_file_that_is_gone_is_not_waited_for_longer_than_the_batch_goes_on(
    tmp_path: Path, how: str
) -> None:
    rig = BatchRig(tmp_path, per_batch=1)

    async def script(call: Call) -> None:
        rig.content.place("file-in1").unlink()
        await answer(call)

    rig.script = script
    run = await rig.begin(rig.put(LINES[:3], expires_at=rig.clock.wall() + 50))
    task = asyncio.ensure_future(run.run())
    while len(rig.waits) < 3:  # noqa: ASYNC110
        await asyncio.sleep(0)
    if how == "cancelled":
        await run.cancel()
    await task
    done = rig.batches.rows["batch_1"]
    assert done.status == how
    assert rig.results(done) == ({"l1": 200}, dict.fromkeys(("l2", "l3"), f"batch_{how}"))


@pytest.mark.parametrize("how", ["cancelled", "expired"])
async def test_what_can_not_be_read_at_a_start_costs_no_results(tmp_path: Path, how: str) -> None:
    rig = BatchRig(tmp_path)
    rig.content.work("batch_1.out").write_bytes(result("l1") + result("l2")[:20])
    status = "cancelling" if how == "cancelled" else "in_progress"
    batch = rig.put(LINES, status=status, life=1, total=12, expires_at=rig.clock.wall() + 50)
    place = rig.content.place("file-in1")
    place.unlink()
    place.mkdir()
    done = await rig.work_off(batch, resumed=True)
    assert (done.status, done.total, done.completed, rig.calls) == (how, 12, 1, [])
    assert rig.results(done) == ({"l1": 200}, {})


async def test_giving_up_writes_what_waits_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = BatchRig(tmp_path, per_batch=2)
    fsync, begun, go_on = os.fsync, threading.Event(), threading.Event()

    def slow(fd: int) -> None:
        begun.set()
        assert go_on.wait(10)
        fsync(fd)

    run = await rig.begin(rig.put(LINES[:2]))
    answered = 0

    async def script(call: Call) -> None:
        nonlocal answered
        monkeypatch.setattr(os, "fsync", slow)
        await answer(call)
        answered += 1

    rig.script = script
    task = asyncio.ensure_future(run.run())
    while answered < 2:  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert await asyncio.to_thread(begun.wait, 10)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    left = rig.batches.rows["batch_1"]
    rig.batches.lines["wp-1"] = frozenset((1, 2))
    done = await rig.work_off(left, resumed=True)
    assert rig.results(done) == ({"l1": 200, "l2": 200}, {})
