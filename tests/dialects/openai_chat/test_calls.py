from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dialects.openai_chat.saying import say
from waypost.core.request import Extras, Opaque, ToolCall
from waypost.dialects.openai_chat.calls import put_calls, render_call, take_calls
from waypost.dialects.openai_chat.crossing import CROSSING
from waypost.dialects.openai_chat.own import Taking
from waypost.dialects.taking import Json

SIGNED: Json = {
    "id": "c",
    "type": "function",
    "function": {"name": "f", "arguments": "{}"},
    "extra_content": {"google": {"thought_signature": "s"}},
}


def taking(fields: dict[str, Any]) -> Taking:
    return Taking({name: msgspec.Raw(msgspec.json.encode(value)) for name, value in fields.items()})


def test_geminis_signature_of_a_call_goes_both_ways() -> None:
    [call] = take_calls(taking({"tool_calls": [SIGNED]}))
    assert call == ToolCall("c", "f", "{}", None, "s", "google-gemini-v1")
    assert isinstance(call, ToolCall)
    assert render_call(call, say("thought_signature")) == SIGNED
    assert "extra_content" not in render_call(call, say())


def test_what_the_sdks_leave_in_a_streamed_call_is_not_part_of_it() -> None:
    """openai-python 3.52.0, `ParsedFunctionToolCall`: the final completion of `chat.completions.stream`."""
    function = {"name": "f", "arguments": "{}", "parsed_arguments": {"a": 1}}
    call = {"id": "c", "type": "function", "index": 1, "function": function}
    [taken] = take_calls(taking({"tool_calls": [call]}))
    assert isinstance(taken, ToolCall)
    assert (taken.call_id, taken.name, taken.arguments) == ("c", "f", "{}")
    # Its place comes back in this dialect alone, and is no loss elsewhere.
    assert b"1" in CROSSING.neutral["index"]


def test_nobody_elses_signature_is_sent() -> None:
    call = ToolCall("c", "f", "{}", None, "s", "anthropic-claude-v1")
    assert "extra_content" not in render_call(call, say("thought_signature"))


def test_function_call_gets_an_id_and_its_own_field_again() -> None:
    found = taking({"function_call": {"name": "f", "arguments": "{}"}})
    calls = take_calls(found, "function_call_3")
    assert calls == [ToolCall("function_call_3", "f", "{}", Extras("openai_chat", {}, "function_call"))]
    assert found.rest == {}
    out: Json = {}
    put_calls(out, calls, say())
    assert out == {"function_call": {"name": "f", "arguments": "{}"}}


def test_who_asked_with_functions_gets_the_first_call_where_it_looks_for_it() -> None:
    out: Json = {}
    put_calls(out, [ToolCall("a", "f", ""), ToolCall("b", "g", "1")], say(), old=True)
    assert out["function_call"] == {"name": "f", "arguments": "{}"}
    assert [call["id"] for call in out["tool_calls"]] == ["b"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("wire", [7, {"id": "c", "type": "custom", "custom": {"name": "x", "input": ""}}])
def test_other_calls_are_opaque(wire: Any) -> None:
    [call] = take_calls(taking({"tool_calls": [wire]}))
    assert isinstance(call, Opaque)
    out: Json = {}
    put_calls(out, [call], say())
    assert msgspec.json.decode(msgspec.json.encode(out)) == {"tool_calls": [wire]}
