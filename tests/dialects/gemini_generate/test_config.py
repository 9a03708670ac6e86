from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.loss import Loss
from waypost.core.request import ChatRequest, Effort, Extras, ResponseFormat, Sampling
from waypost.dialects.fields import parse_object
from waypost.dialects.gemini_generate.config import render_config, take_config, take_labels
from waypost.dialects.gemini_generate.own import Taking
from waypost.dialects.gemini_generate.rendering import Rendering


def taking(**fields: Any) -> Taking:
    return Taking(parse_object(msgspec.json.encode(fields)))


def write(request: ChatRequest) -> tuple[Any, tuple[str, ...]]:
    loss = Loss()
    shown = render_config(request, Rendering(request, loss))
    return msgspec.json.decode(msgspec.json.encode(shown)), loss.names


def test_sampling_in_either_spelling() -> None:
    found = take_config(
        taking(
            generation_config={
                "top_p": 0.5,
                "topK": 40.0,
                "stop_sequences": ["a"],
                "seed": 7,
                "maxOutputTokens": 9,
                "candidateCount": 2,
            }
        )
    )
    assert found.sampling == Sampling(top_p=0.5, top_k=40, seed=7, stop=("a",))
    assert (found.max_output, found.choices) == (9, 2)


def test_seeds_and_stop_texts_that_google_refuses_are_named() -> None:
    request = ChatRequest("gemini-2.5-flash", (), sampling=Sampling(seed=2**31, stop=tuple("abcdef")))
    assert write(request) == ({"stopSequences": list("abcde")}, ("seed", "stop"))
    request = ChatRequest("gemini-2.5-flash", (), sampling=Sampling(seed=2**31 - 1, stop=tuple("abcde")))
    assert write(request)[1] == ()


def test_what_is_left_over_is_named_with_its_place() -> None:
    view = taking(
        generationConfig={
            "speechConfig": {},
            "temperature": "hot",
            "thinkingConfig": {"thinkingLevel": "ODD", "new": 1},
            "responseMimeType": "text/x.enum",
            "candidateCount": 1,
            "stopSequences": [],
        }
    )
    found = take_config(view)
    assert found.sampling == Sampling()
    assert found.effort is found.response_format is None
    assert set(view.rest) == {
        "generationConfig.speechConfig",
        "generationConfig.temperature",
        "generationConfig.thinkingConfig.thinkingLevel",
        "generationConfig.thinkingConfig.new",
        "generationConfig.responseMimeType",
        "generationConfig.candidateCount",
        "generationConfig.stopSequences",
    }


@pytest.mark.parametrize(
    ("wire", "kind"),
    [
        ({"responseMimeType": "application/json"}, "json_object"),
        ({"responseMimeType": "application/json", "responseJsonSchema": {"type": "object"}}, "json_schema"),
        ({"responseMimeType": "application/json", "responseSchema": {"type": "OBJECT"}}, "json_schema"),
        ({"responseMimeType": "text/plain"}, "text"),
    ],
)
def test_formats(wire: Any, kind: str) -> None:
    view = taking(generationConfig=wire)
    found = take_config(view)
    assert found.response_format is not None
    assert found.response_format.kind == kind
    assert view.rest == {}
    assert write(ChatRequest("m", (), response_format=found.response_format))[0] == wire


def test_a_format_of_another_dialect() -> None:
    wanted = ResponseFormat("json_schema", "reply", "A reply.", msgspec.Raw(b'{"type":"object"}'), True)
    assert write(ChatRequest("m", (), response_format=wanted))[0] == {
        "responseMimeType": "application/json",
        "responseJsonSchema": {"type": "object", "title": "reply", "description": "A reply."},
    }


