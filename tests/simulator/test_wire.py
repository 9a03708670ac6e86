from hypothesis import given
from hypothesis import strategies as st

from simulated import split_head, unchunk
from waypost.simulator.wire import Made, Piece, Wire, frame, head_bytes


def test_a_whole_answer_is_one_write() -> None:
    script = frame(Wire(200, [(b"a", b"b")], [Piece("whole", b"body", 2.0, Made(3))], head_due_s=2.0))
    (write,) = script.writes
    assert write.data == b"HTTP/1.1 200 OK\r\na: b\r\ncontent-length: 4\r\n\r\nbody"
    assert (write.due_s, write.made) == (2.0, Made(3))


@given(st.lists(st.tuples(st.binary(min_size=1), st.floats(0, 10)), max_size=8))
def test_a_stream_keeps_its_bytes_and_never_goes_back_in_time(parts: list[tuple[bytes, float]]) -> None:
    pieces = [Piece("token", data, due, Made(1)) for data, due in parts]
    head, *writes = frame(Wire(200, [], pieces, "chunked")).writes
    assert split_head(head.data)[1] == {"transfer-encoding": "chunked"}
    assert unchunk(b"".join([write.data for write in writes])) == b"".join([data for data, _ in parts])
    assert [write.due_s for write in writes] == sorted(write.due_s for write in writes)
    assert sum(write.made.output for write in writes if write.made) == len(parts)


def test_a_stream_that_hangs_has_no_last_chunk() -> None:
    writes = list(frame(Wire(200, [], [Piece("token", b"x")], "chunked", "hang")).writes)
    assert writes[-1].data == b"1\r\nx\r\n"


def test_flat_adds_up() -> None:
    wire = Wire(200, [], [Piece("token", b"a", 1.0, Made(1)), Piece("token", b"b", 2.0, Made(3, 2, 1))])
    assert wire.flat() == (b"ab", 2.0, Made(4, 2, 1))


def test_unknown_statuses_have_a_reason() -> None:
    assert head_bytes(Wire(799, [], []), []) == b"HTTP/1.1 799 Simulated\r\n\r\n"
