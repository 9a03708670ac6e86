from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from waypost.app.batch.results import Results
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
    with pytest.raises(StoreUnavailable, match="damaged"):
        made(tmp_path).open()
    assert (tmp_path / "out").read_bytes() == b"nonsense\n"
    with pytest.raises(StoreUnavailable, match="can not be opened"):
        made(tmp_path / "nowhere").open()
