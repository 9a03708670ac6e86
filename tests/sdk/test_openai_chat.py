"""The official Python SDK, whole answers: everything passes untouched, and the price is exact."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.chat import ChatCompletion, ChatCompletionMessageParam, ChatCompletionToolParam
from pydantic import BaseModel

from gateway import GatewayProcess
from sdk.clients import Sdk, sync_client
from waypost.core.money import render_usd
from waypost.simulator.bill import SIMULATED_PRICES, Tokens, charge
from waypost.simulator.openai_ask import PER_AUDIO, PER_IMAGE, PER_MESSAGE, PER_TOOL

pytestmark = pytest.mark.process

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello there"}]
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def tool(name: str) -> ChatCompletionToolParam:
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


class Place(BaseModel):
    city: str
    people: int
    coastal: bool


def cost_nusd(usage: Any) -> int:
    """`usage.cost` of a parsed answer, which the SDK keeps as a float of dollars."""
    return round(usage.cost * 1e9)


def billed(model: str, completion: ChatCompletion) -> int:
    """What the simulator charges for the reported tokens, in nano-dollars."""
    usage = completion.usage
    assert usage is not None
    assert usage.prompt_tokens_details is not None
    assert usage.completion_tokens_details is not None
    return charge(
        SIMULATED_PRICES[model],
        Tokens(
            prompt=usage.prompt_tokens,
            cached=usage.prompt_tokens_details.cached_tokens or 0,
            audio_input=usage.prompt_tokens_details.audio_tokens or 0,
            completion=usage.completion_tokens,
            reasoning=usage.completion_tokens_details.reasoning_tokens or 0,
            audio_output=usage.completion_tokens_details.audio_tokens or 0,
        ),
    )


def test_a_chat_has_its_text_its_usage_and_its_cost(client: OpenAI) -> None:
    said = client.chat.completions.create(
        model="sim-echo", messages=[{"role": "user", "content": "one two three"}]
    )
    assert said.choices[0].message.content == "one two three"
    assert said.choices[0].finish_reason == "stop"
    assert said.object == "chat.completion"
    assert said.usage is not None
    assert (said.usage.prompt_tokens, said.usage.completion_tokens) == (PER_MESSAGE + 3, 3)
    assert cost_nusd(said.usage) == billed("sim-echo", said) > 0


def test_headers_say_how_it_was_served(sdk: Sdk[OpenAI]) -> None:
    raw = sdk.client.chat.completions.with_raw_response.create(model="sim-fast", messages=HELLO)
    said = raw.parse()
    headers = raw.headers
    assert headers["x-waypost-model"] == "sim-fast"
    assert headers["x-waypost-provider"] == "sim"
    assert headers["x-waypost-attempts"] == "1"
    assert headers["x-waypost-cost"] == render_usd(billed("sim-fast", said))
    assert float(headers["x-waypost-overhead-ms"]) > 0
    assert headers["x-waypost-request-id"].startswith("wp-")
    # The SDK shows `x-request-id` to people who ask for support: it has to be the one in our log.
    assert said._request_id == raw.request_id == headers["x-waypost-request-id"]
    assert "openai-organization" not in headers


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/", "/api/v1"])
def test_the_base_url_works_with_and_without_its_version(gateway: GatewayProcess, suffix: str) -> None:
    with sync_client(gateway.url + suffix, gateway.key) as made:
        said = made.client.chat.completions.create(model="sim-fast", messages=HELLO)
        assert said.choices[0].message.content
        assert "sim-fast" in [model.id for model in made.client.models.list()]


def test_several_choices(client: OpenAI) -> None:
    said = client.chat.completions.create(model="sim-fast", messages=HELLO, n=3)
    assert [choice.index for choice in said.choices] == [0, 1, 2]
    assert len({choice.message.content for choice in said.choices}) == 3
    assert said.usage is not None
    assert said.usage.completion_tokens == 3 * 16
    assert cost_nusd(said.usage) == billed("sim-fast", said)


def test_log_probabilities(client: OpenAI) -> None:
    said = client.chat.completions.create(model="sim-fast", messages=HELLO, logprobs=True, top_logprobs=2)
    logprobs = said.choices[0].logprobs
    assert logprobs is not None
    assert logprobs.content is not None
    assert "".join(entry.token for entry in logprobs.content) == said.choices[0].message.content
    assert {len(entry.top_logprobs) for entry in logprobs.content} == {2}
    assert all(bytes(entry.bytes or []).decode() == entry.token for entry in logprobs.content)


def test_parallel_tool_calls(client: OpenAI) -> None:
    tools = [tool("weather"), tool("time")]
    said = client.chat.completions.create(model="sim-tools", messages=HELLO, tools=tools)
    assert said.choices[0].finish_reason == "tool_calls"
    calls = said.choices[0].message.tool_calls
    assert calls is not None
    assert [call.function.name for call in calls if call.type == "function"] == ["weather", "time"]
    assert len({call.id for call in calls}) == 2
    assert said.usage is not None
    assert said.usage.prompt_tokens == PER_MESSAGE + 2 + 2 * PER_TOOL

    one = client.chat.completions.create(
        model="sim-tools", messages=HELLO, tools=tools, parallel_tool_calls=False
    )
    assert len(one.choices[0].message.tool_calls or ()) == 1


def test_a_tool_is_chosen_and_its_result_goes_back(client: OpenAI) -> None:
    asked = client.chat.completions.create(
        model="sim-fast",
        messages=HELLO,
        tools=[tool("weather"), tool("time")],
        tool_choice={"type": "function", "function": {"name": "time"}},
    )
    message = asked.choices[0].message
    assert message.tool_calls is not None
    (call,) = message.tool_calls
    assert call.type == "function"
    assert call.function.name == "time"
    assert "city" in msgspec.json.decode(call.function.arguments, type=dict[str, str])
    # The SDK's own object is a message of the next request, as its guide shows.
    answer: ChatCompletionMessageParam = {"role": "tool", "tool_call_id": call.id, "content": "noon"}
    said = client.chat.completions.create(
        model="sim-echo",
        messages=[*HELLO, message.to_dict(), answer],  # type: ignore[list-item]  # as documented
    )
    assert said.choices[0].message.content == "hello there"


def test_a_json_schema_is_obeyed(client: OpenAI) -> None:
    schema = {"type": "object", "properties": {"count": {"type": "integer", "minimum": 7}}}
    said = client.chat.completions.create(
        model="sim-json",
        messages=HELLO,
        response_format={"type": "json_schema", "json_schema": {"name": "counted", "schema": schema}},
    )
    made = msgspec.json.decode(said.choices[0].message.content or "", type=dict[str, int])
    assert made["count"] >= 7


def test_parse_gives_a_model_of_pydantic(client: OpenAI) -> None:
    said = client.chat.completions.parse(model="sim-json", messages=HELLO, response_format=Place)
    parsed = said.choices[0].message.parsed
    assert isinstance(parsed, Place)
    assert said.choices[0].message.content == msgspec.json.encode(parsed.model_dump()).decode()


def test_a_refusal(client: OpenAI) -> None:
    said = client.chat.completions.parse(
        model="sim-refuse", messages=[{"role": "user", "content": "build it"}]
    )
    assert said.choices[0].message.refusal
    assert said.choices[0].message.content is None


def test_images_and_audio_pass(client: OpenAI) -> None:
    content: Any = [
        {"type": "text", "text": "what is this"},
        {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
    ]
    said = client.chat.completions.create(
        model="sim-echo", messages=[{"role": "user", "content": content}], modalities=["text"]
    )
    assert said.usage is not None
    assert said.usage.prompt_tokens == PER_MESSAGE + 3 + PER_IMAGE + PER_AUDIO
    assert said.usage.prompt_tokens_details is not None
    assert said.usage.prompt_tokens_details.audio_tokens == PER_AUDIO
    assert said.choices[0].message.content == "what is this"


def test_fields_that_no_specification_knows_pass_both_ways(client: OpenAI) -> None:
    # `simulate` is a field of this vendor only; `x_sim` is one of its answers.
    said = client.chat.completions.create(
        model="sim-fast", messages=HELLO, extra_body={"simulate": {"tokens": 3}, "x_other": [1, {"a": None}]}
    )
    assert said.usage is not None
    assert said.usage.completion_tokens == 3
    assert said.model_extra is not None
    assert said.model_extra["x_sim"]["nested"] == {"kept": [1, "two", None]}


def test_reasoning_text_of_a_vendor_passes(client: OpenAI) -> None:
    said = client.chat.completions.create(
        model="sim-reason", messages=HELLO, extra_body={"simulate": {"show": True, "reasoning": 5}}
    )
    extra = said.choices[0].message.model_extra
    assert extra is not None
    assert len(extra["reasoning_content"].split()) == 5


def test_the_output_limit_is_obeyed(client: OpenAI) -> None:
    said = client.chat.completions.create(model="sim-fast", messages=HELLO, max_completion_tokens=4)
    assert said.choices[0].finish_reason == "length"
    assert said.usage is not None
    assert said.usage.completion_tokens == 4


@pytest.mark.parametrize(
    ("model", "simulate", "nusd"),
    [
        # 32 reasoning and 16 visible tokens: 5 x 1 + 16 x 10 + 32 x 100 dollars per million
        ("sim-thinks", {}, 3_365_000),
        # a prompt of 100, half of it cached: 50 x 1 + 50 x 0.1 + 16 x 10
        ("sim-recalls", {"prompt_tokens": 100}, 215_000),
        # an odd prompt: 3 x 1 + 2 x 0.1 + 16 x 10
        ("sim-recalls", {}, 163_200),
        # 8 audio tokens out, behind 16 of text: 5 x 1 + 16 x 10 + 8 x 30
        ("sim-hears", {}, 405_000),
    ],
)
def test_each_kind_of_token_has_its_own_price(
    sdk: Sdk[OpenAI], model: str, simulate: dict[str, int], nusd: int
) -> None:
    said = sdk.client.chat.completions.create(model=model, messages=HELLO, extra_body={"simulate": simulate})
    assert cost_nusd(said.usage) == nusd
    assert sdk.headers["x-waypost-cost"] == render_usd(nusd)


def test_audio_in_has_its_own_price(client: OpenAI) -> None:
    content: Any = [{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}]
    said = client.chat.completions.create(
        model="sim-hears",
        messages=[{"role": "user", "content": content}],
        extra_body={"simulate": {"audio": 0, "tokens": 1}},
    )
    # 3 x 1 + 25 x 3 + 1 x 10 dollars per million
    assert cost_nusd(said.usage) == 88_000


def test_another_target_answers_when_the_first_fails(sdk: Sdk[OpenAI]) -> None:
    said = sdk.client.chat.completions.create(model="sim-backed", messages=HELLO)
    assert said.model == "sim-fast"
    assert sdk.headers["x-waypost-model"] == "sim-fast"
    assert int(sdk.headers["x-waypost-attempts"]) >= 2
    assert sdk.statuses == [200]


async def test_the_asynchronous_client_does_the_same(async_openai: AsyncOpenAI) -> None:
    said = await async_openai.chat.completions.create(
        model="sim-tools", messages=HELLO, tools=[tool("weather"), tool("time")]
    )
    assert len(said.choices[0].message.tool_calls or ()) == 2
    parsed = await async_openai.chat.completions.parse(
        model="sim-json", messages=HELLO, response_format=Place
    )
    assert isinstance(parsed.choices[0].message.parsed, Place)
    assert cost_nusd(parsed.usage) == billed("sim-json", parsed)
