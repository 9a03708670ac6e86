"""What is read and written in one step, and what is left to the general way. That both make the same of it:
`tests/dialects/test_plain.py`."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dialects.nearly import USUAL, anthropic_event
from waypost.core.asked import Stamp
from waypost.core.quirks import Quirks
from waypost.core.request import ChatRequest, Extras, Message, Sampling, Text
from waypost.core.response import ChatResponse, Choice, Finish
from waypost.core.usage import Usage
from waypost.dialects.anthropic_messages.plain import (
    parse_blocks,
    parse_plain,
    read_delta,
    render_answer,
    render_plain,
)
from waypost.dialects.fields import parse_object

WRITTEN = Extras("anthropic_messages", {}, "text")


def parsed(**change: Any) -> ChatRequest | None:
    return parse_plain(parse_object(msgspec.json.encode(USUAL["anthropic_messages"] | change)))


def test_a_usual_request_is_read() -> None:
    assert parsed() == ChatRequest(
        "m",
        (Message("system", (Text("Short."),), WRITTEN), Message("user", (Text("Hi"),), WRITTEN)),
        sampling=Sampling(0.5),
        max_output=9,
        stream=True,
        wants_usage=True,
        user="u",
        extras=Extras("anthropic_messages", {}, "own"),
    )


@pytest.mark.parametrize(
    "change",
    [
        {"tools": []},
        {"system": ""},
        {"system": [{"type": "text", "text": "a"}]},
        {"metadata": {}},
        {"messages": [{"role": "user", "content": ""}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]}]},
    ],
)
def test_others_are_left(change: dict[str, Any]) -> None:
    assert parsed(**change) is None


@pytest.mark.parametrize(
    ("change", "written"),
    [
        ({}, True),
        ({"sampling": Sampling(1.5)}, False),
        ({"sampling": Sampling(0.5, 0.5)}, False),
        ({"sampling": Sampling(stop=("a",))}, False),
        ({"model": "claude-opus-4-7", "sampling": Sampling()}, True),
        ({"model": "claude-opus-4-7"}, False),
        ({"messages": (Message("user", (Text(" "),)),)}, False),
        ({"messages": (Message("user", (Text("a"),)), Message("assistant", (Text("b"),)))}, False),
        ({"messages": (Message("user", (Text("a"),)), Message("system", (Text("b"),)))}, False),
    ],
)
def test_a_request_is_written_when_nothing_of_it_has_to_go(change: dict[str, Any], written: bool) -> None:
    request = ChatRequest("claude-sonnet-4-5", (Message("user", (Text("Hi"),)),), sampling=Sampling(0.5))
    body = render_plain(msgspec.structs.replace(request, **change), Quirks())
    assert (body is not None) is written


def test_blocks_of_text_are_read() -> None:
    both = msgspec.Raw(b'[{"type":"text","text":"a"},{"type":"text","text":"b","citations":null}]')
    assert parse_blocks(both) == (Text("a"), Text("b"))
    assert parse_blocks(msgspec.Raw(b'[{"type":"thinking","thinking":"a"}]')) is None


def test_an_answer_of_one_text_is_written() -> None:
    answer = ChatResponse("r", "m", (Choice(0, (Text("Hi"),), Finish.LENGTH),), usage=Usage(1, 2))
    body = render_answer(answer, None, Stamp("x", 1))
    assert body is not None
    assert msgspec.json.decode(body)["stop_reason"] == "max_tokens"
    filtered = msgspec.structs.replace(answer, choices=(Choice(0, (Text("Hi"),), Finish.FILTERED),))
    assert render_answer(filtered, None, Stamp("x", 1)) is None


def test_an_event_with_more_of_a_text_is_read() -> None:
    event = anthropic_event("content_block_delta", index=1, delta={"type": "text_delta", "text": "a"})
    assert read_delta(event) == (1, "a")
    for other in (event + event, event[:-1], event.replace(b"\n", b"\r\n"), event.replace(b"text_", b"t_")):
        assert read_delta(other) is None
