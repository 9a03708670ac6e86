"""Every client SDK over every dialect of a provider: talks as applications have them, whole and streamed.

The record of the simulator shows what reached the provider; what a pair can not say is in the tables here, by name.
"""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode

import openai
import pytest

from sdk.seen import Seen, seen
from sdk.speakers.talk import SCHEMA, Place, Said, Speaker, Wishes
from sdk.targets import SPEAKERS, TARGETS, last_ask
from simulated import SimulatorProcess
from waypost.simulator.counting import PER_IMAGE, PER_MESSAGE

pytestmark = pytest.mark.process

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c63606060f80f0001040100a7d5b3a40000000049454e44ae426082"
)
TOOLS = ("weather", "time")

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


def reached(provider: SimulatorProcess, target: str) -> Seen:
    """What the provider was asked last, at the path of its dialect and with the operator's key."""
    ask = last_ask(provider)
    assert ask["path"].startswith(TARGETS[target].calls)
    return seen(TARGETS[target].dialect, ask["body"])


# --- text ---------------------------------------------------------------------------------------------------------

#: The words for a natural end, and for one by the output limit.
ENDS = {
    "chat": ("stop", "length"),
    "responses": ("completed", "max_output_tokens"),
    "messages": ("end_turn", "max_tokens"),
    "gemini": ("STOP", "MAX_TOKENS"),
    "converse": ("end_turn", "max_tokens"),
}


@pairs
def test_a_talk_of_two_turns_with_instructions(
    speakers: dict[str, Speaker], many: SimulatorProcess, name: str, target: str, streams: bool
) -> None:
    talk = speakers[name].talk(f"{target}-echo", Wishes(system="be very kind"), streams=streams)
    first = talk.say("one two three")
    assert (first.text, first.finish) == ("one two three", ENDS[name][0])
    assert (first.counted.input, first.counted.output) == (2 * PER_MESSAGE + 3 + 3, 3)
    assert not streams or first.pieces >= 3
    second = talk.say("four five")
    assert second.text == "four five"
    assert second.counted.input == first.counted.input + 3 + 2 + 2 * PER_MESSAGE
    assert reached(many, target).system == "be very kind"
    assert "x-waypost-dropped" not in second.headers
    assert second.headers["x-waypost-provider"] == target
    assert second.headers["x-waypost-model"] == "sim-echo"


@pairs
def test_the_output_limit(
    speakers: dict[str, Speaker], many: SimulatorProcess, name: str, target: str, streams: bool
) -> None:
    # Responses takes no less than 16 tokens.
    limit = 16 if name == "responses" or target == "res" else 4
    talk = speakers[name].talk(f"{target}-long", Wishes(limit=limit, temperature=0.5), streams=streams)
    if name == "chat" and streams:
        # The SDK's accumulator parses, and gives up on what was cut: the reason reached it.
        with pytest.raises(openai.LengthFinishReasonError) as caught:
            talk.say("hello there")
        assert len((caught.value.completion.choices[0].message.content or "").split()) == limit
    else:
        said = talk.say("hello there")
        assert said.finish == ENDS[name][1]
        assert said.counted.output == len(said.text.split()) == limit
    told = reached(many, target)
    assert (told.limit, told.temperature) == (limit, 0.5)


#: Who is told that a stop sequence was met, and not merely that the answer ended: clients with a word for it, of
#: targets that say it, Anthropic's clients only with the sequence itself, which Bedrock does not tell.
STOPPED = {("messages", "ant"), ("converse", "ant"), ("converse", "bed")}


@pairs
def test_a_stop_sequence(
    speakers: dict[str, Speaker], many: SimulatorProcess, name: str, target: str, streams: bool
) -> None:
    if name == "responses":
        assert (
            "stop"
            not in openai.types.responses.response_create_params.ResponseCreateParamsBase.__annotations__
        )
        return
    talk = speakers[name].talk(f"{target}-echo", Wishes(stop="halt"), streams=streams)
    said = talk.say("one two halt three")
    if target == "res":
        # OpenAI's Responses have no stop sequences.
        assert said.text == "one two halt three"
        assert "stop" in said.headers["x-waypost-dropped"].lower()
        return
    assert reached(many, target).stop == ["halt"]
    assert "x-waypost-dropped" not in said.headers
    # The simulator's OpenAI side does not stop: the gateway adds nothing of its own.
    assert said.text.strip() == ("one two halt three" if target == "oai" else "one two")
    assert said.finish == ("stop_sequence" if (name, target) in STOPPED else ENDS[name][0])


@pairs
def test_a_picture(
    speakers: dict[str, Speaker], many: SimulatorProcess, name: str, target: str, streams: bool
) -> None:
    said = speakers[name].talk(f"{target}-echo", streams=streams).say("what is this", png=PNG)
    assert said.text == "what is this"
    assert said.counted.input == PER_MESSAGE + 3 + PER_IMAGE
    body = json.dumps(last_ask(many)["body"])
    # Google's SDK writes base64 for URLs.
    assert b64encode(PNG).decode() in body or urlsafe_b64encode(PNG).decode() in body
    assert "image/png" in body or '"format": "png"' in body


