from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.loss import Loss
from waypost.core.request import CacheHint, ChatRequest, Message, Opaque, Text, Tool, ToolCall, ToolChoice
from waypost.dialects.bedrock_converse.own import Taking
from waypost.dialects.bedrock_converse.tools import parse_choice, parse_tools, render_tools
from waypost.dialects.fields import parse_object
from waypost.errors import Unrepresentable

SCHEMA = {"type": "object", "additionalProperties": False}
SPEC = {"toolSpec": {"name": "f", "description": "d", "inputSchema": {"json": SCHEMA}, "strict": True}}
TOOL = Tool("f", "d", msgspec.Raw(msgspec.json.encode(SCHEMA)), True)


def config(value: Any) -> Taking:
    return Taking(parse_object(msgspec.json.encode(value)))


def test_tools_and_their_cache_points() -> None:
    taking = config(
        {"tools": [SPEC, {"cachePoint": {"type": "default", "ttl": "1h"}}, {"systemTool": {"name": "s"}}]}
    )
    first, second = parse_tools(taking)
    assert first == msgspec.structs.replace(TOOL, cache=CacheHint(3600))
    assert isinstance(second, Opaque)
    assert taking.rest == {}


@pytest.mark.parametrize(
    ("wire", "choice"),
    [
        ({"auto": {}}, ToolChoice("auto")),
        ({"any": {}}, ToolChoice("required")),
        ({"tool": {"name": "f"}}, ToolChoice("one", "f")),
        ({"tool": {}}, None),
        ({"new": {}}, None),
        ({"auto": {"x": 1}}, None),
        ({}, None),
    ],
)
def test_choices(wire: Any, choice: ToolChoice | None) -> None:
    taking = config({"toolChoice": wire})
    assert parse_choice(taking) == choice
    assert ("toolChoice" in taking.rest) is (choice is None)


def render(loss: Loss, *, history: bool = False, **asked: Any) -> Any:
    parts = (ToolCall("c", "f", "{}"),) if history else (Text("x"),)
    request = ChatRequest("m", (Message("assistant", parts),), **asked)
    return msgspec.json.decode(msgspec.json.encode(render_tools(request, loss)))


@pytest.mark.parametrize(
    ("choice", "wire"),
    [
        (ToolChoice("auto"), {"auto": {}}),
        (ToolChoice("required"), {"any": {}}),
        (ToolChoice("one", "f"), {"tool": {"name": "f"}}),
    ],
)
def test_every_choice(choice: ToolChoice, wire: Any) -> None:
    loss = Loss()
    assert render(loss, tools=(TOOL,), tool_choice=choice) == {"tools": [SPEC], "toolChoice": wire}
    assert loss.names == ()


def test_the_schema_of_a_strict_tool_is_one_that_the_grammars_know() -> None:
    tool = Tool("f", "d", msgspec.Raw(b'{"type":"object"}'), True)
    assert render(Loss(), tools=(tool,)) == {"tools": [SPEC]}


def test_a_name_that_converse_refuses_is_refused() -> None:
    with pytest.raises(Unrepresentable, match="Rename it"):
        render(Loss(), tools=(Tool("a.b"),))


def test_no_tools_wanted() -> None:
    loss = Loss()
    none = ToolChoice("none")
    assert render(loss, tools=(TOOL,), tool_choice=none) == {}
    assert render(loss, tool_choice=none) == {}
    assert loss.names == ()
    assert render(loss, history=True, tools=(TOOL,), tool_choice=none) == {"tools": [SPEC]}
    assert loss.names == ("tool_choice",)


def test_a_choice_among_no_tools_is_named() -> None:
    loss = Loss()
    assert render(loss, tool_choice=ToolChoice("required")) == {}
    assert loss.names == ("tool_choice",)


def test_a_bare_tool_takes_any_object() -> None:
    assert render(Loss(), tools=(Tool("f", ""),)) == {
        "tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object", "properties": {}}}}}]
    }


def test_tools_that_were_called_are_named_even_if_the_client_names_none_any_more() -> None:
    """Converse refuses calls and results without a `toolConfig`."""
    calls = Message(
        "assistant", (ToolCall("a", "f", "{}"), ToolCall("b", "g", "{}"), ToolCall("c", "f", "{}"))
    )
    anything = {"json": {"type": "object", "properties": {}}}
    made = msgspec.json.decode(msgspec.json.encode(render_tools(ChatRequest("m", (calls,)), Loss())))
    assert made == {"tools": [{"toolSpec": {"name": name, "inputSchema": anything}} for name in ("f", "g")]}


def test_tools_that_were_called_are_named_as_their_calls_are() -> None:
    request = ChatRequest("m", (Message("assistant", (ToolCall("c", "f.g", "{}"),)),))
    [tool] = render_tools(request, Loss())["tools"]  # type: ignore[misc]
    assert msgspec.json.decode(msgspec.json.encode(tool))["toolSpec"]["name"] == "f_g"
