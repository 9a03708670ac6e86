from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dialects.golden import cases
from waypost.core.request import Text, Thinking, ToolCall
from waypost.core.response import ReplyPart
from waypost.core.usage import Usage
from waypost.dialects.cohere_chat.codec import COHERE_CHAT
from waypost.dialects.cohere_chat.response import parse_response
from waypost.dialects.fields import parse_object
from waypost.errors import Failed, Garbled, Unavailable, UpstreamError


def plain(part: ReplyPart) -> Any:
    if isinstance(part, ToolCall):
        return {"type": "tool_call", "call_id": part.call_id, "name": part.name, "arguments": part.arguments}
    if isinstance(part, Thinking):
        return {"type": "thinking", "text": part.text}
    assert isinstance(part, Text)
    cited = [[c.url, c.title, c.quote, c.start, c.end] for c in part.citations]
    return {"type": "text", "text": part.text} | ({"citations": cited} if cited else {})


@pytest.mark.parametrize("case", cases("cohere_chat", "responses"))
def test_golden(case: Any) -> None:
    assert COHERE_CHAT.codec is not None
    response = COHERE_CHAT.codec.parse_response(msgspec.json.encode(case["body"]))
    [choice] = response.choices
    assert [plain(part) for part in choice.parts] == case["parts"]
    assert choice.finish is not None
    assert choice.finish.value == case["finish"]
    assert response.response_id == "c14c80c3"
    assert response.usage == (None if case["usage"] is None else Usage(**case["usage"]))


@pytest.mark.parametrize(("reason", "expected"), [("ERROR", Failed), ("TIMEOUT", Unavailable)])
def test_a_failure_inside_a_200(reason: str, expected: type[UpstreamError]) -> None:
    body = {"id": "x", "finish_reason": reason, "message": {"role": "assistant"}}
    with pytest.raises(expected) as caught:
        COHERE_CHAT.parse_reply(msgspec.json.encode(body))
    assert caught.value.may_have_billed


def test_garbled() -> None:
    with pytest.raises(Garbled):
        parse_response(parse_object(b'{"message":7}'))
