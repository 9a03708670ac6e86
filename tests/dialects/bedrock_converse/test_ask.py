from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.asked import Asked, PathAsk
from waypost.core.quirks import Quirks
from waypost.dialects.bedrock_converse.ask import onward_path, parse_ask, render_onward
from waypost.dialects.json_limits import DEFAULT
from waypost.errors import InvalidRequest

GOOD: dict[str, Any] = {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}
CLAUDE = "anthropic.claude-sonnet-4-5-20250929-v1:0"
HERE = PathAsk(CLAUDE)
PROMPT = "arn:aws:bedrock:us-east-1:123456789012:prompt/PROMPT12AB:1"


def ask(body: Any, path: PathAsk = HERE) -> Asked:
    return parse_ask(msgspec.json.encode(body), DEFAULT, path)


def test_what_routing_reads() -> None:
    asked = ask(
        {
            **GOOD,
            "inferenceConfig": {"maxTokens": 7},
            "serviceTier": {"type": "flex"},
            "system": [{"text": "x"}],
        },
        PathAsk(CLAUDE, stream=True),
    )
    assert (asked.model, asked.stream, asked.max_output, asked.tier) == (CLAUDE, True, 7, "flex")
    assert asked.wants_usage, "Converse always says its usage"
    assert asked.input_estimate > ask(GOOD).input_estimate > 0


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"inferenceConfig": []}, "inferenceConfig"),
        ({"inferenceConfig": {"maxTokens": -1}}, "maxTokens"),
        ({"inferenceConfig": {"MaxTokens": 1}}, "MaxTokens"),
        ({"InferenceConfig": {}}, "InferenceConfig"),
        ({"serviceTier": {"type": 1}}, "type"),
        ({"modelId": "m"}, "modelId"),
    ],
)
def test_what_is_refused(change: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        ask({**GOOD, **change})
    assert caught.value.param == param


def test_the_path_has_to_name_the_model() -> None:
    for model in ("", "x" * 3000):
        with pytest.raises(InvalidRequest) as caught:
            ask(GOOD, PathAsk(model))
        assert caught.value.param == "modelId"


def test_a_managed_prompt_brings_its_own_messages() -> None:
    assert ask({"promptVariables": {"a": {"text": "b"}}}, PathAsk(PROMPT)).model == PROMPT
    with pytest.raises(InvalidRequest):
        ask({"messages": 7}, PathAsk(PROMPT))


def test_repeated_keys_collapse_to_what_was_read() -> None:
    body = b'{"messages":[{}],"inferenceConfig":{"maxTokens":1,"maxTokens":2},"x":1}'
    asked = parse_ask(body, DEFAULT, PathAsk("m"))
    assert asked.max_output == 2
    assert render_onward(asked, "other", Quirks()).body == body.replace(b'"maxTokens":1,', b"")


def test_a_providers_refused_fields_are_left_out_and_named() -> None:
    onward = render_onward(
        ask({**GOOD, "serviceTier": {"type": "flex"}}), "m", Quirks(drop=("serviceTier", "x"))
    )
    assert onward.dropped == ("serviceTier",)
    assert b"serviceTier" not in onward.body


@pytest.mark.parametrize(
    ("model", "stream", "path"),
    [
        (CLAUDE, False, "/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse"),
        (
            "arn:aws:bedrock:us-east-1:1:inference-profile/us.a",
            True,
            "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.a/converse-stream",
        ),
        ("a?b#c d", False, "/model/a%3Fb%23c%20d/converse"),
    ],
)
def test_the_model_stands_encoded_in_the_path(model: str, stream: bool, path: str) -> None:
    assert onward_path(model, stream) == path


@pytest.mark.parametrize("model", ["", ".", "..", "x" * 3000])
def test_ids_that_can_not_stand_in_a_path(model: str) -> None:
    with pytest.raises(InvalidRequest):
        onward_path(model, False)
