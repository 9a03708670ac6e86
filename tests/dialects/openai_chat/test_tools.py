from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dialects.openai_chat.saying import say
from waypost.core.request import CacheHint, Opaque, ResponseFormat, Tool, ToolChoice
from waypost.dialects.openai_chat.own import Taking
from waypost.dialects.openai_chat.tools import (
    put_choice,
    put_format,
    put_tools,
    take_choice,
    take_format,
    take_tools,
)
from waypost.dialects.taking import Json
from waypost.errors import Unrepresentable


def taking(fields: dict[str, Any]) -> Taking:
    return Taking({name: msgspec.Raw(msgspec.json.encode(value)) for name, value in fields.items()})


def test_functions_are_tools() -> None:
    forms: list[str] = []
    assert take_tools(taking({"functions": [{"name": "f", "description": "d"}]}), forms) == (Tool("f", "d"),)
    assert forms == ["functions"]
    out: Json = {}
    put_tools(out, (Tool("f", "d"),), True, say())
    assert out == {"functions": [{"name": "f", "description": "d"}]}


@pytest.mark.parametrize(
    "wire", [{"functions": [7]}, {"functions": 7}, {"tools": [7], "functions": [{"name": "f"}]}]
)
def test_functions_that_are_none_or_beside_tools_stay(wire: Json) -> None:
    given = taking(wire)
    take_tools(given, [])
    assert "functions" in given.rest


@pytest.mark.parametrize(
    ("wire", "choice"),
    [
        ({"tool_choice": "required"}, ToolChoice("required")),
        ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, ToolChoice("one", "f")),
        ({"function_call": "auto"}, ToolChoice("auto")),
        ({"function_call": {"name": "f"}}, ToolChoice("one", "f")),
    ],
)
def test_choices_both_ways(wire: Json, choice: ToolChoice) -> None:
    forms: list[str] = []
    assert take_choice(taking(wire), forms) == choice
    out: Json = {}
    put_choice(out, choice, bool(forms))
    assert out == wire


@pytest.mark.parametrize(
    "wire",
    [
        {"tool_choice": {"type": "custom", "custom": {"name": "f"}}},
        {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}},
        {"function_call": "required"},
    ],
)
def test_other_choices_stay(wire: Json) -> None:
    given = taking(wire)
    assert take_choice(given, []) is None
    assert given.rest


def test_a_tools_cache_hint_goes_to_who_reads_it() -> None:
    wire: Json = {"type": "function", "function": {"name": "f"}, "cache_control": {"type": "ephemeral"}}
    [tool] = take_tools(taking({"tools": [wire]}), [])
    assert tool == Tool("f", cache=CacheHint(300))
    out: Json = {}
    put_tools(out, (tool,), False, say("cache_control"))
    assert out == {"tools": [wire]}
    plain = say()
    put_tools({}, (tool,), False, plain)
    assert plain.loss.names == ("cache",)


def test_a_tool_of_another_dialect_is_refused_or_dropped() -> None:
    foreign = Opaque("anthropic_messages", msgspec.Raw(b"{}"))
    with pytest.raises(Unrepresentable) as caught:
        put_tools({}, (Tool("f"), foreign), False, say())
    assert caught.value.param == "tools[1]"
    dropping = say(drop=True)
    out: Json = {}
    put_tools(out, (foreign,), False, dropping)
    assert (out, dropping.loss.names) == ({}, ("tools[0]",))


def test_a_schema_has_a_name() -> None:
    out: Json = {}
    put_format(out, ResponseFormat("json_schema", schema=msgspec.Raw(b"{}")))
    assert out["response_format"]["json_schema"]["name"] == "response"  # type: ignore[index]


@pytest.mark.parametrize("wire", [{"type": "grammar", "grammar": "x"}, {"type": "text", "x": 1}, 7])
def test_other_formats_stay(wire: Any) -> None:
    given = taking({"response_format": wire})
    assert take_format(given) is None
    assert given.rest
