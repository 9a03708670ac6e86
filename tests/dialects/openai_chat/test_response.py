from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dialects.golden import cases
from waypost.core.request import Text, Thinking, ToolCall
from waypost.core.response import ChatResponse, Choice, Finish
from waypost.core.usage import Usage
from waypost.dialects.openai_chat.response import parse_response, render_response
from waypost.errors import Garbled


@pytest.mark.parametrize("case", cases("openai_chat", "responses"))
def test_golden_round_trip(case: Any) -> None:
    body = case["body"]
    assert msgspec.json.decode(render_response(parse_response(msgspec.json.encode(body)))) == body


def test_what_the_core_sees() -> None:
    body = {
        "id": "r",
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "a",
                    "reasoning_content": "b",
                    "tool_calls": [
                        {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{"}}
                    ],
                },
                "finish_reason": "tool_calls",
            }
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2},
    }
    response = parse_response(msgspec.json.encode(body))
    assert response.choices[0].parts == (Thinking("b"), Text("a"), ToolCall("c", "f", "{"))
    assert response.choices[0].finish is Finish.TOOLS
    assert response.usage == Usage(input=1, output=2)


def test_an_answer_of_another_dialect_is_complete() -> None:
    response = ChatResponse(
        "r", "m", (Choice(0, (Text("a"),), Finish.REFUSED),), usage=Usage(input=1, output=2, cache_read=1)
    )
    shown = msgspec.json.decode(render_response(response))
    assert shown["object"] == "chat.completion"
    assert shown["created"] == 0
    assert shown["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "a"},
            "finish_reason": "content_filter",
            "native_finish_reason": "refusal",
        }
    ]
    assert shown["usage"]["prompt_tokens_details"]["cached_tokens"] == 1


@pytest.mark.parametrize("body", [b"{}", b'{"choices":7}', b'{"choices":[7]}'])
def test_garbled(body: bytes) -> None:
    with pytest.raises(Garbled):
        parse_response(body)
