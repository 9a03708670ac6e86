from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.request import Citation, Opaque, Refusal, Text, Thinking, ToolCall
from waypost.dialects.openai_responses.output import (
    Said,
    parse_citation,
    parse_item,
    render_call,
    render_citation,
    render_output_part,
    render_reasoning,
    unwrap_input,
    wrap_input,
)

from .bare import bare_parts


def parse(wire: Any, *, whole: bool = False) -> list[Said]:
    return parse_item(msgspec.Raw(msgspec.json.encode(wire)), whole=whole)


def message(*content: Any, **rest: Any) -> Any:
    return {"type": "message", "role": "assistant", "content": list(content), **rest}


TEXT = {"type": "output_text", "text": "a", "annotations": []}


@pytest.mark.parametrize(
    ("wire", "parts"),
    [
        ({"role": "assistant", "content": "a"}, [Text("a")]),
        (message(TEXT, {"type": "refusal", "refusal": "no"}), [Text("a"), Refusal("no")]),
        (message({"type": "input_text", "text": "a"}), [Text("a")]),
        (message(), [Text("")]),
        (
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            [ToolCall("c", "f", "{}")],
        ),
        (
            {"type": "custom_tool_call", "call_id": "c", "name": "f", "input": 'a"b'},
            [ToolCall("c", "f", '{"input":"a\\"b"}')],
        ),
        (
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
            [Thinking("hm")],
        ),
        (
            {"type": "reasoning", "summary": [], "encrypted_content": "gA"},
            [Thinking("", "gA", None, "openai-responses-v1", True)],
        ),
        (
            {"type": "reasoning", "summary": [], "encrypted_content": "google-gemini-v1:before:s"},
            [Thinking("", "s", None, "google-gemini-v1", False)],
        ),
    ],
)
def test_what_the_core_sees(wire: Any, parts: list[Said]) -> None:
    assert bare_parts(tuple(parse(wire))) == parts


@pytest.mark.parametrize(
    "wire",
    [
        {"type": "web_search_call", "id": "ws_1"},
        message({"type": "new_kind"}),
        {"type": "message", "role": "assistant"},
        {"type": "message", "role": "assistant", "content": 7},
        {"type": "function_call", "name": "f", "arguments": "{}"},
        {"type": "custom_tool_call", "name": "f"},
        7,
    ],
)
def test_what_the_core_has_no_word_for_is_kept(wire: Any) -> None:
    [part] = parse(wire)
    assert isinstance(part, Opaque)
    assert msgspec.json.decode(part.data) == wire


def test_of_an_answer_the_status_is_not_kept() -> None:
    wire = message(TEXT, id="msg_1", status="completed")
    [history], [answer] = parse(wire), parse(wire, whole=True)
    assert isinstance(history, Text)
    assert isinstance(answer, Text)
    assert history.extras is not None
    assert answer.extras is not None
    assert history.extras.form == 'item{"id":"msg_1","type":"message","status":"completed"}'
    assert answer.extras.form == 'item{"id":"msg_1"}'


@pytest.mark.parametrize(
    "wire",
    [
        {"type": "url_citation", "url": "https://e.org", "title": "E", "start_index": 1, "end_index": 2},
        {"type": "file_citation", "file_id": "f", "filename": "a.pdf", "index": 3},
        {
            "type": "container_file_citation",
            "container_id": "c",
            "file_id": "f",
            "filename": "a.png",
            "start_index": 1,
            "end_index": 2,
        },
        {"type": "file_path", "file_id": "f", "index": 0},
        {"type": "file_path", "file_id": None, "index": "odd", "url": "x"},
    ],
)
def test_citations_both_ways(wire: Any) -> None:
    citation = parse_citation(msgspec.Raw(msgspec.json.encode(wire)))
    assert citation is not None
    assert msgspec.json.decode(msgspec.json.encode(render_citation(citation))) == wire


@pytest.mark.parametrize("odd", [[{"type": "new{kind", "x": 1}], [None], 7, None])
def test_odd_annotations_stay_what_they_are(odd: Any) -> None:
    [part] = parse(message({"type": "output_text", "text": "a", "annotations": odd}))
    assert isinstance(part, Text)
    assert part.citations == ()
    assert (
        msgspec.json.decode(msgspec.json.encode(render_output_part(part, whole=False)))["annotations"] == odd
    )


def test_citations_of_other_dialects_are_complete() -> None:
    assert render_citation(Citation("https://e.org")) == {
        "type": "url_citation",
        "url": "https://e.org",
        "title": "",
        "start_index": 0,
        "end_index": 0,
    }
    assert render_citation(Citation(title="A book", quote="q", start=4)) == {
        "type": "file_citation",
        "filename": "A book",
        "index": 4,
        "file_id": "",
    }


def test_custom_input_both_ways() -> None:
    assert unwrap_input(wrap_input('a\n"b"')) == 'a\n"b"'
    assert unwrap_input('{"input":1}') == '{"input":1}'
    assert unwrap_input('{"input":"a","x":1}') == '{"input":"a","x":1}'
    assert unwrap_input("not JSON") == "not JSON"


def test_parts_of_other_dialects() -> None:
    assert render_output_part(Text("a"), whole=True) == {
        "type": "output_text",
        "text": "a",
        "annotations": [],
    }
    assert render_output_part(Refusal("no"), whole=True) == {"type": "refusal", "refusal": "no"}
    assert render_call(ToolCall("c", "f", '{"input":"x"}'), custom=True)["input"] == "x"
    assert render_reasoning(Thinking("hm"), "sealed") == {
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "hm"}],
        "encrypted_content": "sealed",
    }
