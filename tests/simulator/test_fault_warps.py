import pytest

from waypost.simulator.fault_warps import bad_chunks, byte_by_byte, lie, one_byte_chunks, pings
from waypost.simulator.models import Behaviour
from waypost.simulator.wire import Made, Piece, Wire

SLOW = Behaviour(gap_ms=1000)


def whole() -> Wire:
    return Wire(200, [(b"a", b"b")], [Piece("whole", b"abc", 5.0, Made(2))], head_due_s=5.0)


def stream() -> Wire:
    return Wire(
        200, [], [Piece("token", b"ab", 0.0, Made(1)), Piece("token", b"cd", 9.0, Made(1))], "chunked"
    )


def test_a_dripped_body_bills_with_its_last_byte() -> None:
    head, *body = byte_by_byte("body")(whole(), SLOW).writes
    assert head.data.endswith(b"\r\n\r\n")
    assert [(write.data, write.due_s) for write in body] == [(b"a", 5.0), (b"b", 6.0), (b"c", 7.0)]
    assert [write.made for write in (head, *body)] == [None, None, None, Made(2)]


def test_a_dripped_stream_keeps_its_framing() -> None:
    plain = b"".join([write.data for write in byte_by_byte("body")(stream(), SLOW).writes])
    assert plain.endswith(b"\r\n\r\n2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n")
    made = [write.made for write in byte_by_byte("body")(stream(), SLOW).writes if write.made]
    assert made == [Made(1), Made(1)]
    due = [write.due_s for write in byte_by_byte("body")(stream(), SLOW).writes]
    assert due == sorted(due)


def test_a_dripped_head_is_followed_by_the_body_at_once() -> None:
    *head, body = byte_by_byte("head")(whole(), SLOW).writes
    assert {len(write.data) for write in head} == {1}
    assert (body.data, body.made) == (b"abc", Made(2))
    assert body.due_s == head[-1].due_s == 5.0 + len(head) - 1


def test_pings_never_end() -> None:
    writes = iter(pings(stream(), SLOW).writes)
    taken = [next(writes) for _ in range(4)]
    assert [write.due_s for write in taken] == [0.0, 0.0, 1.0, 2.0]
    assert {write.made for write in taken} == {None}


def test_one_byte_chunks_bill_each_event_with_its_last_byte() -> None:
    _, *writes = one_byte_chunks(stream(), SLOW).writes
    assert [write.data for write in writes[:2]] == [b"1\r\na\r\n", b"1\r\nb\r\n"]
    assert [write.made for write in writes] == [None, Made(1), None, Made(1), None]


@pytest.mark.parametrize(("extra", "length"), [(10, 13), (-1, 2)])
def test_lies(extra: int, length: int) -> None:
    (write,) = lie(extra, "close")(whole(), SLOW).writes
    assert b"content-length: %d\r\n\r\nabc" % length in write.data


def test_bad_chunks_of_a_short_answer() -> None:
    writes = list(bad_chunks("size")(whole(), SLOW).writes)
    assert writes[-1].data == b"zz\r\nabc\r\n"
    assert {write.made for write in writes} == {None}
