from __future__ import annotations

import asyncio
import os
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from waypost.app.batch.results import Results
from waypost.core.batch import Fault
from waypost.errors import StoreUnavailable


def line(name: str) -> bytes:
    return b'{"custom_id":"%b"}\n' % name.encode()


def made(folder: Path) -> Results:
    return Results(folder / "out", folder / "err")


async def test_what_was_appended_is_found_again(tmp_path: Path) -> None:
    results = made(tmp_path)
    assert results.open() == ([], [])
    await asyncio.gather(*(results.append(line(f"l{n}"), n % 3 > 0) for n in range(30)))
    results.close()
    results.close()

    good, bad = made(tmp_path).open()
    assert sorted(good + bad) == sorted(f"l{n}" for n in range(30))
    assert len(bad) == 10


async def test_what_is_torn_is_cut_off_and_written_over(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(line("a") + line("b")[:9])
    results = made(tmp_path)
    assert results.open() == (["a"], [])
    await results.append(line("c"), True)
    results.close()
    assert (tmp_path / "out").read_bytes() == line("a") + line("c")


async def test_long_files_are_read_in_pieces(tmp_path: Path) -> None:
    long = b'{"custom_id":"%b","x":"' % b"a" + b"x" * (3 << 20) + b'"}\n'
    (tmp_path / "out").write_bytes(long + line("b"))
    results = made(tmp_path)
    assert results.open() == (["a", "b"], [])
    results.close()


async def test_a_disk_that_fails_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = made(tmp_path)
    results.open()
    await results.append(line("a"), True)
    pwrite, budget = os.pwrite, [5]

    def full(fd: int, data: bytes, at: int) -> int:
        if not budget[0]:
            raise OSError(28, "full")
        written = pwrite(fd, data[: budget[0]], at)
        budget[0] = 0
        return written

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(StoreUnavailable, match="can not be written"):
        await results.append(line("b"), True)
    with pytest.raises(StoreUnavailable):
        await results.append(line("c"), False)
    monkeypatch.undo()
    await results.append(line("d"), True)
    results.close()
    assert made(tmp_path).open() == (["a", "b", "d"], ["c"])


async def test_damage_is_told_of_and_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"nonsense\n")
    (tmp_path / "err").write_bytes(line("a") + line("b")[:9])
    fault = made(tmp_path).open()
    assert isinstance(fault, Fault)
    assert fault.code == "damaged_results"
    assert (tmp_path / "err").read_bytes() == line("a")
    assert (tmp_path / "out").read_bytes() == b"nonsense\n"
    with pytest.raises(StoreUnavailable, match="can not be opened"):
        made(tmp_path / "nowhere").open()


@pytest.mark.parametrize("wrong", ["damaged", "unreadable", "no second file"])
def test_a_failed_start_leaves_nothing_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    if wrong == "damaged":
        (tmp_path / "err").write_bytes(b"nonsense\n")
    elif wrong == "no second file":
        (tmp_path / "err").mkdir()
    else:

        def fails(*_: object) -> bytes:
            raise OSError(5, "broken")

        monkeypatch.setattr(os, "pread", fails)
    results = made(tmp_path)

    def tried() -> int:
        with suppress(StoreUnavailable):
            assert isinstance(results.open(), Fault)
        return len(os.listdir("/proc/self/fd"))

    assert len({tried() for _ in range(5)}) == 1


async def test_closing_writes_what_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = made(tmp_path)
    results.open()
    fsync, begun, go_on = os.fsync, threading.Event(), threading.Event()

    def slow(fd: int) -> None:
        begun.set()
        assert go_on.wait(10)
        fsync(fd)

    monkeypatch.setattr(os, "fsync", slow)
    first = asyncio.ensure_future(results.append(line("a"), True))
    assert await asyncio.to_thread(begun.wait, 10)
    others = [asyncio.ensure_future(results.append(line(name), name == "b")) for name in "bc"]
    await asyncio.sleep(0)
    for late in (first, *others):
        late.cancel()
    go_on.set()
    await asyncio.gather(first, *others, return_exceptions=True)
    results.close()
    assert made(tmp_path).open() == (["a", "b"], ["c"])


async def test_closing_says_what_it_could_not_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = made(tmp_path)
    results.open()

    def full(*_: object) -> int:
        raise OSError(28, "full")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(StoreUnavailable):
        await results.append(line("a"), True)
    with pytest.raises(StoreUnavailable, match="can not be written"):
        results.close()
    results.close()
