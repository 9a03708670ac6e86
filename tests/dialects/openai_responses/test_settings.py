from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.request import ResponseFormat
from waypost.dialects.fields import Fields, parse_object
from waypost.dialects.openai_responses.own import Taking
from waypost.dialects.openai_responses.settings import (
    own_name,
    render_reasoning_setting,
    render_text,
    take_include,
    take_reasoning,
    take_text,
)


def taking(**values: Any) -> Taking:
    return Taking(parse_object(msgspec.json.encode(values)))


def names(subject: Taking) -> set[str]:
    return set(subject.rest)


@pytest.mark.parametrize(
    ("wire", "seen", "left"),
    [
        ({"effort": "xhigh"}, ("xhigh", None), set()),
        ({"effort": "low", "summary": "detailed"}, ("low", True), set()),
        ({"generate_summary": "concise"}, (None, True), set()),
        ({"effort": None, "summary": None}, (None, None), set()),
        ({"effort": "odd", "summary": "odd"}, (None, None), {"reasoning.effort", "reasoning.summary"}),
        ({"context": "all_turns"}, (None, None), {"reasoning.context"}),
        (7, (None, None), {"reasoning"}),
    ],
)
def test_reasoning(wire: Any, seen: tuple[Any, Any], left: set[str]) -> None:
    subject = taking(reasoning=wire)
    kept: Fields = {}
    assert take_reasoning(subject, kept) == seen
    assert names(subject) == left
    assert ("reasoning" in kept) is isinstance(wire, dict)


def test_reasoning_is_asked_for() -> None:
    assert render_reasoning_setting("low", True) == {"effort": "low", "summary": "auto"}
    assert render_reasoning_setting(None, False) is None


SCHEMA = {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True}


@pytest.mark.parametrize(
    ("wire", "kind", "left"),
    [
        ({"format": {"type": "text"}}, "text", set()),
        ({"format": {"type": "json_object"}, "verbosity": "low"}, "json_object", set()),
        ({"format": SCHEMA}, "json_schema", set()),
        ({"format": {"type": "grammar"}}, None, {"text.format"}),
        ({"format": {"type": "text", "x": 1}, "verbosity": "odd"}, None, {"text.format", "text.verbosity"}),
    ],
)
def test_text(wire: Any, kind: str | None, left: set[str]) -> None:
    subject = taking(text=wire)
    wanted, verbosity = take_text(subject, {})
    assert (wanted and wanted.kind) == kind
    assert names(subject) == left
    if not left:
        shown = msgspec.json.decode(msgspec.json.encode(render_text(wanted, verbosity)))
        assert shown == wire


def test_a_schema_gets_a_name_because_it_has_to_have_one() -> None:
    assert render_text(ResponseFormat("json_schema"), None) == {
        "format": {"type": "json_schema", "name": "answer"}
    }
    assert render_text(None, None) is None


@pytest.mark.parametrize(
    ("wire", "wanted", "left"),
    [
        (["message.output_text.logprobs"], True, set()),
        (["reasoning.encrypted_content"], False, set()),
        (["file_search_call.results", "reasoning.encrypted_content"], False, {"include"}),
        (7, False, {"include"}),
    ],
)
def test_include(wire: Any, wanted: bool, left: set[str]) -> None:
    subject = taking(include=wire)
    assert take_include(subject, {}) is wanted
    assert names(subject) == left


def test_paths_are_no_fields() -> None:
    assert own_name("store")
    assert not own_name("reasoning.context")
