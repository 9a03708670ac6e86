"""Failures over every client SDK and dialect of a provider: the SDK's own exceptions, with the gateway's message."""

from __future__ import annotations

import openai
import pytest

from gateway import GatewayProcess
from sdk.speakers.talk import Speaker, Told, Wishes
from sdk.targets import SPEAKERS, TARGETS

pytestmark = pytest.mark.process

every_pair = [
    pytest.mark.parametrize("target", TARGETS),
    pytest.mark.parametrize("name", SPEAKERS),
    pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"]),
]


def pairs(test: object) -> object:
    """Every client, every target, whole and streamed."""
    for mark in every_pair:
        test = mark(test)  # type: ignore[operator]
    return test


def failure(
    speaker: Speaker, kind: str, model: str, *, streams: bool = False, wishes: Wishes | None = None
) -> Told:
    """What the SDK passes on of a failure that it has to raise as its exception for this kind."""
    talk = speaker.talk(model, wishes or Wishes(), streams=streams)
    with pytest.raises(speaker.errors[kind]) as caught:
        talk.say("hello there")
    told = speaker.told(caught.value)
    assert told.headers["x-waypost-request-id"].startswith("wp-")
    return told


# --- the gateway's own --------------------------------------------------------------------------------------------

#: Each dialect's own word for a kind of failure; the OpenAI ones' are the gateway's codes.
WORDS = {
    "chat": {
        "key": "invalid_api_key",
        "model": "model_not_found",
        "rate": "rate_limit_exceeded",
        "budget": "budget_exceeded",
        "field": "invalid_request",
    },
    "messages": {
        "key": "authentication_error",
        "model": "not_found_error",
        "rate": "rate_limit_error",
        "budget": "billing_error",
        "field": "invalid_request_error",
    },
    "gemini": {
        "key": "UNAUTHENTICATED",
        "model": "NOT_FOUND",
        "rate": "RESOURCE_EXHAUSTED",
        "budget": "FAILED_PRECONDITION",
        "field": "INVALID_ARGUMENT",
    },
    "converse": {
        "key": "AccessDeniedException",
        "model": "ResourceNotFoundException",
        "rate": "ThrottlingException",
        "budget": "ServiceQuotaExceededException",
        "field": "ValidationException",
    },
}
WORDS["responses"] = WORDS["chat"]


@pytest.mark.parametrize("name", SPEAKERS)
@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
def test_a_wrong_key(crossing: GatewayProcess, name: str, streams: bool) -> None:
    with SPEAKERS[name](crossing.url, "sk-wp-abcdefgh") as speaker:
        told = failure(speaker, "key", "oai-echo", streams=streams)
    assert told.status == 401
    assert told.word == WORDS[name]["key"]
    assert "key" in told.message
    assert "abcdefgh" not in told.message


@pytest.mark.parametrize("name", SPEAKERS)
@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
def test_a_model_that_does_not_exist(speakers: dict[str, Speaker], name: str, streams: bool) -> None:
    told = failure(speakers[name], "model", "no-such-model", streams=streams)
    assert (told.status, told.word) == (404, WORDS[name]["model"])
    assert "'no-such-model'" in told.message


@pytest.mark.parametrize("name", SPEAKERS)
def test_the_rate_and_the_budget_of_a_key(crossing: GatewayProcess, name: str) -> None:
    slow = crossing.create_key("--name", f"slow {name}", "--rpm", "1")
    with SPEAKERS[name](crossing.url, slow) as speaker:
        speaker.talk("ant-echo").say("hello there")
        told = failure(speaker, "rate", "gem-echo")
    assert (told.status, told.word) == (429, WORDS[name]["rate"])
    assert 0 < int(told.headers["retry-after"]) <= 60
    poor = crossing.create_key("--name", f"poor {name}", "--budget", "0.000001")
    with SPEAKERS[name](crossing.url, poor) as speaker:
        told = failure(speaker, "budget", "res-fast")
    assert (told.status, told.word) == (402 if name != "converse" else told.status, WORDS[name]["budget"])
    assert told.headers["x-should-retry"] == "false"
    assert "budget" in told.message


# --- a provider's -------------------------------------------------------------------------------------------------

