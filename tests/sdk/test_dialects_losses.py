"""What one dialect can say and another can not: settings are named, content and tools are refused or, if the client
says so, dropped and named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from google.genai import types

from sdk.speakers.talk import Speaker, Wishes
from sdk.targets import SPEAKERS, TARGETS, last_ask
from simulated import SimulatorProcess

pytestmark = pytest.mark.process

#: The target of each client's own dialect, to which everything passes.
OWN = {"chat": "oai", "responses": "res", "messages": "ant", "gemini": "gem", "converse": "bed"}
PAIRS = [(name, target) for name in SPEAKERS for target in TARGETS if target != OWN[name]]

#: Settings of each SDK that not every dialect has.
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "chat": {"seed": 7, "logit_bias": {"5": 1}, "frequency_penalty": 0.5},
    "responses": {"truncation": "auto", "max_tool_calls": 3},
    "messages": {"extra_body": {"top_k": 5}, "metadata": {"user_id": "u"}},
    "gemini": {
        "seed": 7,
        "top_k": 5,
        "safety_settings": [
            types.SafetySetting(
                category=types.HarmCategory.HARM_CATEGORY_HARASSMENT,
                threshold=types.HarmBlockThreshold.BLOCK_NONE,
            )
        ],
    },
    "converse": {"requestMetadata": {"a": "b"}, "performanceConfig": {"latency": "optimized"}},
}
#: Those that a target is not told of, by the client's own names.
_SEED, _TOP_K = "generationConfig.seed", "generationConfig.topK"
NAMED = {
    ("chat", "ant"): {"logit_bias", "frequency_penalty", "seed"},
    ("chat", "gem"): {"logit_bias"},
    ("chat", "res"): {"logit_bias", "frequency_penalty", "seed"},
    ("chat", "bed"): {"logit_bias", "frequency_penalty", "seed"},
    ("chat", "coh"): {"logit_bias"},
    ("responses", "oai"): {"max_tool_calls", "truncation"},
    ("responses", "ant"): {"max_tool_calls", "truncation"},
    ("responses", "gem"): {"max_tool_calls", "truncation"},
    ("responses", "bed"): {"max_tool_calls", "truncation"},
    ("responses", "coh"): {"max_tool_calls", "truncation"},
    # Servers of OpenAI's chat that nothing is known of are told of it: most of them know it.
    ("messages", "oai"): set(),
    ("messages", "gem"): {"metadata.user_id"},
    ("messages", "res"): {"top_k"},
    ("messages", "bed"): {"metadata.user_id", "top_k"},
    ("messages", "coh"): {"metadata.user_id"},
    ("gemini", "oai"): {"safetySettings"},
    ("gemini", "ant"): {"safetySettings", _SEED},
    ("gemini", "res"): {"safetySettings", _TOP_K, _SEED},
    ("gemini", "bed"): {"safetySettings", _SEED, _TOP_K},
    ("gemini", "coh"): {"safetySettings"},
    ("converse", "oai"): {"performanceConfig"},
    ("converse", "ant"): {"performanceConfig", "requestMetadata"},
    ("converse", "gem"): {"performanceConfig"},
    ("converse", "res"): {"performanceConfig"},
    ("converse", "coh"): {"performanceConfig", "requestMetadata"},
}

#: A tool of each provider's own.
BUILT_IN: Mapping[str, Mapping[str, Any]] = {
    "chat": {"tools": [{"type": "custom", "custom": {"name": "grep"}}]},
    "responses": {"tools": [{"type": "web_search"}]},
    "messages": {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
    "gemini": {"tools": [types.Tool(google_search=types.GoogleSearch())]},
    "converse": {"toolConfig": {"tools": [{"systemTool": {"name": "nova_grounding"}}]}},
}
REFUSED = {
    "chat": "unrepresentable",
    "responses": "unrepresentable",
    "messages": "invalid_request_error",
    "gemini": "INVALID_ARGUMENT",
    "converse": "ValidationException",
}


def test_no_pair_is_left_out() -> None:
    assert set(NAMED) == set(PAIRS)


@pytest.mark.parametrize(("name", "target"), PAIRS)
@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
def test_settings_that_can_not_be_said_are_named(
    speakers: dict[str, Speaker], name: str, target: str, streams: bool
) -> None:
    talk = speakers[name].talk(f"{target}-echo", Wishes(more=SETTINGS[name]), streams=streams)
    said = talk.say("hello there")
    assert said.text == "hello there"
    assert set(filter(None, said.headers.get("x-waypost-dropped", "").split(", "))) == NAMED[name, target]


@pytest.mark.parametrize("name", SPEAKERS)
def test_in_its_own_dialect_everything_passes(
    speakers: dict[str, Speaker], many: SimulatorProcess, name: str
) -> None:
    own = f"{OWN[name]}-echo"
    said = speakers[name].talk(own, Wishes(more=SETTINGS[name])).say("hello there")
    assert "x-waypost-dropped" not in said.headers
    said = speakers[name].talk(own, Wishes(more=BUILT_IN[name])).say("hello there")
    assert "x-waypost-dropped" not in said.headers
    body = str(last_ask(many)["body"])
    assert any(word in body for word in ("grep", "web_search", "googleSearch", "nova_grounding"))


@pytest.mark.parametrize(("name", "target"), PAIRS)
@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("word", [None, "refuse"])
def test_tools_without_a_form_are_refused(
    speakers: dict[str, Speaker], name: str, target: str, streams: bool, word: str | None
) -> None:
    speaker = speakers[name]
    headers = {} if word is None else {"x-waypost-on-loss": word}
    talk = speaker.talk(f"{target}-echo", Wishes(more=BUILT_IN[name], headers=headers), streams=streams)
    with pytest.raises(speaker.errors["request"]) as caught:
        talk.say("hello there")
    told = speaker.told(caught.value)
    assert (told.status, told.word) == (400, REFUSED[name])
    assert "tools[0]" in told.message
    assert "x-waypost-dropped" not in told.headers


@pytest.mark.parametrize(("name", "target"), PAIRS)
@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
def test_or_dropped_if_the_client_says_so(
    speakers: dict[str, Speaker], many: SimulatorProcess, name: str, target: str, streams: bool
) -> None:
    wishes = Wishes(more=BUILT_IN[name], headers={"x-waypost-on-loss": "drop"})
    said = speakers[name].talk(f"{target}-echo", wishes, streams=streams).say("hello there")
    assert said.text == "hello there"
    assert said.headers["x-waypost-dropped"] == "tools[0]"
    body = last_ask(many)["body"]
    assert not body.get("tools")
    assert "waypost" not in str(body)


@pytest.mark.parametrize("name", ["chat", "responses", "messages"])
def test_the_body_may_say_it_too(speakers: dict[str, Speaker], many: SimulatorProcess, name: str) -> None:
    more = {**BUILT_IN[name], "extra_body": {"waypost": {"on_loss": "drop"}}}
    said = speakers[name].talk("gem-echo", Wishes(more=more)).say("hello there")
    assert said.headers["x-waypost-dropped"] == "tools[0]"
    assert "waypost" not in str(last_ask(many)["body"])
