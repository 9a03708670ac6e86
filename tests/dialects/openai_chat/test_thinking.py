from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dialects.openai_chat.saying import say
from waypost.core.request import Opaque, Thinking
from waypost.dialects.openai_chat.own import Taking
from waypost.dialects.openai_chat.thinking import (
    details_of,
    is_mark,
    put_thinking,
    take_signature,
    take_thinking,
)
from waypost.dialects.taking import Json

CLAUDE, GEMINI, OPENAI = "anthropic-claude-v1", "google-gemini-v1", "openai-responses-v1"


def taking(fields: dict[str, Any]) -> Taking:
    return Taking({name: msgspec.Raw(msgspec.json.encode(value)) for name, value in fields.items()})


def bare(parts: list[Thinking | Opaque]) -> list[tuple[str, str | None, str | None, bool]]:
    return [(p.text, p.signature, p.maker, p.redacted) for p in parts if isinstance(p, Thinking)]


def text(value: str, index: int | None = 0, **more: Any) -> Json:
    return {"type": "reasoning.text", "text": value, "format": CLAUDE, "index": index, **more}


@pytest.mark.parametrize(
    ("details", "parts"),
    [
        ([text("a", signature="s")], [("a", "s", CLAUDE, False)]),
        ([text("a"), text("b"), text("", signature="s")], [("ab", "s", CLAUDE, False)]),
        (
            [text("a", 0, signature="s"), text("b", 0)],
            [("a", "s", CLAUDE, False), ("b", None, CLAUDE, False)],
        ),
        ([text("a", None), text("b", None)], [("a", None, CLAUDE, False), ("b", None, CLAUDE, False)]),
        ([{"type": "reasoning.encrypted", "data": "x", "format": CLAUDE}], [("", "x", CLAUDE, True)]),
        (
            [
                {"type": "reasoning.summary", "summary": "a", "format": OPENAI, "id": "rs_1"},
                {"type": "reasoning.encrypted", "data": "x", "format": OPENAI, "id": "rs_1"},
            ],
            [("a", "x", OPENAI, False)],
        ),
        ([text("a", format="xai-responses-v1", signature="s")], [("a", "s", None, False)]),
    ],
)
def test_details_become_parts_and_details_again(details: list[Json], parts: Any) -> None:
    forms: list[str] = []
    found = take_thinking(taking({"reasoning_details": details}), forms)
    assert bare(found) == parts
    out: Json = {}
    put_thinking(out, found, forms, say("reasoning_details"), "m")
    again = take_thinking(taking(out), [])
    assert bare(again) == parts


def test_text_beside_details_is_the_same_text() -> None:
    forms: list[str] = []
    both = taking({"reasoning": "a", "reasoning_content": "a", "reasoning_details": [text("a")]})
    assert bare(take_thinking(both, forms)) == [("a", None, CLAUDE, False)]
    assert forms == ["reasoning_content", "reasoning"]
    assert both.rest == {}


def test_text_that_the_details_do_not_have_counts_and_other_text_stays() -> None:
    hidden = {"type": "reasoning.encrypted", "data": "x", "format": GEMINI}
    found = taking({"reasoning": "a", "reasoning_content": "b", "reasoning_details": [hidden]})
    assert bare(take_thinking(found, [])) == [("b", None, None, False), ("", "x", GEMINI, True)]
    assert found.rest == {"reasoning": msgspec.Raw(b'"a"')}


def test_details_of_another_kind_are_this_dialects_own() -> None:
    [part] = take_thinking(taking({"reasoning_details": [{"type": "reasoning.server_tool_call"}]}), [])
    assert isinstance(part, Opaque)
    assert part.slot == "reasoning_details"


HISTORY = [Thinking("a", "s", maker="anthropic-claude-v1"), Thinking("", "t", maker="google-gemini-v1")]


@pytest.mark.parametrize(
    ("takes", "shown", "named"),
    [
        ((), {}, ("m.thinking",)),
        (("reasoning_content",), {"reasoning_content": "a"}, ("m.thinking",)),
        (
            ("reasoning_details", "thought_signature"),
            {
                "reasoning_content": "a",
                "reasoning_details": [text("a", signature="s")],
                "extra_content": {"google": {"thought_signature": "t"}},
            },
            (),
        ),
    ],
)
def test_a_target_gets_what_it_takes(takes: tuple[str, ...], shown: Json, named: tuple[str, ...]) -> None:
    asked = say(*takes)
    out: Json = {}
    put_thinking(out, HISTORY, (), asked, "m")
    assert out == shown
    assert asked.loss.names == named


def test_openais_reasoning_is_two_details() -> None:
    part = Thinking("sum", "enc", maker="openai-responses-v1")
    assert details_of(part, "openai-responses-v1", 3) == [
        {"type": "reasoning.summary", "summary": "sum", "format": OPENAI, "index": 3},
        {"type": "reasoning.encrypted", "data": "enc", "format": OPENAI, "index": 4},
    ]


def test_a_mark_is_geminis_signature_of_a_text() -> None:
    assert is_mark(HISTORY[1])
    assert not is_mark(HISTORY[0])
    assert not is_mark(Thinking("", "t", maker="google-gemini-v1", redacted=True))


@pytest.mark.parametrize(
    "wire", [7, {}, {"google": {}}, {"google": {"thought_signature": "s", "x": 1}}, {"a": 1}]
)
def test_extra_content_of_another_shape_stays(wire: Any) -> None:
    found = taking({"extra_content": wire})
    assert take_signature(found) is None
    assert "extra_content" in found.rest
