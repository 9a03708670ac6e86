import asyncio
import concurrent.futures
import errno
import os
from pathlib import Path

import msgspec
import pytest

from ledger.books import FakeClock, checkpoint, exchange, mark
from waypost.errors import StoreUnavailable
from waypost.ledger.intents import Intents
from waypost.ledger.segments import Kind, listed, parse


class Disk:
    """`os.write` until it is told to be full; then it takes `room` bytes of a record and refuses the next one."""

    def __init__(self) -> None:
        self.full = False
        self.room = 0

    def write(self, fd: int, data: bytes) -> int:
        if not self.full:
            return os.write(fd, data)
        if self.room:
            return os.write(fd, data[: self.room])
        raise OSError(errno.ENOSPC, "full")


def kinds(folder: Path) -> list[list[Kind | None]]:
    return [[line.kind for line in parse(path.read_bytes())] for path in listed(folder)]


def written(folder: Path) -> int:
    return sum(path.stat().st_size for path in listed(folder))


def test_records_are_in_the_file_when_the_call_returns(tmp_path):
    intents = Intents(tmp_path, 1, clock=FakeClock())
    intents.dispatch(mark(1))
    intents.checkpoint(checkpoint(1, 5))
    assert intents.settled(exchange(1)) is None

    assert kinds(tmp_path) == [[Kind.DISPATCH, Kind.CHECKPOINT, Kind.SETTLED]]
    assert (intents.settled_count, intents.position(1, 1), intents.position(2, 1)) == (1, 1, None)
    assert intents.open_dispatches == 0
    intents.close()


def test_files_are_for_the_owner_only(tmp_path):
    Intents(tmp_path, 1, clock=FakeClock()).close()

    assert listed(tmp_path)[0].stat().st_mode & 0o777 == 0o600


def test_content_is_not_written(tmp_path):
    intents = Intents(tmp_path, 1, clock=FakeClock())
    full = msgspec.structs.replace(exchange(1), request_body=b"a secret prompt", response_body=b"an answer")
    assert intents.settled(full) is None
    (line,) = parse(listed(tmp_path)[0].read_bytes())

    assert msgspec.json.decode(line.payload, type=type(full)) == exchange(1)
    intents.close()


def test_a_segment_goes_when_it_is_applied_and_holds_nothing_open(tmp_path):
    intents = Intents(tmp_path, 1, clock=FakeClock(), segment_bytes=400)
    intents.dispatch(mark(0))  # a long stream
    for number in range(1, 6):
        intents.dispatch(mark(number))
        intents.settled(exchange(number))
    names = [path.name for path in listed(tmp_path)]
    assert len(names) > 2
    assert intents.unneeded(0) == [], "the journal has nothing of it"
    free = [segment.name for segment in intents.unneeded(intents.settled_count)]

    assert names[0] not in free, "it holds the dispatch of the long stream"
    assert names[-1] not in free, "it is the one being written"
    assert free == names[1:-1]
    assert intents.unneeded(intents.settled_count) == [], "each is named once"
    intents.settled(exchange(0))
    assert intents.unneeded(intents.settled_count - 1) == [], "the mark stays until the end is applied"
    assert [segment.name for segment in intents.unneeded(intents.settled_count)] == [names[0]]
    intents.close()


def test_a_checkpoint_keeps_its_segment_as_long_as_its_stream_runs(tmp_path):
    intents = Intents(tmp_path, 1, clock=FakeClock(), segment_bytes=1)
    intents.dispatch(mark(1))
    intents.checkpoint(checkpoint(1, 5))
    intents.settled(exchange(2, attempts=()))
    intents.settled(exchange(3, attempts=()))

    assert [segment.number for segment in intents.unneeded(2)] == [3]
    intents.settled(exchange(1))
    assert [segment.number for segment in intents.unneeded(3)] == [1, 2, 4]
    intents.close()


@pytest.mark.parametrize("room", [0, 7])
def test_a_full_disk_refuses_dispatch_and_heals(tmp_path, room):
    disk, clock = Disk(), FakeClock()
    intents = Intents(tmp_path, 1, clock=clock, write=disk.write)
    intents.dispatch(mark(1))
    disk.full, disk.room = True, room

    with pytest.raises(StoreUnavailable, match="intents file can not be written") as refusal:
        intents.dispatch(mark(2))
    assert refusal.value.status == 503
    assert intents.open_dispatches == 1
    pins = intents.settled(exchange(1))
    assert [segment.number for segment in pins] == [1], "the caller has the only copy, and the mark is kept"
    assert intents.settled_count == 0
    assert "No space left" in intents.fault

    disk.full = False
    intents.probe()
    assert intents.fault is None
    intents.dispatch(mark(3))
    assert kinds(tmp_path) == [[Kind.DISPATCH, Kind.NOTE, Kind.DISPATCH]]
    intents.close()


def test_a_full_disk_is_probed_once_a_second(tmp_path):
    disk, clock = Disk(), FakeClock()
    intents = Intents(tmp_path, 1, clock=clock, write=disk.write)
    disk.full = True
    with pytest.raises(StoreUnavailable):
        intents.dispatch(mark(1))
    intents.probe()
    disk.full = False
    intents.probe()
    assert intents.fault
    clock.now += 1
    intents.probe()
    assert intents.fault is None
    intents.close()


