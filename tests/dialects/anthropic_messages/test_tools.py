from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.loss import Loss
from waypost.core.request import Opaque, Tool, ToolChoice
from waypost.dialects.anthropic_messages.own import Taking
from waypost.dialects.anthropic_messages.tools import render_choice, render_tools, take_choice, take_tools
from waypost.errors import Unrepresentable


def taking(**fields: Any) -> Taking:
    return Taking({name: msgspec.Raw(msgspec.json.encode(value)) for name, value in fields.items()})


def test_functions_and_built_in_tools() -> None:
    tools = take_tools(
        taking(
            tools=[
                {"name": "f", "input_schema": {"type": "object"}, "strict": True},
                {"type": "bash_20250124", "name": "bash"},
                7,
            ],
            mcp_servers=[{"name": "s"}],
        )
    )
    assert tools[0] == Tool("f", None, msgspec.Raw(b'{"type":"object"}'), True)
    slots = [tool.slot for tool in tools if isinstance(tool, Opaque)]
    assert slots == ["tools", "tools", "mcp_servers"]
    shown = render_tools(tools, Loss())
    assert (len(shown["tools"]), len(shown["mcp_servers"])) == (3, 1)


def test_a_function_of_another_dialect_has_a_schema() -> None:
    assert render_tools((Tool("f"),), Loss()) == {
        "tools": [{"name": "f", "input_schema": {"type": "object", "properties": {}}}]
    }


def test_a_tool_of_another_provider() -> None:
    tools = (Tool("f"), Opaque("openai_chat", msgspec.Raw(b"{}"), "tools"))
    with pytest.raises(Unrepresentable) as caught:
        render_tools(tools, Loss())
    assert caught.value.param == "tools[1]"
    dropping = Loss(drop=True)
    assert len(render_tools(tools, dropping)["tools"]) == 1
    assert dropping.names == ("tools[1]",)


@pytest.mark.parametrize(
    ("wire", "choice", "parallel"),
    [
        ({"type": "auto"}, ToolChoice("auto"), None),
        ({"type": "any"}, ToolChoice("required"), None),
        ({"type": "none"}, ToolChoice("none"), None),
        ({"type": "tool", "name": "f"}, ToolChoice("one", "f"), None),
        ({"type": "auto", "disable_parallel_tool_use": True}, ToolChoice("auto"), False),
        ({"type": "any", "disable_parallel_tool_use": False}, ToolChoice("required"), True),
    ],
)
def test_choices_there_and_back(wire: Any, choice: ToolChoice, parallel: bool | None) -> None:
    assert take_choice(taking(tool_choice=wire)) == (choice, parallel)
    assert render_choice(choice, parallel) == wire


@pytest.mark.parametrize("wire", [7, {"type": "new"}, {"type": "tool"}, {"type": "auto", "x": 1}])
def test_choices_that_are_not_known_stay(wire: Any) -> None:
    subject = taking(tool_choice=wire)
    assert take_choice(subject) == (None, None)
    assert "tool_choice" in subject.rest


def test_one_call_at_a_time_makes_a_choice() -> None:
    assert render_choice(None, False) == {"type": "auto", "disable_parallel_tool_use": True}
    assert render_choice(None, True) is None
    assert render_choice(None, None) is None
    assert render_choice(ToolChoice("none"), False) == {"type": "none"}
