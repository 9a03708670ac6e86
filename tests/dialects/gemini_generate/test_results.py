from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.loss import Loss
from waypost.core.request import (
    CacheHint,
    ChatRequest,
    Citation,
    Extras,
    Media,
    Message,
    Opaque,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from waypost.dialects.fields import parse_object
from waypost.dialects.gemini_generate.calls import Calls
from waypost.dialects.gemini_generate.rendering import Rendering
from waypost.dialects.gemini_generate.results import compact, parse_result, render_result
from waypost.errors import Unrepresentable

CALL = Message("assistant", (ToolCall("c", "look", "{}"),))
WHERE = "messages[1].content[0]"


def read(**fields: Any) -> ToolResult | None:
    calls = Calls("0")
    calls.made("c", "look")
    return parse_result(parse_object(msgspec.json.encode(fields)), calls)


def write(result: ToolResult, model: str = "gemini-3-pro", loss: Loss | None = None) -> Any:
    rendering = Rendering(ChatRequest(model, (CALL,)), loss or Loss())
    shown = render_result(result, WHERE, rendering)
    return shown and msgspec.json.decode(msgspec.json.encode(shown))


@pytest.mark.parametrize(
    ("response", "text", "is_error"),
    [
        ({"result": "sun"}, "sun", False),
        ({"output": "sun"}, "sun", False),
        ({"error": "no clock"}, "no clock", True),
        ({"error": {"code": 5}}, '{"code":5}', True),
        ({"temperature": 12}, '{"temperature":12}', False),
        ({"result": 5}, '{"result":5}', False),
        ({"result": "a", "more": 1}, '{"result":"a","more":1}', False),
        ({}, "{}", False),
    ],
)
def test_own_results(response: Any, text: str, is_error: bool) -> None:
    wire = {"id": "c", "name": "look", "response": response}
    result = read(**wire)
    assert result is not None
    assert (result.parts, result.is_error, result.name) == ((Text(text),), is_error, "look")
    assert write(result) == {"functionResponse": wire}


def test_what_is_left_out_stays_out() -> None:
    assert read(name="look") == ToolResult(
        "c", (), extras=Extras("gemini_generate", {}, "bare noid"), name="look"
    )
    found = read(name="look", scheduling="SILENT", willContinue=False)
    assert found is not None
    assert write(found) == {
        "functionResponse": {"name": "look", "scheduling": "SILENT", "willContinue": False}
    }
    assert read(name="look", response="sun") is None


@pytest.mark.parametrize(
    ("result", "response"),
    [
        (ToolResult("c", (Text("sun"),)), {"output": "sun"}),
        (ToolResult("c", ()), {"output": ""}),
        (ToolResult("c", (Text("a"), Refusal("b"))), {"output": "a\nb"}),
        (ToolResult("c", (Text('{"t": 1.50}'),)), {"t": 1.5}),
        (ToolResult("c", (Text('{"error": "x"}'),)), {"output": {"error": "x"}}),
        (ToolResult("c", (Text("[1]"),)), {"output": "[1]"}),
        (ToolResult("c", (Text("gone"),), is_error=True), {"error": "gone"}),
        (ToolResult("c", (Text('{"a":1}'),), is_error=True), {"error": '{"a":1}'}),
    ],
)
def test_results_of_others(result: ToolResult, response: Any) -> None:
    assert write(result) == {"functionResponse": {"id": "c", "name": "look", "response": response}}


def test_media_beside_the_result() -> None:
    part = {"inlineData": {"mimeType": "image/png", "data": "AA=="}}
    result = read(id="c", name="look", response={}, parts=[part, {"new": 1}])
    assert result is not None
    assert result.parts[1:] == (
        Media("image", data="AA==", mime="image/png"),
        Opaque("gemini_generate", msgspec.Raw(b'{"new":1}'), "result"),
    )
    assert write(result)["functionResponse"]["parts"] == [part, {"new": 1}]


def test_media_are_for_gemini_3_and_later() -> None:
    result = ToolResult("c", (Text("see"), Media("image", data="AA==")))
    with pytest.raises(Unrepresentable) as caught:
        write(result, "gemini-2.5-pro")
    assert caught.value.param == f"{WHERE}.content[1]"
    loss = Loss(drop=True)
    assert write(result, "gemini-2.5-pro", loss)["functionResponse"]["response"] == {"output": "see"}
    assert loss.names == (f"{WHERE}.content[1]",)


def test_a_part_of_another_dialect_is_refused() -> None:
    with pytest.raises(Unrepresentable):
        write(ToolResult("c", (Opaque("other", msgspec.Raw(b"{}")),)))


def test_a_result_of_no_call_is_refused() -> None:
    with pytest.raises(Unrepresentable, match="no earlier message"):
        write(ToolResult("unheard", (Text("x"),)))
    assert write(ToolResult("unheard", (Text("x"),)), loss=Loss(drop=True)) is None


def test_a_cache_hint_is_named() -> None:
    loss = Loss()
    write(ToolResult("c", (Text("x"),), cache=CacheHint()), loss=loss)
    assert loss.names == ("cache_control",)


def test_indented_json_is_compacted_and_its_numbers_stay() -> None:
    assert compact(msgspec.Raw(b'{\n "a": 1.50\n}')) == '{"a":1.50}'
    assert compact(msgspec.Raw(b'{"a": 1}')) == '{"a": 1}'


def test_hints_and_sources_inside_a_result_are_named() -> None:
    loss = Loss()
    request = ChatRequest("gemini-2.5-flash", ())
    result = ToolResult("c", (Text("x", CacheHint(), citations=(Citation("u"),)),), name="f")
    render_result(result, "messages[0].content[0]", Rendering(request, loss))
    assert loss.names == ("cache_control", "messages[0].content[0].citations")
