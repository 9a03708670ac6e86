"""The official Python SDK, streams: deltas as the provider sent them, the bill in the last chunk."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from openai import APIError, AsyncOpenAI, OpenAI, Stream
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

from sdk.clients import Sdk
from sdk.test_openai_chat import HELLO, Place, cost_nusd, tool
from waypost.simulator.bill import SIMULATED_PRICES, Tokens, charge

pytestmark = pytest.mark.process

Chunks = list[ChatCompletionChunk]


def text(chunks: Chunks, place: int = 0) -> str:
    return "".join(
        choice.delta.content or "" for chunk in chunks for choice in chunk.choices if choice.index == place
    )


def test_a_stream_is_the_text_in_pieces(sdk: Sdk[OpenAI]) -> None:
    message: ChatCompletionMessageParam = {"role": "user", "content": "one two three four"}
    stream = sdk.client.chat.completions.create(model="sim-echo", messages=[message], stream=True)
    assert isinstance(stream, Stream)
    chunks = list(stream)
    assert text(chunks) == "one two three four"
    assert [chunk.choices[0].delta.content for chunk in chunks][:3] == ["", "one", " two"]
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert len({chunk.id for chunk in chunks}) == 1
    assert sdk.headers["content-type"].startswith("text/event-stream")
    assert sdk.headers["x-waypost-model"] == "sim-echo"
    assert sdk.headers["x-waypost-request-id"] == sdk.headers["x-request-id"]


def test_no_usage_reaches_a_client_that_did_not_ask(client: OpenAI) -> None:
    # The gateway asks the provider for the usage all the same, to know what it costs.
    chunks = list(client.chat.completions.create(model="sim-fast", messages=HELLO, stream=True))
    assert all(chunk.choices for chunk in chunks)
    assert all(chunk.usage is None for chunk in chunks)


def test_the_usage_chunk_has_the_cost(client: OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="sim-fast", messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
    )
    assert all(chunk.usage is None for chunk in chunks[:-1])
    last = chunks[-1]
    assert last.choices == []
    assert last.usage is not None
    assert (last.usage.prompt_tokens, last.usage.completion_tokens) == (5, 16)
    assert cost_nusd(last.usage) == charge(SIMULATED_PRICES["sim-fast"], Tokens(prompt=5, completion=16))


@pytest.mark.parametrize(
    ("model", "nusd"), [("sim-thinks", 3_365_000), ("sim-recalls", 163_200), ("sim-hears", 405_000)]
)
def test_each_kind_of_token_has_its_own_price_in_a_stream_too(client: OpenAI, model: str, nusd: int) -> None:
    *_, last = client.chat.completions.create(
        model=model, messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    assert cost_nusd(last.usage) == nusd


@pytest.mark.parametrize("fault", ["usage-missing", "usage-null"])
def test_a_provider_without_usage_is_estimated_and_said_so(client: OpenAI, fault: str) -> None:
    *_, last = client.chat.completions.create(
        model="sim-fast",
        messages=HELLO,
        stream=True,
        stream_options={"include_usage": True},
        extra_body={"simulate": {"fault": fault}},
    )
    assert last.usage is not None
    assert last.usage.completion_tokens == 16
    assert last.usage.model_extra is not None
    assert last.usage.model_extra["estimated"] is True
    assert cost_nusd(last.usage) > 0


def test_several_choices_are_interleaved(client: OpenAI) -> None:
    chunks = list(client.chat.completions.create(model="sim-fast", messages=HELLO, stream=True, n=3))
    texts = {text(chunks, place) for place in range(3)}
    assert len(texts) == 3
    assert {len(said.split()) for said in texts} == {16}


def test_log_probabilities_come_with_their_tokens(client: OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="sim-fast", messages=HELLO, stream=True, logprobs=True, top_logprobs=1
        )
    )
    tokens = [
        entry.token
        for chunk in chunks
        if (logprobs := chunk.choices[0].logprobs) is not None
        for entry in logprobs.content or ()
    ]
    assert "".join(tokens) == text(chunks)


def test_parallel_tool_calls_arrive_in_fragments(client: OpenAI) -> None:
    chunks = client.chat.completions.create(
        model="sim-tools", messages=HELLO, stream=True, tools=[tool("weather"), tool("time")]
    )
    names: dict[int, str] = {}
    arguments = {0: "", 1: ""}
    finish = None
    for chunk in chunks:
        choice = chunk.choices[0]
        finish = choice.finish_reason or finish
        for call in choice.delta.tool_calls or ():
            assert call.function is not None
            if call.function.name:
                names[call.index] = call.function.name
            arguments[call.index] += call.function.arguments or ""
    assert names == {0: "weather", 1: "time"}
    assert all("city" in msgspec.json.decode(each, type=dict[str, str]) for each in arguments.values())
    assert finish == "tool_calls"


def test_the_sdks_own_accumulation_of_tool_calls(client: OpenAI) -> None:
    with client.chat.completions.stream(
        model="sim-tools",
        messages=HELLO,
        tools=[tool("weather"), tool("time")],
        stream_options={"include_usage": True},
    ) as stream:
        kinds = [event.type for event in stream]
        said = stream.get_final_completion()
    assert kinds.count("tool_calls.function.arguments.done") == 2
    calls = said.choices[0].message.tool_calls
    assert calls is not None
    assert [call.function.name for call in calls] == ["weather", "time"]
    assert all(msgspec.json.decode(call.function.arguments) for call in calls)
    assert cost_nusd(said.usage) > 0


def test_the_sdks_own_parsing_of_a_streamed_schema(client: OpenAI) -> None:
    with client.chat.completions.stream(model="sim-json", messages=HELLO, response_format=Place) as stream:
        said = stream.get_final_completion()
    assert isinstance(said.choices[0].message.parsed, Place)


def test_fields_that_no_specification_knows_pass_in_every_chunk(client: OpenAI) -> None:
    for chunk in client.chat.completions.create(
        model="sim-reason",
        messages=HELLO,
        stream=True,
        stream_options={"include_usage": True},
        extra_body={"simulate": {"show": True, "reasoning": 2, "tokens": 2}},
    ):
        assert chunk.model_extra is not None
        assert chunk.model_extra["x_sim"]["nested"] == {"kept": [1, "two", None]}


def test_reasoning_text_of_a_vendor_passes(client: OpenAI) -> None:
    thoughts: list[Any] = []
    for chunk in client.chat.completions.create(
        model="sim-reason",
        messages=HELLO,
        stream=True,
        extra_body={"simulate": {"show": True, "reasoning": 5}},
    ):
        extra = chunk.choices[0].delta.model_extra or {}
        thoughts += [extra["reasoning_content"]] if "reasoning_content" in extra else []
    assert len(thoughts) == 5


def test_options_of_the_stream_pass(client: OpenAI) -> None:
    plain = list(
        client.chat.completions.create(
            model="sim-fast", messages=HELLO, stream=True, stream_options={"include_obfuscation": False}
        )
    )
    assert not any(chunk.obfuscation for chunk in plain)
    padded = list(client.chat.completions.create(model="sim-fast", messages=HELLO, stream=True))
    assert any(chunk.obfuscation for chunk in padded)


def test_a_break_in_the_stream_is_an_error_and_not_an_end(client: OpenAI) -> None:
    # Slow enough that the first tokens are out before the provider fails.
    stream = client.chat.completions.create(
        model="sim-fast",
        messages=HELLO,
        stream=True,
        extra_body={"simulate": {"fault": "error-stream", "k": 3, "tps": 20}},
    )
    chunks: Chunks = []
    with pytest.raises(APIError) as caught:
        chunks.extend(stream)
    assert 1 <= len(text(chunks).split()) <= 3
    assert caught.value.code == "upstream_unavailable"
    assert caught.value.type == "upstream_error"
    assert "provider" in caught.value.message


@pytest.mark.parametrize("fault", ["reset-stream", "cut-body", "cut-event", "cut-clean", "half-close"])
def test_a_cut_in_the_stream_is_an_error_and_not_an_end(client: OpenAI, fault: str) -> None:
    stream = client.chat.completions.create(
        model="sim-fast",
        messages=HELLO,
        stream=True,
        extra_body={"simulate": {"fault": fault, "k": 2, "tps": 20}},
    )
    with pytest.raises(APIError) as caught:
        list(stream)
    assert caught.value.code in ("upstream_truncated", "upstream_unavailable")


def test_a_failure_before_the_first_token_is_another_attempt(sdk: Sdk[OpenAI]) -> None:
    chunks = list(sdk.client.chat.completions.create(model="sim-backed", messages=HELLO, stream=True))
    assert len(text(chunks).split()) == 16
    assert sdk.headers["x-waypost-model"] == "sim-fast"
    assert int(sdk.headers["x-waypost-attempts"]) >= 2


async def test_asynchronous_streams_side_by_side(async_openai: AsyncOpenAI) -> None:
    async def one(words: str) -> str:
        said = ""
        async for chunk in await async_openai.chat.completions.create(
            model="sim-echo",
            messages=[{"role": "user", "content": words}],
            stream=True,
            extra_body={"simulate": {"tps": 200}},
        ):
            said += chunk.choices[0].delta.content or ""
        return said

    texts = [f"stream number {place} speaks for itself" for place in range(20)]
    assert await asyncio.gather(*(one(words) for words in texts)) == texts


async def test_a_client_that_leaves_a_stream_can_go_on_asking(async_openai: AsyncOpenAI) -> None:
    for _ in range(3):
        async with await async_openai.chat.completions.create(
            model="sim-fast", messages=HELLO, stream=True, extra_body={"simulate": {"tps": 40}}
        ) as stream:
            async for chunk in stream:
                if chunk.choices[0].delta.content:
                    break
    said = await async_openai.chat.completions.create(model="sim-fast", messages=HELLO)
    assert said.choices[0].message.content
