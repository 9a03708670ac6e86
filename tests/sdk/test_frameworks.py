"""Frameworks that people build on: LangChain here, LiteLLM and LlamaIndex in an environment of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

from gateway import GatewayProcess
from sdk.seen import seen
from sdk.speakers.talk import Place
from sdk.targets import TARGETS, last_ask
from simulated import SimulatorProcess
from waypost.simulator.counting import PER_MESSAGE

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

FOLDER = Path(__file__).parent / "frameworks"
#: `make test` makes it: these clients want older packages than the tests do.
CLIENTS = Path(sys.prefix) / "clients" / "bin" / "python"


# --- LangChain ----------------------------------------------------------------------------------------------------


@tool
def weather(city: str) -> str:
    """The weather of a city."""
    return f"fine in {city}"


@tool
def clock(city: str) -> str:
    """The time in a city."""
    return f"noon in {city}"


TOOLS = {"weather": weather, "clock": clock}


def connect(kind: str, gateway: GatewayProcess, model: str) -> BaseChatModel:
    """A model of LangChain's for OpenAI's chat, OpenAI's Responses or Anthropic."""
    given: dict[str, Any] = {"model": model, "api_key": gateway.key, "max_retries": 0, "timeout": 20}
    if kind == "anthropic":
        return ChatAnthropic(base_url=gateway.url, max_tokens=100, **given)
    return ChatOpenAI(
        base_url=f"{gateway.url}/v1", use_responses_api=kind == "responses", stream_usage=True, **given
    )


every_pair = [
    pytest.mark.parametrize("target", TARGETS),
    pytest.mark.parametrize("kind", ["chat", "responses", "anthropic"]),
]


def pairs(test: object) -> object:
    """Every class of LangChain's, every target."""
    for mark in every_pair:
        test = mark(test)  # type: ignore[operator]
    return test


@pairs
def test_langchain_talks(crossing: GatewayProcess, kind: str, target: str) -> None:
    model = connect(kind, crossing, f"{target}-echo")
    messages = [SystemMessage("be kind"), HumanMessage("hello there")]
    said = model.invoke(messages)
    assert said.text == "hello there"
    usage = said.usage_metadata
    assert usage is not None
    assert (usage["input_tokens"], usage["output_tokens"]) == (2 * PER_MESSAGE + 4, 2)
    whole: Any = None
    pieces = 0
    for chunk in model.stream(messages):
        assert isinstance(chunk, AIMessageChunk)
        pieces += bool(chunk.text)
        whole = chunk if whole is None else whole + chunk
    assert whole.text == "hello there"
    assert pieces == 2
    assert whole.usage_metadata["output_tokens"] == 2


@pairs
@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
def test_langchain_loops_over_tools(
    crossing: GatewayProcess, many: SimulatorProcess, kind: str, target: str, streams: bool
) -> None:
    messages: list[Any] = [SystemMessage("be kind"), HumanMessage("hello there")]
    model = connect(kind, crossing, f"{target}-tools").bind_tools(list(TOOLS.values()))
    asked: Any
    if streams:
        chunks: list[Any] = list(model.stream(messages))
        asked = chunks[0]
        for chunk in chunks[1:]:
            asked = asked + chunk
    else:
        asked = model.invoke(messages)
    assert [call["name"] for call in asked.tool_calls] == ["weather", "clock"]
    messages.append(asked)
    for call in asked.tool_calls:
        result = TOOLS[call["name"]].invoke(call)
        assert isinstance(result, ToolMessage)
        messages.append(result)
    said = connect(kind, crossing, f"{target}-echo").bind_tools(list(TOOLS.values())).invoke(messages)
    assert said.text == "hello there"
    told = seen(TARGETS[target].dialect, last_ask(many)["body"])
    assert [(call.name, call.arguments) for call in told.calls] == [
        (call["name"], call["args"]) for call in asked.tool_calls
    ]
    assert [result[0] for result in told.results] == [call["id"] for call in asked.tool_calls]


@pairs
def test_langchain_gets_structured_output(crossing: GatewayProcess, kind: str, target: str) -> None:
    model = connect(kind, crossing, f"{target}-json")
    said = model.with_structured_output(Place, method="json_schema").invoke("hello there")
    assert isinstance(said, Place)


# --- in their own environment -------------------------------------------------------------------------------------


def run(script: str, gateway: GatewayProcess, *targets: str) -> dict[str, Any]:
    """What a script printed. It gets nothing of this process's environment but the path."""
    assert CLIENTS.exists(), "run `make test` once: it installs these clients"
    done = subprocess.run(
        [CLIENTS, FOLDER / script, gateway.url, gateway.key, *targets],
        capture_output=True,
        text=True,
        timeout=100,
        env={"PATH": "/usr/bin:/bin", "LITELLM_LOCAL_MODEL_COST_MAP": "True", "NO_PROXY": "127.0.0.1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    made: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return made


def test_litellm(crossing: GatewayProcess) -> None:
    made = run("by_litellm.py", crossing, *TARGETS)
    assert len(made) == 2 * len(TARGETS)
    for pair, got in made.items():
        assert len(set(got.pop("ids"))) == 2, pair
        assert got == {
            "text": "hello there",
            "usage": [PER_MESSAGE + 2, 2],
            "streamed": "hello there",
            "streamed_usage": [PER_MESSAGE + 2, 2],
            "calls": [["weather", ["city"]], ["time", ["city"]]],
            "finish": "tool_calls",
            "after": "hello there",
            "failed": "NotFoundError",
        }, pair


def test_llama_index(crossing: GatewayProcess) -> None:
    made = run("by_llama_index.py", crossing, *TARGETS)
    assert set(made) == set(TARGETS)
    for target, got in made.items():
        assert got.pop("pieces") >= 2, target
        assert len(got.pop("ids")) == 1, target
        assert got == {
            "text": "hello there",
            "streamed": "hello there",
            "calls": [["weather", ["city"]]],
            "after": "hello there",
        }, target