@pytest.mark.parametrize(
    ("model", "effort", "budget", "thinking", "lost"),
    [
        ("gemini-3-pro", "low", None, {"thinkingLevel": "LOW"}, ()),
        ("gemini-3-pro", "medium", None, {"thinkingLevel": "LOW"}, ()),
        ("gemini-3-pro", "max", None, {"thinkingLevel": "HIGH"}, ()),
        ("gemini-3-flash", "minimal", None, {"thinkingLevel": "MINIMAL"}, ()),
        ("gemini-3.1-pro", "minimal", None, {"thinkingLevel": "LOW"}, ()),
        ("gemini-3-flash", "none", None, {"thinkingLevel": "MINIMAL"}, ("effort",)),
        ("gemini-3-flash", None, 0, {"thinkingLevel": "MINIMAL"}, ("thinking_budget",)),
        ("gemini-3-flash", None, 12_000, {"thinkingLevel": "HIGH"}, ()),
        ("gemini-3-flash", None, -1, None, ()),
        ("gemini-2.5-flash", "high", None, {"thinkingBudget": 13_107}, ()),
        ("gemini-2.5-flash", "none", None, {"thinkingBudget": 0}, ()),
        ("gemini-2.5-flash", None, 99_999, {"thinkingBudget": 24_576}, ("thinking_budget",)),
        ("gemini-2.5-flash", None, -1, {"thinkingBudget": -1}, ()),
        ("gemini-2.5-flash-lite", None, 100, {"thinkingBudget": 512}, ("thinking_budget",)),
        ("gemini-2.5-pro", "none", None, {"thinkingBudget": 128}, ("effort",)),
        ("gemini-2.5-pro", None, None, None, ()),
        ("gemini-2.0-flash", "high", None, None, ("effort",)),
        ("gemini-2.0-flash", "none", None, None, ()),
        ("gemma-3", None, 2000, None, ("thinking_budget",)),
    ],
)
def test_how_hard_to_think(
    model: str, effort: Effort | None, budget: int | None, thinking: Any, lost: tuple[str, ...]
) -> None:
    shown, names = write(ChatRequest(model, (), effort=effort, thinking_budget=budget))
    assert (shown.get("thinkingConfig"), names) == (thinking, lost)


def test_own_thinking_is_said_as_it_came() -> None:
    own = Extras("gemini_generate")
    request = ChatRequest("gemini-3-pro", (), thinking_budget=5, show_thinking=True, extras=own)
    assert write(request)[0] == {"thinkingConfig": {"thinkingBudget": 5, "includeThoughts": True}}
    level = ChatRequest("gemini-2.5-pro", (), effort="xhigh", extras=own)
    assert write(level)[0] == {"thinkingConfig": {"thinkingLevel": "XHIGH"}}


def test_shown_thinking() -> None:
    assert write(ChatRequest("gemini-2.5-pro", (), show_thinking=True))[0] == {
        "thinkingConfig": {"includeThoughts": True}
    }
    assert write(ChatRequest("gemini-2.0-flash", (), show_thinking=True)) == ({}, ("show_thinking",))
    assert write(ChatRequest("gemini-2.0-flash", (), show_thinking=False)) == ({}, ())


def test_logprobs_and_modalities() -> None:
    found = take_config(
        taking(
            generationConfig={
                "responseLogprobs": True,
                "logprobs": 3,
                "responseModalities": ["TEXT", "IMAGE"],
            }
        )
    )
    assert (found.top_logprobs, found.modalities) == (3, ("text", "image"))
    request = ChatRequest("m", (), top_logprobs=0, modalities=("audio",))
    assert write(request)[0] == {"responseLogprobs": True, "responseModalities": ["AUDIO"]}


def test_labels() -> None:
    said = {"team": "a", "cost_center": "b", "costCenter": "c"}
    view = taking(labels=said)
    assert take_labels(view) == said
    assert view.rest == {}
    for odd in ({}, {"team": 7}, {"team": None}, 7):
        kept = taking(labels=odd)
        assert take_labels(kept) is None
        assert "labels" in kept.rest
