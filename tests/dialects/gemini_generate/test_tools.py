from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.loss import Loss
from waypost.core.request import CacheHint, ChatRequest, Opaque, Tool, ToolChoice
from waypost.dialects.fields import parse_object
from waypost.dialects.gemini_generate.own import Taking
from waypost.dialects.gemini_generate.rendering import Rendering
from waypost.dialects.gemini_generate.tools import render_choice, render_tools, take_choice, take_tools
from waypost.errors import Unrepresentable


def taking(**fields: Any) -> Taking:
    return Taking(parse_object(msgspec.json.encode(fields)))


def again(tools: Any) -> Any:
    request = ChatRequest("m", (), tools=take_tools(taking(tools=tools)))
    return msgspec.json.decode(msgspec.json.encode(render_tools(request, Rendering(request, Loss()))))


def write(*tools: Tool | Opaque, choice: ToolChoice | None = None, model: str = "gemini-3-pro") -> Any:
    request = ChatRequest(model, (), tools=tools, tool_choice=choice)
    loss = Loss()
    rendering = Rendering(request, loss)
    shown = render_tools(request, rendering), render_choice(request, rendering)
    return *msgspec.json.decode(msgspec.json.encode(shown)), loss.names


@pytest.mark.parametrize(
    "tools",
    [
        [{"functionDeclarations": [{"name": "a"}, {"name": "b", "description": "B"}]}],
        [{"functionDeclarations": [{"name": "a"}]}, {"functionDeclarations": [{"name": "b"}, {"name": "c"}]}],
        [{"googleSearch": {}}, {"functionDeclarations": [{"name": "a"}]}],
        [{"functionDeclarations": [{"name": "a", "parameters": {"type": "OBJECT"}, "behavior": "BLOCKING"}]}],
        [{"functionDeclarations": [{"description": "no name"}]}],
        [{"functionDeclarations": []}],
        [7],
    ],
)
def test_own_tools(tools: Any) -> None:
    assert again(tools) == tools


def test_one_element_may_hold_both() -> None:
    tools = [{"functionDeclarations": [{"name": "a"}], "googleSearch": {}}]
    assert again(tools) == [{"functionDeclarations": [{"name": "a"}]}, {"googleSearch": {}}]


def test_what_the_core_sees() -> None:
    schema = {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}
    declared = {"name": "f", "parameters": schema, "response_json_schema": {}}
    [tool] = take_tools(taking(tools=[{"function_declarations": [declared]}]))
    assert isinstance(tool, Tool)
    assert tool.parameters is not None
    assert msgspec.json.decode(tool.parameters) == {
        "type": "object",
        "properties": {"a": {"type": "string"}},
    }
    assert tool.extras is not None
    assert list(tool.extras.fields) == ["responseJsonSchema"]


def test_functions_of_others() -> None:
    schema = msgspec.Raw(b'{"type":"object","additionalProperties":false}')
    shown, config, lost = write(Tool("f", "F", schema, cache=CacheHint()), Tool("g"))
    assert shown == [
        {
            "functionDeclarations": [
                {
                    "name": "f",
                    "description": "F",
                    "parametersJsonSchema": {"type": "object", "additionalProperties": False},
                },
                {"name": "g"},
            ]
        }
    ]
    assert (config, lost) == (None, ("cache_control",))


def test_a_tool_of_another_provider_is_refused() -> None:
    with pytest.raises(Unrepresentable) as caught:
        write(Tool("f"), Opaque("anthropic_messages", msgspec.Raw(b"{}"), "tools"))
    assert caught.value.param == "tools[1]"


STRICT, LOOSE = Tool("f", strict=True), Tool("g", strict=False)


@pytest.mark.parametrize(
    ("tools", "choice", "model", "mode", "lost"),
    [
        ((STRICT,), None, "gemini-3-pro", "VALIDATED", ()),
        ((STRICT,), ToolChoice("auto"), "gemini-2.5-flash", "VALIDATED", ()),
        ((STRICT,), ToolChoice("required"), "gemini-2.0-flash", "ANY", ()),
        ((STRICT,), None, "gemini-2.0-flash", None, ("tools[0].strict",)),
        ((LOOSE, STRICT), None, "gemini-3-pro", None, ("tools[1].strict",)),
        ((STRICT,), ToolChoice("none"), "gemini-3-pro", "NONE", ("tools[0].strict",)),
        ((LOOSE,), None, "gemini-3-pro", None, ()),
    ],
)
def test_strict_functions(
    tools: tuple[Tool, ...], choice: ToolChoice | None, model: str, mode: str | None, lost: tuple[str, ...]
) -> None:
    _, config, names = write(*tools, choice=choice, model=model)
    assert (config and config["functionCallingConfig"]["mode"]) == mode
    assert names == lost


@pytest.mark.parametrize(
    ("choice", "calling"),
    [
        (ToolChoice("auto"), {"mode": "AUTO"}),
        (ToolChoice("none"), {"mode": "NONE"}),
        (ToolChoice("required"), {"mode": "ANY"}),
        (ToolChoice("one", "f"), {"mode": "ANY", "allowedFunctionNames": ["f"]}),
    ],
)
def test_choices(choice: ToolChoice, calling: Any) -> None:
    view = taking(toolConfig={"functionCallingConfig": calling})
    assert take_choice(view) == choice
    assert view.rest == {}
    assert write(Tool("f"), choice=choice)[1] == {"functionCallingConfig": calling}


@pytest.mark.parametrize(
    ("config", "choice"),
    [
        ({"functionCallingConfig": {"mode": "VALIDATED"}}, ToolChoice("auto")),
        (
            {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["a", "b"]}},
            ToolChoice("required"),
        ),
        ({"functionCallingConfig": {"mode": "AUTO"}, "retrievalConfig": {}}, ToolChoice("auto")),
        (
            {"functionCallingConfig": {"mode": "ANY", "streamFunctionCallArguments": True}},
            ToolChoice("required"),
        ),
        ({"functionCallingConfig": {"mode": "MODE_UNSPECIFIED"}}, None),
        ({"retrievalConfig": {}}, None),
    ],
)
def test_what_says_more_than_a_choice_is_kept(config: Any, choice: ToolChoice | None) -> None:
    view = taking(toolConfig=config)
    assert take_choice(view) == choice
    assert msgspec.json.decode(view.rest["toolConfig"]) == config