def test_a_file_that_can_not_be_mended_is_left_and_a_new_one_begun(tmp_path, monkeypatch):
    disk = Disk()
    intents = Intents(tmp_path, 1, clock=FakeClock(), write=disk.write)
    intents.dispatch(mark(1))
    disk.full, disk.room = True, 9

    def refuse(fd: int, size: int) -> None:
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(os, "ftruncate", refuse)
    with pytest.raises(StoreUnavailable):
        intents.dispatch(mark(2))
    disk.full = False
    intents.dispatch(mark(3))

    assert kinds(tmp_path) == [[Kind.DISPATCH, None], [Kind.DISPATCH]]
    intents.close()


def test_a_folder_that_does_not_exist_is_named_at_once(tmp_path):
    with pytest.raises(StoreUnavailable):
        Intents(tmp_path / "none", 1, clock=FakeClock())


async def test_durable_returns_at_once_without_fsync(tmp_path):
    calls = []
    intents = Intents(tmp_path, 1, clock=FakeClock(), sync=calls.append)
    intents.dispatch(mark(1))
    await intents.durable()

    assert calls == []
    intents.close()


async def test_many_waiters_share_a_sync_and_none_returns_before_its_own(tmp_path):
    synced: list[int] = []

    def sync(fd: int) -> None:
        os.fsync(fd)
        if os.fstat(fd).st_mode & 0o100000:
            synced.append(os.fstat(fd).st_size)

    intents = Intents(tmp_path, 1, clock=FakeClock(), fsync=True, sync=sync)
    synced.clear()

    async def one(number: int) -> None:
        intents.dispatch(mark(number))
        size = written(tmp_path)
        await intents.durable()
        assert max(synced) >= size

    await asyncio.gather(*(one(number) for number in range(50)))
    assert len(synced) <= 3
    intents.close()


async def test_one_that_comes_between_a_sync_and_its_callback_waits_for_its_own(tmp_path):
    """A sync that has ended in its thread is not taken for one that goes on: the loop would stand still."""
    intents = Intents(tmp_path, 1, clock=FakeClock(), fsync=True)
    loop = asyncio.get_running_loop()

    class Pool:
        first = True

        def submit(self, call, *arguments):
            future = concurrent.futures.Future()
            loop.call_soon(self.end, future, call, arguments)
            return future

        def end(self, future, call, arguments):
            call(*arguments)
            future.set_result(None)
            if (
                self.first
            ):  # and in the same step of the loop, before anything is called for that, another comes
                self.first = False
                intents.dispatch(mark(2))
                self.second = asyncio.ensure_future(intents.durable())

        def shutdown(self): ...

    intents._pool.shutdown()
    intents._pool = Pool()
    intents.dispatch(mark(1))
    await intents.durable()
    await intents._pool.second
    intents.close()


async def test_the_folder_is_on_the_disk_before_anything_in_it_counts(tmp_path):
    synced: list[int] = []
    folder = tmp_path / "data" / "intents"
    folder.mkdir(parents=True)
    Intents(
        folder, 1, clock=FakeClock(), fsync=True, sync=lambda fd: synced.append(os.fstat(fd).st_ino)
    ).close()

    assert synced == [path.stat().st_ino for path in (tmp_path, folder.parent, folder)]


async def test_a_file_whose_name_could_not_be_synced_is_not_used(tmp_path):
    broken = False

    def sync(fd: int) -> None:
        if broken:
            raise OSError(errno.EIO, "broken")

    intents = Intents(tmp_path, 1, clock=FakeClock(), fsync=True, segment_bytes=1, sync=sync)
    intents.dispatch(mark(1))
    before = len(os.listdir("/proc/self/fd"))
    broken = True
    for number in range(2, 5):
        with pytest.raises(StoreUnavailable):
            intents.dispatch(mark(number))
    assert len(os.listdir("/proc/self/fd")) == before, "none is left open"
    broken = False
    intents.dispatch(mark(5))
    await intents.durable()

    assert kinds(tmp_path) == [[Kind.DISPATCH], [], [], [], [Kind.DISPATCH]]
    assert intents.left_over() == [f"{number:010d}.intents" for number in (2, 3, 4)], "they are deleted"
    intents.close()


async def test_bytes_written_before_a_rotation_are_synced_too(tmp_path):
    synced: list[int] = []

    def sync(fd: int) -> None:
        synced.append(os.fstat(fd).st_ino)

    intents = Intents(tmp_path, 1, clock=FakeClock(), fsync=True, segment_bytes=1, sync=sync)
    intents.dispatch(mark(1))
    intents.dispatch(mark(2))
    await intents.durable()

    assert {path.stat().st_ino for path in listed(tmp_path)} <= set(synced)
    intents.close()


async def test_after_a_failed_sync_the_request_is_refused_and_a_new_file_begun(tmp_path):
    broken = False

    def sync(fd: int) -> None:
        if broken:
            raise OSError(errno.EIO, "broken")

    intents = Intents(tmp_path, 1, clock=FakeClock(), fsync=True, sync=sync)
    broken = True
    intents.dispatch(mark(1))
    with pytest.raises(StoreUnavailable):
        await intents.durable()
    assert intents.fault
    broken = False
    intents.dispatch(mark(2))
    await intents.durable()

    assert intents.fault is None
    assert kinds(tmp_path) == [[Kind.DISPATCH], [Kind.DISPATCH]]
    intents.close()


def test_the_marks_of_a_record_that_no_file_has_are_kept_until_it_is_posted(tmp_path):
    disk = Disk()
    intents = Intents(tmp_path, 1, clock=FakeClock(), write=disk.write)
    intents.dispatch(mark(1))
    disk.full = True
    pins = intents.settled(exchange(1))
    disk.full = False
    intents.close()

    assert intents.unneeded(0) == []
    intents.let_go(pins)
    assert [segment.number for segment in intents.unneeded(0)] == [1]
