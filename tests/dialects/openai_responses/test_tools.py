from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.loss import Loss
from waypost.core.request import CacheHint, Opaque, Tool, ToolChoice
from waypost.dialects.fields import Fields, parse_object
from waypost.dialects.openai_responses.own import Taking
from waypost.dialects.openai_responses.tools import (
    CUSTOM_PARAMETERS,
    asked_custom_names,
    custom_names,
    render_choice,
    render_tools,
    take_allowed,
    take_choice,
    take_tools,
)
from waypost.errors import Unrepresentable


def fields(**values: Any) -> Fields:
    return parse_object(msgspec.json.encode(values))


def plain(value: object) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


FUNCTION = {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": True}
CUSTOM = {"type": "custom", "name": "run", "description": "Runs", "format": {"type": "text"}}
BUILT_IN = {"type": "mcp", "server_label": "d"}


def test_tools_both_ways() -> None:
    wire = [FUNCTION, {"type": "function", "name": "g"}, CUSTOM, BUILT_IN, 7]
    tools = take_tools(Taking(fields(tools=wire)))
    function, bare, custom, *others = tools
    assert isinstance(function, Tool)
    assert (function.name, function.strict) == ("f", True)
    assert isinstance(bare, Tool)
    assert (bare.strict, bare.parameters) == (None, None)
    assert isinstance(custom, Tool)
    assert custom.parameters == CUSTOM_PARAMETERS
    assert all(isinstance(other, Opaque) for other in others)
    assert custom_names(tools) == {"run"}
    assert plain(render_tools(tools, Loss())) == wire


def test_functions_of_other_dialects_are_not_made_strict() -> None:
    [wire] = render_tools((Tool("f"),), Loss())
    assert wire == {"type": "function", "name": "f", "strict": False, "parameters": None}


def test_what_no_target_here_has_is_refused_or_named() -> None:
    foreign = Opaque("anthropic_messages", msgspec.Raw(b"{}"))
    with pytest.raises(Unrepresentable) as caught:
        render_tools((Tool("f"), foreign), Loss())
    assert caught.value.param == "tools[1]"
    loss = Loss(drop=True)
    assert len(render_tools((Tool("f", cache=CacheHint()), foreign), loss)) == 1
    assert loss.names == ("tools[0].cache", "tools[1]")


@pytest.mark.parametrize(
    ("wire", "choice"),
    [
        ("auto", ToolChoice("auto")),
        ("none", ToolChoice("none")),
        ("required", ToolChoice("required")),
        ({"type": "function", "name": "f"}, ToolChoice("one", "f")),
        ({"type": "custom", "name": "run"}, ToolChoice("one", "run")),
        ({"type": "custom", "name": "unknown"}, None),
        ({"type": "function", "name": "run"}, None),
        ({"type": "web_search_preview"}, None),
        ({"type": "mcp", "server_label": "d"}, None),
        ("odd", None),
        (7, None),
    ],
)
def test_choices_both_ways(wire: Any, choice: ToolChoice | None) -> None:
    tools = take_tools(Taking(fields(tools=[FUNCTION, CUSTOM])))
    taking = Taking(fields(tool_choice=wire))
    assert take_choice(taking, tools) == choice
    assert ("tool_choice" in taking.rest) is (choice is None)
    if choice is not None:
        assert render_choice(choice, custom_names(tools)) == wire


def test_no_choice_is_none() -> None:
    assert take_choice(Taking({}), ()) is None
    assert render_choice(None, frozenset()) is None


def test_allowed_tools_are_the_only_ones_left() -> None:
    choice = {
        "type": "allowed_tools",
        "mode": "required",
        "tools": [{"type": "function", "name": "f"}, BUILT_IN],
    }
    given = fields(tools=[FUNCTION, CUSTOM, BUILT_IN], tool_choice=choice)
    taking = Taking(given)
    assert take_allowed(taking) == {"tools": given["tools"], "tool_choice": given["tool_choice"]}
    assert plain(taking.rest) == {"tools": [FUNCTION, BUILT_IN], "tool_choice": "required"}


@pytest.mark.parametrize(
    "choice",
    [
        "auto",
        {"type": "allowed_tools", "mode": "odd", "tools": [FUNCTION]},
        {"type": "allowed_tools", "mode": "auto", "tools": []},
        {"type": "allowed_tools", "mode": "auto", "tools": [FUNCTION], "x": 1},
    ],
)
def test_anything_else_narrows_nothing(choice: Any) -> None:
    given = fields(tools=[FUNCTION], tool_choice=choice)
    taking = Taking(given)
    assert take_allowed(taking) == {}
    assert set(taking.rest) == {"tools", "tool_choice"}


def test_custom_names_of_a_request() -> None:
    assert asked_custom_names(fields(tools=[FUNCTION, CUSTOM])) == {"run"}
    assert asked_custom_names(fields(tools=[FUNCTION])) == frozenset()
    assert asked_custom_names({}) == frozenset()
