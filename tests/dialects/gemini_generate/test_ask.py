from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dialects.golden import cases
from waypost.core.asked import Asked, PathAsk
from waypost.dialects.gemini_generate.ask import parse_ask
from waypost.errors import InvalidRequest

CONTENTS = [{"parts": [{"text": "hi"}]}]


def ask(path: PathAsk = PathAsk("m"), **fields: Any) -> Asked:  # noqa: B008
    return parse_ask(msgspec.json.encode({"contents": CONTENTS, **fields}), path=path)


@pytest.mark.parametrize("case", cases("gemini_generate", "requests"))
def test_golden(case: Any) -> None:
    asked = parse_ask(msgspec.json.encode(case["body"]), path=PathAsk("m"))
    seen = {"max_output": asked.max_output, "choices": asked.choices, "tier": asked.tier}
    assert seen == case["asked"]
    assert asked.wants_usage
    assert asked.input_estimate > 0


@pytest.mark.parametrize("config", ["generationConfig", "generation_config"])
@pytest.mark.parametrize("limit", ["maxOutputTokens", "max_output_tokens"])
@pytest.mark.parametrize("count", ["candidateCount", "candidate_count"])
def test_both_spellings(config: str, limit: str, count: str) -> None:
    asked = ask(**{config: {limit: 7, count: 2}})
    assert (asked.max_output, asked.choices) == (7, 2)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"contents": []}, "contents"),
        ({"contents": "hi"}, "contents"),
        ({"generationConfig": 7}, "generationConfig"),
        ({"generationConfig": {}, "generation_config": {}}, "generationConfig"),
        (
            {"generationConfig": {"maxOutputTokens": 1, "max_output_tokens": 9}},
            "generationConfig.maxOutputTokens",
        ),
        ({"generationConfig": {"MaxOutputTokens": 1}}, "generationConfig.MaxOutputTokens"),
        ({"generationConfig": {"maxOutputTokens": -1}}, "maxOutputTokens"),
        ({"generationConfig": {"candidateCount": 0}}, "candidateCount"),
        ({"GenerationConfig": {}}, "GenerationConfig"),
        ({"serviceTier": 7}, "serviceTier"),
    ],
)
def test_refused(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        ask(**fields)
    assert caught.value.param == param


def test_a_repeated_key_is_sent_as_it_was_read() -> None:
    body = b'{"contents":[{}],"generationConfig":{"maxOutputTokens":9,"maxOutputTokens":1}}'
    asked = parse_ask(body, path=PathAsk("m"))
    assert asked.max_output == 1
    assert bytes(asked.fields["generationConfig"]) == b'{"maxOutputTokens":1}'


@pytest.mark.parametrize(
    ("stream", "query", "form"),
    [(False, b"alt=sse", ""), (True, b"alt=sse&key=x", "sse"), (True, b"", "array")],
)
def test_forms(stream: bool, query: bytes, form: str) -> None:
    asked = ask(PathAsk("m", stream, query=query))
    assert (asked.stream, asked.form) == (stream, form)


def test_what_the_model_is_shown_counts() -> None:
    plain = ask().input_estimate
    assert ask(system_instruction={"parts": [{"text": "x" * 300}]}).input_estimate >= plain + 100
    assert ask(tools=[{"googleSearch": {}}]).input_estimate > plain
    assert ask(generationConfig={"responseSchema": {"type": "OBJECT"}}).input_estimate > plain


def test_a_tier() -> None:
    assert ask(service_tier="SERVICE_TIER_FLEX").tier == "flex"
    assert ask(serviceTier="standard").tier == "default"
