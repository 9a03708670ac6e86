from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialects.bedrock_converse.frames import pieces
from dialects.golden import cases, sse
from waypost.core.asked import Asked
from waypost.core.usage import Usage
from waypost.dialects.cohere.relay import CohereRelay
from waypost.dialects.sse import SseParser
from waypost.errors import Failed, Garbled, Overloaded, Truncated

ASKED = Asked("m", True, {}, wants_usage=True, input_estimate=7)
CASES = {case.id: case.values[0]["events"] for case in cases("cohere_chat", "streams")}


def relay() -> CohereRelay:
    return CohereRelay(ASKED, lambda usage, tier: usage.input + 10 * usage.output)


def datas(raw: bytes) -> list[Any]:
    return [msgspec.json.decode(event.data) for event in SseParser().feed(raw) if event.data is not None]


@given(st.lists(st.integers(0, 5000), max_size=8))
def test_any_split_passes_the_same(cuts: list[int]) -> None:
    passing = relay()
    stream = sse(CASES["plain"])
    out = b"".join(map(passing.feed, pieces(stream, cuts)))
    assert datas(out)[:-1] == CASES["plain"][:-1]
    last = datas(out)[-1]["delta"]
    assert last["usage"] == {**CASES["plain"][-1]["delta"]["usage"], "cost": 4.185e-06}
    assert passing.finished
    assert passing.usage == Usage(input=5, output=418, cache_read=2)
    assert (passing.finish_reason, passing.deltas) == ("COMPLETE", 2)


def test_what_commits() -> None:
    passing = relay()
    events = CASES["plain"]
    passing.feed(sse(events[:2]))
    assert not passing.committed
    passing.feed(sse(events[2:3]))
    assert passing.committed
    planning = relay()
    planning.feed(sse(CASES["tools"][:2]))
    assert planning.committed


def test_no_counts_are_estimated_and_marked() -> None:
    passing = relay()
    last = datas(passing.feed(sse(CASES["no_usage"])))[-1]
    assert last["delta"]["usage"]["estimated"] is True
    assert passing.usage is None


def test_failures() -> None:
    for name, expected in (("error", Failed), ("cut", Truncated)):
        passing = relay()
        passing.feed(sse(CASES[name]))
        passing.end()
        assert isinstance(passing.failure, expected)
        assert not passing.finished


@pytest.mark.parametrize("bad", [b"data: <html>\n\n", b"data: 7\n\n"])
def test_garbage(bad: bytes) -> None:
    passing = relay()
    assert passing.feed(bad) == b""
    assert isinstance(passing.failure, Garbled)


def test_pings_pass() -> None:
    assert relay().feed(b": ping\n\n") == b": ping\n\n"
    assert b"busy" in relay().fail(Overloaded("busy"))
