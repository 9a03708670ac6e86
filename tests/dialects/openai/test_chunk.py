from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.dialects.openai.chunk import Chunk, Frame, count_ordinary

ORDINARY = (
    b'data: {"choices":[{"index":0,"delta":{"content":"say \\\\ usage error"},"finish_reason":null}],'
    b'"usage": null}\n\n'
)


def test_ordinary_events_are_counted() -> None:
    assert count_ordinary(ORDINARY) == 1
    assert count_ordinary(ORDINARY * 4) == 4


@pytest.mark.parametrize(
    "change",
    [
        (b'"finish_reason":null', b'"finish_reason": "stop"'),
        (b'"usage": null', b'"usage" : {"prompt_tokens":1}'),
        (b'"usage": null', b'"error":{"message":"x"}'),
        (b'"content":"say', b'"content":"","x":"say'),
        (b"}\n\n", b"}\n"),
        (b"}\n\n", b"}\r\n\r\n"),
        (b"}\n\n", b"}\n\n: ping\n\n"),
        (b"data: {", b": ping\n\ndata: {"),
        (b"data: {", b"event: x\ndata: {"),
        (b"data: {", b"data:{"),
        (b"}\n\n", b"}\nid: 1\n\n"),
        (b"}\n\n", b"}\n\ndata: [DONE]\n\n"),
        (b'"delta"', b'\r\r"delta"'),
    ],
)
def test_anything_else_is_not(change: tuple[bytes, bytes]) -> None:
    assert count_ordinary(ORDINARY.replace(*change)) == 0
    assert count_ordinary(ORDINARY + ORDINARY.replace(*change) + ORDINARY) == 0


def learnt() -> Frame:
    frame = Frame()
    frame.learn(ORDINARY.replace(b"say \\\\ usage error", b"hello"))
    return frame


@pytest.mark.parametrize(
    "text", [b"x", b" river", b"\xc3\xa9", b"data: {", b"a\\nb", b"\\u0000 finish_reason"]
)
def test_another_text_in_a_known_frame_is_ordinary(text: bytes) -> None:
    event = ORDINARY.replace(b"say \\\\ usage error", text)
    assert learnt().holds(event)
    assert count_ordinary(event) == 1


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b'"',
        b"ends in \\",
        b'said \\"x\\"',
        b'x"},"finish_reason":"stop","delta":{"content":"y',
        b"two\nlines",
        b"two\rlines",
        b"x\n\ndata: {}\n\n",
    ],
)
def test_a_text_that_could_be_more_than_text_is_looked_at(text: bytes) -> None:
    assert not learnt().holds(ORDINARY.replace(b"say \\\\ usage error", text))


@pytest.mark.parametrize("change", [(b"null", b'"stop"'), (b'"index":0', b'"index":1'), (b"}\n\n", b"}\n")])
def test_anything_else_is_out_of_the_frame(change: tuple[bytes, bytes]) -> None:
    assert not learnt().holds(ORDINARY.replace(*change))


def test_a_frame_is_learnt_a_few_times_only() -> None:
    frame = Frame()
    assert not frame.holds(ORDINARY)
    frame.learn(b'data: {"choices":[{"text":"completions have none"}]}\n\n')
    for number in range(6):
        event = b'data: {"id":%d,"delta":{"content":"x"}}\n\n' % number
        frame.learn(event)
        assert frame.holds(event) is (number < 4)


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_what_a_frame_holds_is_always_ordinary(first: bytes, second: bytes) -> None:
    frame = Frame()
    events = [ORDINARY.replace(b"say \\\\ usage error", text) for text in (first, second)]
    if count_ordinary(events[0]) == 1:
        frame.learn(events[0])
        if frame.holds(events[1]):
            assert count_ordinary(events[1]) == 1


def test_content_size() -> None:
    body = (
        b'{"choices":[{"delta":{"role":"assistant","content":"","x":null,"tool_calls":[]}},'
        b'{"text":"\xc3\xa9"},{"delta":{"content":"ab"}}]}'
    )
    chunk = msgspec.json.decode(body, type=Chunk)
    assert [choice.content_size() for choice in chunk.choices or []] == [0, 2, 2]
    assert not chunk.has_usage()
    assert not chunk.has_error()
