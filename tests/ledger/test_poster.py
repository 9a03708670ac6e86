"""The poster by itself: what it says on the link, and when. What it does with a gateway is in test_writer.py."""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from ledger.books import FakeClock, FlakyJournal, exchange, mark
from waypost.core.record import Exchange
from waypost.errors import Bug
from waypost.ledger.intents import Intents
from waypost.ledger.messages import (
    Applied,
    Ask,
    Carry,
    Drop,
    FromWriter,
    Hurry,
    Posted,
    Taken,
    ToWriter,
    Wake,
    from_writer,
    render,
)
from waypost.ledger.poster import Poster
from waypost.ledger.segments import listed, path_of
from waypost.ledger.tail import Tail
from waypost.stores.memory import MemoryJournal

A = ("key:k1:total",)


class Gateway:
    """The other end of the link, by hand."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._frames = from_writer()
        self._heard: list[FromWriter] = []

    def say(self, *messages: ToWriter) -> None:
        self._link.sendall(b"".join(map(render, messages)))

    def hear(self) -> FromWriter:
        while not self._heard:
            data = self._link.recv(65_536)
            assert data, "the writer has ended"
            self._heard += self._frames.feed(data)
        return self._heard.pop(0)

    def until_idle(self) -> Applied:
        while True:
            said = self.hear()
            if isinstance(said, Applied) and said.idle:
                return said

    def end(self) -> None:
        self._link.close()


@contextmanager
def posting(
    folder: Path,
    journal: MemoryJournal,
    delay_s: float = 0.0,
    behind: Callable[[bool], object] = lambda _: None,
) -> Iterator[Gateway]:
    ours, theirs = socket.socketpair()
    ours.settimeout(10)
    poster = Poster(folder, journal, theirs, monotonic=time.monotonic, delay_s=delay_s, behind=behind)
    thread = threading.Thread(target=poster.run, daemon=True)
    thread.start()
    gateway = Gateway(ours)
    try:
        yield gateway
    finally:
        gateway.end()
        thread.join(10)
        theirs.close()
        assert not thread.is_alive(), "it ends with the gateway"


def test_it_posts_what_is_there_and_sleeps_until_it_is_woken(tmp_path):
    intents = Intents(tmp_path, 1, clock=FakeClock())
    intents.settled(exchange(1, 5, A))
    journal = FlakyJournal()
    with posting(tmp_path, journal) as gateway:
        assert gateway.until_idle() == Applied(1, 1, 0, False, True)
        calls = journal.calls
        intents.settled(exchange(2, 5, A))
        gateway.say(Wake())
        assert gateway.until_idle() == Applied(1, 2, 0, False, True)
        assert journal.calls == calls + 1
    assert journal.accounts == {A[0]: 10}
    intents.close()


def test_it_is_told_before_each_stretch_whether_there_is_more(tmp_path, monkeypatch):
    monkeypatch.setattr("waypost.ledger.tail._READ_BYTES", 1_000)
    intents = Intents(tmp_path, 1, clock=FakeClock())
    for number in range(30):
        intents.settled(exchange(number, 1, A))
    told: list[tuple[bool, int]] = []
    journal = FlakyJournal()
    with posting(tmp_path, journal, behind=lambda much: told.append((much, len(journal.lines)))) as gateway:
        gateway.until_idle()
        assert len(told) > 3
        assert [much for much, _ in told] == [True] * (len(told) - 1) + [False]
        assert [posted for _, posted in told] == sorted({posted for _, posted in told}), "before, not after"
        told.clear()
        intents.settled(exchange(30, 1, A))
        gateway.say(Wake())
        gateway.until_idle()
        assert told == [(False, 30)]
    intents.close()


def test_what_was_written_before_the_gateways_end_is_posted_after_it(tmp_path):
    intents = Intents(tmp_path, 1, clock=FakeClock(), segment_bytes=500)
    journal = FlakyJournal()
    with posting(tmp_path, journal, delay_s=60.0) as gateway:
        gateway.until_idle()
        for number in range(30):
            intents.settled(exchange(number, 1, A))
    assert journal.accounts == {A[0]: 30}
    intents.close()


def test_an_answer_counts_what_was_settled_before_the_question(tmp_path):
    intents = Intents(tmp_path, 1, clock=FakeClock())
    with posting(tmp_path, FlakyJournal(), delay_s=60.0) as gateway:
        gateway.until_idle()
        for number in range(20):
            intents.settled(exchange(number, 1, A))
            gateway.say(Ask(number, A))
            said = gateway.hear()
            while not isinstance(said, Posted):
                said = gateway.hear()
            assert said == Posted(number, {A[0]: number + 1})
    intents.close()


def test_a_hurry_ends_the_wait_for_company(tmp_path):
    intents = Intents(tmp_path, 1, clock=FakeClock())
    with posting(tmp_path, FlakyJournal(), delay_s=60.0) as gateway:
        gateway.until_idle()
        intents.settled(exchange(1))
        gateway.say(Wake(), Hurry())
        assert gateway.hear() == Applied(1, 1, 0, False, False)
    intents.close()


def test_what_is_settled_while_it_posts_waits_for_company(tmp_path):
    """A busy gateway is followed in steps of the delay, not in as many as there can be."""
    intents = Intents(tmp_path, 1, clock=FakeClock())

    class Slow(FlakyJournal):
        def post(self, segment: str, upto: int, exchanges: Sequence[Exchange]) -> None:
            super().post(segment, upto, exchanges)
            for number in range(10):
                intents.settled(exchange(self.calls * 10 + number))

    intents.settled(exchange(1))
    journal = Slow()
    with posting(tmp_path, journal, delay_s=60.0) as gateway:
        assert gateway.hear() == Applied(1, 1, 0, False, False)
        for calls in (2, 3):
            gateway.say(Hurry())
            assert gateway.hear() == Applied(1, (calls - 1) * 10 + 1, 0, False, False)
            assert journal.calls == calls
    intents.close()


def test_it_goes_on_where_the_journal_is(tmp_path):
    intents = Intents(tmp_path, 1, clock=FakeClock())
    journal = FlakyJournal()
    for number in range(4):
        intents.settled(exchange(number, 1, A))
    journal.post("0000000001.intents", 2, [exchange(0, 1, A), exchange(1, 1, A)])
    with posting(tmp_path, journal) as gateway:
        assert gateway.until_idle() == Applied(1, 4, 0, False, True)
    assert journal.accounts == {A[0]: 4}
    assert journal.applied() == {"0000000001.intents": 4}
    intents.close()


def test_a_database_that_is_down_is_told_each_time_and_tried_again(tmp_path):
    intents = Intents(tmp_path, 1, clock=FakeClock())
    intents.settled(exchange(1, 1, A))
    journal = FlakyJournal()
    journal.down = True
    with posting(tmp_path, journal) as gateway:
        assert [gateway.hear() for _ in range(3)] == [Applied(0, 0, 0, True, False)] * 3
        gateway.say(Ask(1, A))
        said = gateway.hear()
        while not isinstance(said, Posted):
            said = gateway.hear()
        assert said == Posted(1, None, "down")
        journal.down = False
        assert gateway.until_idle() == Applied(1, 1, 0, False, True)
    assert journal.accounts == {A[0]: 1}
    intents.close()


def test_a_segment_is_deleted_and_forgotten_when_it_is_told_so(tmp_path):
    intents = Intents(tmp_path, 1, clock=FakeClock(), segment_bytes=1)
    journal = FlakyJournal()
    with posting(tmp_path, journal) as gateway:
        for number in range(2):
            intents.settled(exchange(number))
        gateway.say(Hurry())
        while gateway.until_idle().segment != 2:
            pass  # it may have been idle before the records came
        gateway.say(Drop("0000000001.intents"), Drop("never.intents"), Ask(1, ()))
        while not isinstance(gateway.hear(), Posted):
            pass
    assert [path.name for path in listed(tmp_path)] == ["0000000002.intents"]
    assert list(journal.applied()) == ["0000000002.intents"]
    intents.close()


def test_a_segment_with_a_record_set_aside_is_kept(tmp_path):
    class Picky(MemoryJournal):
        def repost(self, exchanges: Sequence[Exchange]) -> int:
            if any(each.exchange_id == "exc-1" for each in exchanges):
                raise Bug("no")
            return super().repost(exchanges)

    intents = Intents(tmp_path, 1, clock=FakeClock(), segment_bytes=1)
    for number in range(3):
        intents.settled(exchange(number))
    journal = Picky()
    with posting(tmp_path, journal) as gateway:
        assert gateway.until_idle() == Applied(3, 1, 1, False, True)
        names = [path.name for path in listed(tmp_path)]
        gateway.say(*map(Drop, names), Ask(1, ()))
        while not isinstance(gateway.hear(), Posted):
            pass
    assert [path.name for path in listed(tmp_path)] == names[1:2]
    intents.close()


def test_a_line_that_can_not_be_read_keeps_its_segment_for_the_operator(tmp_path):
    intents = Intents(tmp_path, 1, clock=FakeClock())
    intents.settled(exchange(1))
    path = path_of(tmp_path, 1)
    path.write_bytes(path.read_bytes() + b"garbage\n")
    intents.settled(exchange(2))
    journal = FlakyJournal()
    with posting(tmp_path, journal) as gateway:
        assert gateway.until_idle() == Applied(1, 2, 1, False, True)
        gateway.say(Drop(path.name), Ask(1, ()))
        while not isinstance(gateway.hear(), Posted):
            pass
    assert path.exists()
    assert sorted(journal.lines) == ["att-1", "att-2"]
    assert journal.applied() == {path.name: 1}
    intents.close()


@pytest.mark.parametrize("filed", [True, False])
def test_what_is_carried_is_posted_once_whether_the_files_have_it_or_not(tmp_path, filed):
    intents = Intents(tmp_path, 1, clock=FakeClock())
    intents.dispatch(mark(1, A))
    full = msgspec.structs.replace(exchange(1, 5, A), request_body=b"ask")
    journal = FlakyJournal()
    with posting(tmp_path, journal) as gateway:
        gateway.until_idle()
        if filed:
            intents.settled(full)
        gateway.say(Carry(9, full))
        said = gateway.hear()
        while not isinstance(said, Taken):
            said = gateway.hear()
        assert said == Taken(9, False)
        gateway.say(Carry(10, full))  # again, as after a death
        while not isinstance(gateway.hear(), Taken):
            pass
    assert journal.accounts == {A[0]: 5}
    assert journal.contents == {"exc-1": (b"ask", None)}
    assert journal.calls == (1 if filed else 0)
    intents.close()


def test_a_file_that_can_not_be_read_ends_it(tmp_path, monkeypatch):
    def refuse(tail: Tail) -> None:
        raise PermissionError("no")

    monkeypatch.setattr(Tail, "read", refuse)
    ours, theirs = socket.socketpair()
    with pytest.raises(PermissionError):
        Poster(tmp_path, FlakyJournal(), theirs, monotonic=time.monotonic, delay_s=0.0).run()
    ours.close()
    theirs.close()
