from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from effort import examples
from ledger.books import FakeClock, checkpoint, exchange, mark
from waypost.core.record import Exchange
from waypost.ledger.intents import Intents
from waypost.ledger.segments import Kind, path_of, render
from waypost.ledger.tail import Piece, Tail


def everything(tail: Tail) -> list[Piece]:
    pieces = []
    while (piece := tail.read()) is not None:
        pieces.append(piece)
    return pieces


def settled(pieces: list[Piece]) -> list[Exchange]:
    return [exchange for piece in pieces for _, exchange in piece.settled]


def test_an_empty_folder_has_nothing(tmp_path):
    tail = Tail(tmp_path, {})
    assert tail.read() is None
    tail.close()
    tail.close()


def test_what_is_appended_is_read_once_and_numbered_by_line(tmp_path):
    intents = Intents(tmp_path, 1, clock=FakeClock())
    tail = Tail(tmp_path, {})
    intents.dispatch(mark(1))
    intents.checkpoint(checkpoint(1, 5))
    intents.settled(exchange(1))
    (piece,) = everything(tail)
    assert (piece.segment, piece.number, piece.upto, piece.handled) == ("0000000001.intents", 1, 3, 1)
    assert piece.settled == [(3, exchange(1))]
    assert tail.read() is None

    intents.settled(exchange(2))
    (piece,) = everything(tail)
    assert (piece.upto, piece.handled, piece.settled) == (4, 2, [(4, exchange(2))])
    intents.close()
    tail.close()


def test_what_the_journal_has_is_counted_and_not_read_again(tmp_path):
    intents = Intents(tmp_path, 1, clock=FakeClock())
    for number in range(4):
        intents.settled(exchange(number))
    intents.close()
    (piece,) = everything(Tail(tmp_path, {"0000000001.intents": 2}))
    assert (piece.handled, settled([piece])) == (4, [exchange(2), exchange(3)])


def test_it_goes_from_file_to_file_over_those_that_are_gone(tmp_path):
    intents = Intents(tmp_path, 1, clock=FakeClock(), segment_bytes=1)
    tail = Tail(tmp_path, {})
    for number in range(5):
        intents.settled(exchange(number))
    path_of(tmp_path, 3).unlink()
    assert settled(everything(tail)) == [exchange(0), exchange(1), exchange(3), exchange(4)]
    path_of(tmp_path, 5).unlink()  # the one it reads: it is open
    intents.settled(exchange(5))
    assert settled(everything(tail)) == [exchange(5)]
    intents.close()


def test_a_line_that_is_not_whole_waits_for_its_end(tmp_path):
    line = render(Kind.SETTLED, b"[]")
    path = path_of(tmp_path, 1)
    path.write_bytes(line[:7])
    tail = Tail(tmp_path, {})
    assert tail.read() is None
    path.write_bytes(line[:-1])
    assert tail.read() is None
    path.write_bytes(b"")  # cut off by the gateway, for the disk was full
    assert tail.read() is None
    intents = Intents(tmp_path, 2, clock=FakeClock())
    intents.settled(exchange(1))
    assert settled(everything(tail)) == [exchange(1)]
    intents.close()


def test_what_a_full_disk_left_at_the_end_of_a_file_is_passed_over(tmp_path):
    path_of(tmp_path, 1).write_bytes(render(Kind.NOTE, b"null") + b"0123")
    path_of(tmp_path, 2).write_bytes(render(Kind.NOTE, b"null"))
    assert [(piece.number, piece.upto, piece.damaged) for piece in everything(Tail(tmp_path, {}))] == [
        (1, 1, []),
        (2, 1, []),
    ]


@pytest.mark.parametrize("broken", [b"00000000 S []\n", render(Kind.SETTLED, b'["too short"]'), b"\n"])
def test_a_line_that_can_not_be_read_is_told_and_stops_nothing(tmp_path, broken):
    intents = Intents(tmp_path, 1, clock=FakeClock())
    intents.settled(exchange(1))
    path = path_of(tmp_path, 1)
    path.write_bytes(path.read_bytes() + broken)
    intents.settled(exchange(2))
    (piece,) = everything(Tail(tmp_path, {}))
    assert (settled([piece]), piece.damaged) == ([exchange(1), exchange(2)], [2])
    intents.close()


def test_it_is_told_whether_there_is_more_behind_a_piece(tmp_path, monkeypatch):
    intents = Intents(tmp_path, 1, clock=FakeClock(), segment_bytes=2_000)
    for number in range(30):
        intents.settled(exchange(number))
    monkeypatch.setattr("waypost.ledger.tail._READ_BYTES", 1_000)
    tail = Tail(tmp_path, {})
    pieces = everything(tail)
    assert len(pieces) > len(list(tmp_path.iterdir())) > 1, "several of a file, and several files"
    assert [piece.more for piece in pieces] == [True] * (len(pieces) - 1) + [False]
    intents.settled(exchange(30))
    assert [piece.more for piece in everything(tail)] == [False]
    intents.close()
    tail.close()


def test_a_line_longer_than_one_read(tmp_path, monkeypatch):
    monkeypatch.setattr("waypost.ledger.tail._READ_BYTES", 64)
    intents = Intents(tmp_path, 1, clock=FakeClock())
    for number in range(3):
        intents.settled(exchange(number))
    assert settled(everything(Tail(tmp_path, {}))) == [exchange(number) for number in range(3)]
    intents.close()


@settings(max_examples=examples(60), deadline=None)
@given(steps=st.lists(st.integers(1, 300), min_size=1, max_size=25), size=st.integers(1, 1500))
def test_read_at_any_byte_the_records_are_the_same(tmp_path_factory: pytest.TempPathFactory, steps, size):
    """The files grow by arbitrary pieces while they are followed."""
    whole = tmp_path_factory.mktemp("whole")
    grown = tmp_path_factory.mktemp("grown")
    intents = Intents(whole, 1, clock=FakeClock(), segment_bytes=size)
    for number in range(6):
        intents.dispatch(mark(number))
        intents.settled(exchange(number))
    intents.close()
    tail = Tail(grown, {})
    found: list[Piece] = []
    turn = 0
    for path in sorted(whole.iterdir()):
        data = path.read_bytes()
        copy: Path = grown / path.name
        at = 0
        while at < len(data):
            with copy.open("ab") as file:
                file.write(data[at : at + steps[turn % len(steps)]])
            at += steps[turn % len(steps)]
            turn += 1
            found += everything(tail)
    assert settled(found) == [exchange(number) for number in range(6)]
    assert not any(piece.damaged for piece in found)
    tail.close()
