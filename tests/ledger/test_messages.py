import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.books import exchange
from waypost.core.decision import Considered, Decision, Excluded
from waypost.ledger.messages import (
    Applied,
    Ask,
    Carry,
    Drop,
    Ended,
    Hurry,
    Posted,
    Taken,
    Wake,
    from_writer,
    render,
    to_writer,
)

WHY = Decision((Considered("a/m", "price", 0.5),), (Excluded("b/m", "parked", "why"),), ("note",))
TO_WRITER = [
    Wake(),
    Hurry(),
    Ask(7, ("key:k1:total",)),
    Carry(8, msgspec.structs.replace(exchange(1), request_body=b"\x00\xff", response_body=b"")),
    Carry(9, msgspec.structs.replace(exchange(2), decision=WHY, drill="d-1", request_body=b"{}")),
    Drop("0000000001.intents"),
]
FROM_WRITER = [
    Applied(3, 512, 0, False, True),
    Posted(7, {"key:k1:total": 5}),
    Posted(7, None, "down"),
    Taken(8, True),
    Ended("KeyError"),
]


@given(st.lists(st.integers(1, 50), min_size=1, max_size=30))
def test_messages_arrive_whole_however_they_are_cut(sizes):
    for frames, messages in ((to_writer(), TO_WRITER), (from_writer(), FROM_WRITER)):
        data = b"".join(map(render, messages))
        found, at, turn = [], 0, 0
        while at < len(data):
            size = sizes[turn % len(sizes)]
            found += frames.feed(data[at : at + size])
            at += size
            turn += 1
        assert found == messages


def test_one_is_not_taken_for_the_other():
    with pytest.raises(msgspec.ValidationError):
        from_writer().feed(render(Wake()))