@pairs
def test_an_answer_in_the_form_of_a_model_of_pydantic(
    speakers: dict[str, Speaker], name: str, target: str, streams: bool
) -> None:
    said = speakers[name].talk(f"{target}-json", Wishes(schema=Place), streams=streams).say("hello there")
    if name == "gemini" and streams:
        assert Place.model_validate_json(said.text)  # the SDK parses whole answers alone
        return
    assert isinstance(said.parsed, Place)
    assert json.loads(said.text) == said.parsed.model_dump()


#: Who refuses, and how each client is told: as a refusal, as a filter, or as an end like any other where the target
#: says the refusal in words alone.
REFUSALS = {
    "chat": ("stop", "content_filter"),
    "responses": ("completed", "content_filter"),
    "messages": ("refusal", "refusal"),
    "gemini": ("STOP", "SAFETY"),
    "converse": ("end_turn", "content_filtered"),
}


@pairs
def test_a_refusal(speakers: dict[str, Speaker], name: str, target: str, streams: bool) -> None:
    talk = speakers[name].talk(f"{target}-refuse", streams=streams)
    by_filter = target in ("ant", "gem", "bed")
    if name == "chat" and streams and by_filter:
        with pytest.raises(openai.ContentFilterFinishReasonError):
            talk.say("build it")
        return
    said = talk.say("build it")
    # Cohere has no word for a refusal.
    assert said.finish == (ENDS[name][0] if target == "coh" else REFUSALS[name][by_filter])


# --- tools --------------------------------------------------------------------------------------------------------

#: The word for an end with tool calls.
CALLED = {
    "chat": "tool_calls",
    "responses": "completed",
    "messages": "tool_use",
    "gemini": "STOP",
    "converse": "tool_use",
}


def check_loop(said: Said, name: str) -> None:
    assert [call.name for call in said.calls] == list(TOOLS)
    assert said.finish == CALLED[name]
    assert len({call.id for call in said.calls if call.id}) == 2
    for call in said.calls:
        assert set(call.arguments) == {"city", "days"}
        assert isinstance(call.arguments["days"], int)


@pairs
def test_a_tool_loop_with_parallel_calls(
    speakers: dict[str, Speaker], many: SimulatorProcess, name: str, target: str, streams: bool
) -> None:
    wishes = Wishes(system="be kind", tools=TOOLS)
    talk = speakers[name].talk(f"{target}-tools", wishes, streams=streams)
    asked = talk.say("hello there")
    check_loop(asked, name)
    told = reached(many, target)
    assert [tool for tool, _ in told.tools] == list(TOOLS)
    for _, schema in told.tools:
        assert schema["properties"] == SCHEMA["properties"]
        assert schema["required"] == SCHEMA["required"]

    talk.model = f"{target}-echo"
    said = talk.answer([(call, f"the {call.name} is 7.50") for call in asked.calls])
    assert said.text == "hello there"
    assert said.finish == ENDS[name][0]
    told = reached(many, target)
    assert told.calls == list(asked.calls)
    assert [result[0] for result in told.results] == [call.id for call in asked.calls]
    for (_, tool, result), call in zip(told.results, asked.calls, strict=True):
        assert tool in ("", call.name)
        assert f"the {call.name} is 7.50" in str(result)

    # And once more, with the whole loop in the history.
    talk.model = f"{target}-tools"
    check_loop(talk.say("and now"), name)
    assert len(reached(many, target).calls) == 2


#: What each client calls the choice of a tool.
CHOICE = {
    "chat": "tool_choice",
    "responses": "tool_choice",
    "messages": "tool_choice",
    "gemini": "toolConfig",
    "converse": "toolConfig.toolChoice",
}


@pairs
@pytest.mark.parametrize(
    ("choice", "called"), [("none", []), ("any", ["weather", "time"]), ("time", ["time"])]
)
def test_the_choice_of_a_tool(
    speakers: dict[str, Speaker],
    many: SimulatorProcess,
    name: str,
    target: str,
    streams: bool,
    choice: str,
    called: list[str],
) -> None:
    if name == "converse" and choice == "none":
        shape = speakers[name].client.meta.service_model.shape_for("ToolChoice")  # type: ignore[attr-defined]
        assert set(shape.members) == {"auto", "any", "tool"}, "Bedrock has a word for no tools now: test it"
        return
    # A model that calls when it may shows what is forbidden, one that does not what is demanded.
    model = "tools" if choice == "none" else "fast"
    talk = speakers[name].talk(f"{target}-{model}", Wishes(tools=TOOLS, choice=choice), streams=streams)
    said = talk.say("hello there")
    if target == "coh" and choice == "time":
        # Cohere can be told to call something, not what.
        assert said.calls
        assert CHOICE[name] in said.headers["x-waypost-dropped"]
        return
    assert [call.name for call in said.calls] == called
    assert bool(said.text) is not bool(called)
    told = reached(many, target)
    tools = [tool for tool, _ in told.tools]
    assert tools in (list(TOOLS), called)
    assert told.choice == choice or tools == called
