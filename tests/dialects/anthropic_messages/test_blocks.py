from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.loss import Loss
from waypost.core.request import (
    Citation,
    Opaque,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from waypost.dialects.anthropic_messages.blocks import (
    parse_block,
    parse_tool_result,
    render_part,
    safe_id,
    tool_input,
)
from waypost.errors import Unrepresentable

WHERE = "messages[3].content[1]"


def render(part: Part, answer: bool = False) -> tuple[Any, tuple[str, ...]]:
    loss = Loss()
    shown = render_part(part, WHERE, loss, answer=answer)
    return (None if shown is None else msgspec.json.decode(msgspec.json.encode(shown))), loss.names


@pytest.mark.parametrize(
    "raw",
    [
        b"7",
        b"{}",
        b'{"type":7}',
        b'{"type":"text"}',
        b'{"type":"thinking","thinking":1}',
        b'{"type":"redacted_thinking"}',
        b'{"type":"tool_use","id":"a","name":"b","input":"c"}',
        b'{"type":"tool_use","name":"b","input":{}}',
        b'{"type":"image","source":{"type":"text","media_type":"text/plain","data":"x"}}',
        b'{"type":"document","source":{"type":"text","media_type":"text/html","data":"x"}}',
        b'{"type":"image","source":{"type":"url","url":"u","x":"y"}}',
        b'{"type":"server_tool_use","id":"s","name":"web_search","input":{}}',
    ],
)
def test_what_the_core_has_no_word_for_is_kept(raw: bytes) -> None:
    part = parse_block(msgspec.Raw(raw))
    assert part == Opaque("anthropic_messages", msgspec.Raw(raw), "content")
    assert render(part)[0] == msgspec.json.decode(raw)


def test_thinking_goes_back_to_its_maker_only() -> None:
    ours = Thinking("hm", "sig", maker="anthropic-claude-v1")
    assert render(ours) == ({"type": "thinking", "thinking": "hm", "signature": "sig"}, ())
    unsigned = Thinking("hm", None, maker="anthropic-claude-v1")
    assert render(unsigned) == ({"type": "thinking", "thinking": "hm"}, ())
    empty = Thinking("hm", "", maker="anthropic-claude-v1")
    assert render(empty) == ({"type": "thinking", "thinking": "hm"}, ())
    assert render(empty, answer=True)[0] == {"type": "thinking", "thinking": "hm", "signature": ""}
    hidden = Thinking("", "enc", maker="anthropic-claude-v1", redacted=True)
    assert render(hidden) == ({"type": "redacted_thinking", "data": "enc"}, ())
    beside = Thinking("hm", "enc", maker="anthropic-claude-v1", redacted=True)
    assert render(beside) == ({"type": "redacted_thinking", "data": "enc"}, ("messages[3].thinking",))
    for part in (
        Thinking("hm"),
        Thinking("hm", "sig", maker="openai-responses-v1"),
        Thinking("", "enc", maker="openai-responses-v1", redacted=True),
    ):
        assert render(part) == (None, ("messages[3].thinking",))
    # A signature that belongs to the part before it is no thinking.
    assert render(Thinking("", "sig", maker="google-gemini-v1")) == (None, ())


def test_texts() -> None:
    assert render(Text(" \n")) == (None, ())
    assert render(Refusal("no")) == ({"type": "text", "text": "no"}, ())
    cited = Text("a", citations=(Citation(url="u"),))
    assert render(cited) == ({"type": "text", "text": "a"}, ("messages[3].citations",))
    assert render(cited, answer=True)[0]["citations"][0]["url"] == "u"


def test_calls() -> None:
    signed = ToolCall("functions.f:0", "f", '{"a": 1}', signature="s", maker="google-gemini-v1")
    shown = {"type": "tool_use", "id": "functions_f_0", "name": "f", "input": {"a": 1}}
    assert render(signed) == (shown, ())
    assert bytes(tool_input(ToolCall("a", "f", " "))) == b"{}"
    assert bytes(tool_input(ToolCall("a", "f", '{"a": 1.50}'))) == b'{"a": 1.50}'
    assert bytes(tool_input(ToolCall("a", "f", "[1]"))) == b'{"INVALID_JSON":"[1]"}'
    assert safe_id("toolu_01-A") == "toolu_01-A"


def test_results() -> None:
    result = ToolResult("a:b", (Text("x"), Text("")), is_error=True, name="f")
    assert render(result)[0] == {
        "type": "tool_result",
        "tool_use_id": "a_b",
        "content": [{"type": "text", "text": "x"}],
        "is_error": True,
    }
    assert render(ToolResult("a", ()))[0] == {"type": "tool_result", "tool_use_id": "a"}
    for fields in (
        b'{"type":"tool_result"}',
        b'{"type":"tool_result","tool_use_id":7,"content":"x"}',
        b'{"type":"tool_result","tool_use_id":"a","content":7}',
    ):
        assert parse_tool_result(msgspec.json.decode(fields, type=dict[str, msgspec.Raw])) is None


def test_parts_of_other_dialects() -> None:
    with pytest.raises(Unrepresentable) as caught:
        render(Opaque("openai_chat", msgspec.Raw(b"{}")))
    assert caught.value.param == WHERE
    dropping = Loss(drop=True)
    inner = ToolResult("a", (Opaque("openai_chat", msgspec.Raw(b"{}")),))
    assert render_part(inner, WHERE, dropping) == {"type": "tool_result", "tool_use_id": "a"}
    assert dropping.names == (f"{WHERE}.content[0]",)


def test_hidden_reasoning_without_what_hides_it_is_named() -> None:
    loss = Loss()
    part = Thinking("hm", None, maker="anthropic-claude-v1", redacted=True)
    assert render_part(part, "messages[1].content[0]", loss) is None
    assert loss.names == ("messages[1].thinking",)
