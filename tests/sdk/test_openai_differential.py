"""The same calls directly to the provider and through the gateway give the same objects, but for the cost.

Two simulators with one seed answer the same, as long as both are asked the same in the same order; so a test asks
each of them once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from openai import APIStatusError, OpenAI
from pydantic import BaseModel as Pydantic

from gateway import GatewayProcess, config_for
from sdk.clients import sync_client
from sdk.test_openai_chat import HELLO, PIXEL, tool
from simulated import simulating

pytestmark = pytest.mark.process

Call = dict[str, Any]
#: Everything about an answer that its model decides.
Shape = object


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[OpenAI, OpenAI]]:
    """A client of one simulator, and a client of a gateway before its twin."""
    with ExitStack() as stack:
        alone, behind = (stack.enter_context(simulating()) for _ in range(2))
        folder = tmp_path_factory.mktemp("twin")
        gateway = stack.enter_context(GatewayProcess(folder, config_for(behind.url, provider="retries: 0")))
        yield (
            stack.enter_context(sync_client(alone.url, "any")).client,
            stack.enter_context(sync_client(f"{gateway.url}/v1", gateway.key)).client,
        )


def chat(model: str = "sim-fast", **more: object) -> Call:
    return {"model": model, "messages": HELLO, **more}


def simulate(**parameters: object) -> Call:
    return {"extra_body": {"simulate": parameters}}


_TOOLS = [tool("weather"), tool("time")]
_SCHEMA = {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object", "properties": {
    "a": {"type": "string"}, "b": {"type": "array", "items": {"type": "number"}, "minItems": 2}}}}}  # fmt: skip
_PARTS = [
    {"role": "developer", "content": [{"type": "text", "text": "be brief"}]},
    {"role": "user", "content": [
        {"type": "text", "text": "what — is this? ‘ünïcode’ 🎉"},
        {"type": "image_url", "image_url": {"url": PIXEL}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
        {"type": "file", "file": {"file_id": "file-1"}},
    ]},
]  # fmt: skip
_HISTORY = [
    *HELLO,
    {"role": "assistant", "content": None, "tool_calls": [
        {"id": "call_1", "type": "function", "function": {"name": "time", "arguments": "{ \"a\" : 1 }"}}]},
    {"role": "tool", "tool_call_id": "call_1", "content": "noon"},
    {"role": "assistant", "refusal": "no"},
    {"role": "user", "content": "say it again\n\"quoted\" \u2028 and\ttabbed"},
]  # fmt: skip

CHATS: dict[str, Call] = {
    "plain": chat(),
    "static": chat("sim-static"),
    "three choices": chat(n=3, temperature=0.3, seed=7, stop=["x"], user="u"),
    "logprobs": chat(logprobs=True, top_logprobs=3),
    "limit": chat(max_completion_tokens=3),
    "old limit": chat(max_tokens=3),
    "tools": chat("sim-tools", tools=_TOOLS),
    "one tool": chat("sim-tools", tools=_TOOLS, parallel_tool_calls=False),
    "required tool": chat(tools=_TOOLS, tool_choice="required", n=2),
    "schema": chat("sim-json", response_format=_SCHEMA),
    "parts": chat("sim-echo", messages=_PARTS),
    "history": chat("sim-echo", messages=_HISTORY),
    "refusal": chat("sim-refuse"),
    "reasoning": chat("sim-reason"),
    "shown reasoning": chat("sim-reason", **simulate(show=True, reasoning=4)),
    "cached": chat("sim-cached", **simulate(prompt_tokens=2049)),
    "audio": chat("sim-audio", modalities=["text", "audio"], audio={"voice": "alloy", "format": "wav"}),
    "tier": chat(service_tier="flex", metadata={"a": "b"}, store=False),
    "vendor": chat(extra_body={"x_vendor": {"deep": [1, 2.5, {"k": None}]}, "top_k": 4}),
    "gzip": chat(**simulate(fault="gzip")),
    "one byte at a time": chat(**simulate(fault="bytes")),
    "until the end of the connection": chat(**simulate(fault="http10")),
    "early hints": chat(**simulate(fault="early-hints")),
    "nothing": chat(**simulate(tokens=0)),
}
EMBEDDINGS: dict[str, Call] = {
    "one": {"input": "boat"},
    "floats": {"input": ["boat", "näive ship"], "encoding_format": "float"},
    "tokens": {"input": [[1, 2], [3]], "dimensions": 32},
}
COMPLETIONS: dict[str, Call] = {
    "one": {"model": "sim-fast", "prompt": "boat"},
    "several": {"model": "sim-fast", "prompt": ["a b", "c"], "n": 2, "logprobs": 2},
    "echo": {"model": "sim-echo", "prompt": "  a   b ", "max_tokens": 2, "suffix": "z"},
}
REFUSED: dict[str, Call] = {
    "invalid": chat(**simulate(fault="400")),
    "context": chat(**simulate(fault="context-length")),
    "filter": chat(**simulate(fault="content-filter")),
    "unknown": chat(**simulate(fault="404")),
    "large": chat(**simulate(fault="413")),
    "not understood": chat(**simulate(fault="422")),
    "parameter": chat(**simulate(tps="fast")),
    "wrong type": chat(logprobs="many"),
}


def shape(answer: Pydantic) -> Shape:
    """An answer as plain data, without what only the gateway adds and without the second it was made in."""
    plain = answer.model_dump()
    plain.pop("created", None)
    if plain.get("usage"):
        plain["usage"].pop("cost", None)
    return plain


def compare(both: tuple[OpenAI, OpenAI], call: Callable[[OpenAI], Shape]) -> Shape:
    alone, behind = (call(client) for client in both)
    assert behind == alone
    assert alone
    return alone


@pytest.mark.parametrize("case", CHATS)
def test_whole_chats(both: tuple[OpenAI, OpenAI], case: str) -> None:
    compare(both, lambda client: shape(client.chat.completions.create(**CHATS[case])))


@pytest.mark.parametrize("usage", [False, True], ids=["plain", "with usage"])
@pytest.mark.parametrize("case", CHATS)
def test_streamed_chats(both: tuple[OpenAI, OpenAI], case: str, usage: bool) -> None:
    options = {"stream_options": {"include_usage": True}} if usage else {}
    compare(
        both,
        lambda client: [
            shape(chunk) for chunk in client.chat.completions.create(**CHATS[case], **options, stream=True)
        ],
    )


@pytest.mark.parametrize("case", EMBEDDINGS)
def test_embeddings(both: tuple[OpenAI, OpenAI], case: str) -> None:
    compare(both, lambda client: shape(client.embeddings.create(model="sim-embed", **EMBEDDINGS[case])))


@pytest.mark.parametrize("case", COMPLETIONS)
def test_completions(both: tuple[OpenAI, OpenAI], case: str) -> None:
    compare(both, lambda client: shape(client.completions.create(**COMPLETIONS[case])))
    compare(
        both,
        lambda client: [shape(each) for each in client.completions.create(**COMPLETIONS[case], stream=True)],
    )


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("case", REFUSED)
def test_refusals(both: tuple[OpenAI, OpenAI], case: str, stream: bool) -> None:
    def call(client: OpenAI) -> Shape:
        with pytest.raises(APIStatusError) as caught:
            client.chat.completions.create(**REFUSED[case], stream=stream)
        error = caught.value
        return type(error), error.status_code, error.message, error.param, error.code, error.type

    compare(both, call)
