"""Thinking through a tool loop: shown, signed, and back to whom it came from, where the client can keep it.

The simulator refuses a signature that was changed or is another's, and a loop of Anthropic's that goes on with a
thinking budget and without the thinking.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from anthropic import Anthropic
from openai import OpenAI

from gateway import GatewayProcess
from sdk.speakers.talk import Speaker, Wishes
from sdk.targets import SPEAKERS, TARGETS, last_ask
from simulated import SimulatorProcess

pytestmark = pytest.mark.process


@dataclass(frozen=True)
class Fate:
    """What of a request for thinking, and of its answer, a pair can not carry, as `x-waypost-dropped` names it."""

    asked: str = ""
    """Of the first request."""
    answered: str = ""
    """Of the second one, which has the thinking of the first answer in it."""
    back: bool = True
    """The thinking went back to the provider, with its signature where it signs."""


#: The simulator's models have none of the names by which the gateway knows who can be told how much to think.
_G = "generationConfig.thinkingConfig"
FATES = {
    ("chat", "oai"): Fate(),
    ("chat", "ant"): Fate(),
    ("chat", "gem"): Fate("reasoning_effort", "reasoning_effort"),
    ("chat", "res"): Fate(),
    ("chat", "bed"): Fate("reasoning_effort", "reasoning_effort"),
    ("chat", "coh"): Fate(),
    ("responses", "oai"): Fate("reasoning.summary", "messages[1].thinking, reasoning.summary", False),
    ("responses", "ant"): Fate(),
    ("responses", "gem"): Fate("reasoning.effort, reasoning.summary", "reasoning.effort, reasoning.summary"),
    ("responses", "res"): Fate(),
    ("responses", "bed"): Fate("reasoning.summary, reasoning.effort", "reasoning.summary, reasoning.effort"),
    ("responses", "coh"): Fate(),
    ("messages", "oai"): Fate("", "messages[1].thinking", False),
    ("messages", "ant"): Fate(),
    ("messages", "gem"): Fate("thinking.budget_tokens", "thinking.budget_tokens", False),
    ("messages", "res"): Fate("", "messages[1].thinking", False),
    ("messages", "bed"): Fate("thinking.budget_tokens", "thinking.budget_tokens"),
    ("messages", "coh"): Fate(),
    ("gemini", "oai"): Fate(f"{_G}.includeThoughts", f"messages[1].thinking, {_G}.includeThoughts", False),
    # The budget is let go with the thinking: Anthropic takes no such turn with one.
    ("gemini", "ant"): Fate("", f"messages[1].thinking, {_G}.thinkingBudget, {_G}.includeThoughts", False),
    ("gemini", "gem"): Fate(),
    ("gemini", "res"): Fate("", "messages[1].thinking", False),
    ("gemini", "bed"): Fate(
        f"{_G}.includeThoughts, {_G}.thinkingBudget",
        f"messages[1].thinking, {_G}.includeThoughts, {_G}.thinkingBudget",
        False,
    ),
    ("gemini", "coh"): Fate(),
    ("converse", "oai"): Fate("", "messages[1].thinking", False),
    ("converse", "ant"): Fate(),
    ("converse", "gem"): Fate(
        "additionalModelRequestFields.thinking", "additionalModelRequestFields.thinking", False
    ),
    ("converse", "res"): Fate("", "messages[1].thinking", False),
    ("converse", "bed"): Fate(),
    ("converse", "coh"): Fate(),
}

#: How thinking that comes back looks to each provider: the conversation's field, and the word for the signature, or
#: for the thinking itself where nothing is signed.
BACK = {
    "oai": ("messages", "reasoning_content"),
    "ant": ("messages", "signature"),
    "gem": ("contents", "thoughtSignature"),
    "res": ("input", "encrypted_content"),
    "bed": ("messages", "signature"),
    "coh": ("messages", "thinking"),
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", SPEAKERS)
@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
def test_thinking_through_a_tool_loop(
    speakers: dict[str, Speaker], many: SimulatorProcess, name: str, target: str, streams: bool
) -> None:
    fate = FATES[name, target]
    wishes = Wishes(tools=("weather", "time"), thinks=True)
    talk = speakers[name].talk(f"{target}-works", wishes, streams=streams)
    asked = talk.say("hello there")
    # Cohere's plan of what to call, 6 words, is thinking too.
    assert len(asked.thinking.split()) == (37 if target == "coh" else 32)
    assert [call.name for call in asked.calls] == ["weather", "time"]
    assert asked.headers.get("x-waypost-dropped", "") == fate.asked
    # Bedrock and Cohere do not say how much of the output was thinking.
    if asked.counted.reasoning is not None:
        assert asked.counted.reasoning == (0 if target in ("bed", "coh") else 32)

    talk.model = f"{target}-thinks"
    said = talk.answer([(call, "fine") for call in asked.calls])
    assert len(said.thinking.split()) == 32
    assert len(said.text.split()) == 16
    assert said.headers.get("x-waypost-dropped", "") == fate.answered
    field, word = BACK[target]
    assert (f'"{word}": ' in json.dumps(last_ask(many)["body"][field])) is fate.back
    if fate.back and target != "coh":  # whose plan and thinking come in two parts
        assert asked.thinking[:40] in json.dumps(last_ask(many)["body"]) or target == "gem"


def test_no_pair_is_left_out() -> None:
    assert set(FATES) == {(name, target) for name in SPEAKERS for target in TARGETS}


UNSIGNED = [{"type": "reasoning.text", "text": "hm", "format": "anthropic-claude-v1", "index": 0}]
"""As a client keeps it of a stream that broke off, or of a server that signs nothing."""


@pytest.mark.parametrize("target", ["ant", "bed"])
@pytest.mark.parametrize("signature", [None, ""])
def test_reasoning_without_a_signature_does_not_go_to_claude(
    crossing: GatewayProcess, many: SimulatorProcess, target: str, signature: str | None
) -> None:
    """The simulator refuses it as Anthropic does: with a 400."""
    details = [{**UNSIGNED[0], **({} if signature is None else {"signature": signature})}]
    said: Any = {"role": "assistant", "content": "Hello.", "reasoning_details": details}
    with OpenAI(base_url=f"{crossing.url}/v1", api_key=crossing.key, max_retries=0) as client:
        raw = client.chat.completions.with_raw_response.create(
            model=f"{target}-claude",
            messages=[{"role": "user", "content": "Hi"}, said, {"role": "user", "content": "And?"}],
        )
    assert raw.headers["x-waypost-dropped"] == "messages[1].thinking"
    assert "signature" not in json.dumps(last_ask(many)["body"])
    assert '"hm"' not in json.dumps(last_ask(many)["body"])


def test_an_empty_signature_of_the_gateways_own_does_not_reach_another_dialects_claude(
    crossing: GatewayProcess, many: SimulatorProcess
) -> None:
    """Clients of Anthropic's format get one with the reasoning of others, because its types want one."""
    thought: Any = {"type": "thinking", "thinking": "hm", "signature": ""}
    with Anthropic(base_url=crossing.url, api_key=crossing.key, max_retries=0) as client:
        raw = client.messages.with_raw_response.create(
            model="bed-claude",
            max_tokens=2000,
            messages=[
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "content": [thought, {"type": "text", "text": "Hello."}]},
                {"role": "user", "content": "And?"},
            ],
        )
    assert raw.headers["x-waypost-dropped"] == "messages[1].thinking"
    assert "signature" not in json.dumps(last_ask(many)["body"])