#: By fault: the kind, the status, and what the message has to say.
FAULTS = {
    "400": ("request", 400, "Invalid value for 'temperature'."),
    "401": ("down", 502, "own credential"),
    "404": ("model", 404, "model"),
    "429": ("rate", 429, "rate limit"),
    "503": ("down", 502, "The provider failed"),
    "context-length": ("request", 400, ""),
}
#: How each provider says that a prompt is too long: SDKs and frameworks look for these words.
TOO_LONG = {
    "oai": "maximum context length",
    "ant": "prompt is too long",
    "gem": "input token count",
    "res": "maximum context length",
    "bed": "Input is too long",
    "coh": "too many tokens",
}
#: And what each client's own tools look for, whoever the provider is.
CLIENTS_TOO_LONG = {
    "messages": "prompt is too long",
    "gemini": "exceeds the maximum number of tokens",
    "converse": "Input is too long for requested model",
}
#: For the kinds above, as the clients that have types are told.
TYPES = {
    "messages": {"request": "invalid_request_error", "down": "api_error", "model": "not_found_error"},
    "gemini": {"request": "INVALID_ARGUMENT", "down": "UNAVAILABLE", "model": "NOT_FOUND"},
    "converse": {
        "request": "ValidationException",
        "down": "ModelErrorException",
        "model": "ResourceNotFoundException",
    },
}


@pairs
@pytest.mark.parametrize("fault", FAULTS)
def test_a_refusal_by_the_provider(
    speakers: dict[str, Speaker], name: str, target: str, streams: bool, fault: str
) -> None:
    kind, status, words = FAULTS[fault]
    told = failure(speakers[name], kind, f"{target}/fault-{fault}", streams=streams)
    assert told.status == status
    assert (words or TOO_LONG[target]) in told.message
    if fault == "context-length":
        assert CLIENTS_TOO_LONG.get(name, "") in told.message
    if fault == "429":
        assert (told.headers["retry-after"], told.headers["retry-after-ms"]) == ("2", "2000")
    if name in TYPES and kind in TYPES[name]:
        assert told.word == TYPES[name][kind]
    assert "the-operators-own" not in told.message


@pairs
def test_an_overloaded_provider(speakers: dict[str, Speaker], name: str, target: str, streams: bool) -> None:
    # Where there is no 529, the simulator says 503. Clients of Anthropic's dialect know it; every SDK repeats a 503.
    shown = 529 if name == "messages" else 503
    told = failure(speakers[name], "busy", f"{target}/fault-529", streams=streams)
    assert told.status == (shown if target in ("oai", "ant", "res") else 502)
    assert "verloaded" in told.message


@pairs
def test_a_prompt_that_the_provider_filters(
    speakers: dict[str, Speaker], name: str, target: str, streams: bool
) -> None:
    if target != "gem":
        told = failure(speakers[name], "request", f"{target}/fault-content-filter", streams=streams)
        assert told.status == 400
        assert "filter" in told.message
        return
    # Google answers, without content.
    talk = speakers[name].talk("gem/fault-content-filter", streams=streams)
    if name == "chat" and streams:
        with pytest.raises(openai.ContentFilterFinishReasonError):
            talk.say("hello there")
        return
    said = talk.say("hello there")
    words = {"messages": "refusal", "gemini": "", "converse": "content_filtered"}
    assert (said.text, said.finish) == ("", words.get(name, "content_filter"))


# --- in the middle of a stream ------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", SPEAKERS)
@pytest.mark.parametrize("model", ["breaks", "cut"])
def test_an_error_in_the_middle_of_a_stream_is_raised(
    speakers: dict[str, Speaker], name: str, target: str, model: str
) -> None:
    speaker = speakers[name]
    talk = speaker.talk(f"{target}-{model}", streams=True)
    with pytest.raises(speaker.stream_error) as caught:
        talk.say("hello there")
    told = speaker.told(caught.value)
    assert told.message.startswith("The provider")
    if model == "cut":
        assert told.message == "The provider's answer ended before its end. Try again."


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", SPEAKERS)
def test_after_a_failure_the_next_answer_comes(speakers: dict[str, Speaker], name: str, target: str) -> None:
    assert speakers[name].talk(f"{target}-echo", streams=True).say("still here").text == "still here"
