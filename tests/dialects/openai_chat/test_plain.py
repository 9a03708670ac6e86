"""What is read and written in one step, and what is left to the general way. That both make the same of it:
`tests/dialects/test_plain.py`."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dialects.nearly import ANSWERS_USUAL, USUAL
from waypost.core.quirks import Quirks
from waypost.core.request import ChatRequest, Extras, Message, Sampling, Text
from waypost.core.response import Choice, Finish
from waypost.dialects.fields import parse_object
from waypost.dialects.openai_chat.plain import parse_choice, parse_plain, render_plain

USUAL_REQUEST = USUAL["openai_chat"]


def parsed(**change: Any) -> ChatRequest | None:
    return parse_plain(parse_object(msgspec.json.encode(USUAL_REQUEST | change)))


def test_a_usual_request_is_read() -> None:
    assert parsed() == ChatRequest(
        "m",
        (Message("system", (Text("Short."),)), Message("user", (Text("Hi"),))),
        sampling=Sampling(0.5),
        max_output=9,
        stream=True,
        wants_usage=True,
        extras=Extras("openai_chat", {}, "max_tokens"),
    )


@pytest.mark.parametrize(
    "change",
    [
        {"tools": []},
        {"temperature": None},
        {"max_completion_tokens": 9},
        {"stream_options": {}},
        {"messages": [{"role": "tool", "content": "a"}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]}]},
        {"messages": [{"role": "user", "content": "a", "name": "b"}]},
    ],
)
def test_others_are_left(change: dict[str, Any]) -> None:
    assert parsed(**change) is None


def test_a_request_is_written_for_a_target() -> None:
    request = ChatRequest("m", (Message("developer", (Text("Hi"),)),), max_output=9, stream=True)
    quirks = Quirks(max_tokens_field="max_completion_tokens")
    assert render_plain(request, quirks) == (
        b'{"model":"m","messages":[{"role":"system","content":"Hi"}],"stream":true,"max_completion_tokens":9,'
        b'"stream_options":{"include_usage":true}}'
    )
    assert render_plain(request, Quirks(drop=("stream",))) is None


def test_an_answer_of_one_text_is_read() -> None:
    [choice] = ANSWERS_USUAL["openai_chat"]["choices"]
    left = {"logprobs": msgspec.Raw(b"null"), "message": msgspec.Raw(b'{"refusal":null,"annotations":[]}')}
    assert parse_choice(msgspec.Raw(msgspec.json.encode([choice]))) == Choice(
        0, (Text("Hi"),), Finish.STOP, Extras("openai_chat", left)
    )
    for other in ([], [choice, choice], [choice | {"finish_reason": "tool_calls"}]):
        assert parse_choice(msgspec.Raw(msgspec.json.encode(other))) is None
