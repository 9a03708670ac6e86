"""The official SDK against a running simulator."""

from collections.abc import AsyncIterator

import msgspec
import openai
import pytest
import pytest_asyncio

from simulated import simulator
from waypost.simulator.run import Simulator

__all__ = ["simulator"]

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            },
        },
    }
    for name in ("weather", "forecast")
]
SAID = [{"role": "user", "content": "one two three"}]


@pytest_asyncio.fixture
async def client(simulator: Simulator) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=simulator.url, api_key="any", max_retries=0) as made:
        yield made


async def test_chat(client: openai.AsyncOpenAI, simulator: Simulator) -> None:
    made = await client.chat.completions.create(model="sim-echo", messages=SAID, n=2, service_tier="flex")
    assert [choice.message.content for choice in made.choices] == ["one two three"] * 2
    assert (made.usage.prompt_tokens, made.usage.completion_tokens) == (6, 6)
    assert (made.service_tier, made.system_fingerprint) == ("flex", "fp_sim_1")
    assert made.model_extra["x_sim"]["request"] == 1
    assert [line.tokens.completion for line in simulator.bill.lines] == [6]


async def test_output_limit(client: openai.AsyncOpenAI) -> None:
    made = await client.chat.completions.create(model="sim-fast", messages=SAID, max_completion_tokens=5)
    assert made.choices[0].finish_reason == "length"
    assert len((made.choices[0].message.content or "").split()) == 5


async def test_kinds_of_tokens(client: openai.AsyncOpenAI) -> None:
    name = "sim-reason?reasoning=7&tokens=2&audio=3&prompt_tokens=100&cached_percent=40"
    made = await client.chat.completions.create(model=name, messages=SAID)
    assert made.usage is not None
    assert made.usage.prompt_tokens_details.cached_tokens == 40
    details = made.usage.completion_tokens_details
    assert (made.usage.completion_tokens, details.reasoning_tokens, details.audio_tokens) == (12, 7, 3)


@pytest.mark.parametrize("asked", [True, False, None])
async def test_stream(client: openai.AsyncOpenAI, asked: bool | None) -> None:
    options = {} if asked is None else {"stream_options": {"include_usage": asked}}
    stream = await client.chat.completions.create(
        model="sim-fast?tokens=4", messages=SAID, stream=True, **options
    )
    chunks = [chunk async for chunk in stream]
    assert len(chunks) == 1 + 4 + 1 + (asked is True)
    assert chunks[0].choices[0].delta.role == "assistant"
    assert len("".join([c.choices[0].delta.content or "" for c in chunks if c.choices]).split()) == 4
    with_usage = [chunk for chunk in chunks if chunk.usage]
    assert ["usage" in chunk.model_fields_set for chunk in chunks] == [asked is True] * len(chunks)
    if asked:
        assert with_usage == chunks[-1:]
        assert chunks[-1].choices == []
        assert chunks[-1].usage.completion_tokens == 4
    assert all({"obfuscation", "x_sim"} <= set(chunk.model_dump(exclude_unset=True)) for chunk in chunks)


async def test_streamed_tools_are_the_whole_ones(client: openai.AsyncOpenAI) -> None:
    async with client.chat.completions.stream(
        model="sim-tools",
        messages=SAID,
        tools=TOOLS,
        stream_options={"include_usage": True},
    ) as stream:
        count = 0
        async for event in stream:
            if event.type == "chunk" and event.chunk.choices and event.chunk.choices[0].delta.tool_calls:
                count += 1
        made = await stream.get_final_completion()
    calls = made.choices[0].message.tool_calls
    assert [call.function.name for call in calls] == ["weather", "forecast"]
    for call in calls:
        assert set(msgspec.json.decode(call.function.arguments)) == {"city", "days"}
    assert made.choices[0].finish_reason == "tool_calls"
    assert made.usage.completion_tokens == count


async def test_json_schema(client: openai.AsyncOpenAI) -> None:
    schema = {"type": "object", "properties": {"age": {"type": "integer", "minimum": 3}}, "required": ["age"]}
    form = {"type": "json_schema", "json_schema": {"name": "person", "schema": schema}}
    made = await client.chat.completions.create(model="sim-fast", messages=SAID, response_format=form)
    assert msgspec.json.decode(made.choices[0].message.content)["age"] >= 3


async def test_refusal_and_logprobs_and_shown_reasoning(client: openai.AsyncOpenAI) -> None:
    refused = await client.chat.completions.create(model="sim-refuse", messages=SAID)
    assert refused.choices[0].message.content is None
    assert refused.choices[0].message.refusal
    made = await client.chat.completions.create(
        model="sim-reason?show=1&reasoning=2", messages=SAID, logprobs=True, top_logprobs=3
    )
    assert made.choices[0].logprobs is not None
    content = made.choices[0].logprobs.content or []
    assert "".join([entry.token for entry in content]) == made.choices[0].message.content
    assert {len(entry.top_logprobs) for entry in content} == {3}
    assert len(made.choices[0].message.model_extra["reasoning_content"].split()) == 2


async def test_audio(client: openai.AsyncOpenAI) -> None:
    made = await client.chat.completions.create(model="sim-audio", messages=SAID)
    assert made.choices[0].message.audio is not None
    stream = await client.chat.completions.create(model="sim-audio", messages=SAID, stream=True)
    deltas = [chunk.choices[0].delta async for chunk in stream]
    assert sum(1 for delta in deltas if "audio" in delta.model_dump(exclude_unset=True)) == 8


async def test_completions(client: openai.AsyncOpenAI) -> None:
    made = await client.completions.create(model="sim-fast?tokens=3", prompt=["a b", "c"], n=2, logprobs=1)
    assert len(made.choices) == 4
    assert made.usage is not None
    assert (made.usage.prompt_tokens, made.usage.completion_tokens) == (3, 12)
    logprobs = made.choices[0].logprobs
    assert logprobs is not None
    assert "".join(logprobs.tokens or []) == made.choices[0].text
    stream = await client.completions.create(model="sim-fast?tokens=3", prompt="a", stream=True)
    texts = [chunk.choices[0].text async for chunk in stream]
    assert len("".join(texts).split()) == 3


async def test_embeddings(client: openai.AsyncOpenAI, simulator: Simulator) -> None:
    coded = await client.embeddings.create(model="sim-embed", input=["a b", "c"])
    plain = await client.embeddings.create(model="sim-embed", input=["a b", "c"], encoding_format="float")
    for one, other in zip(coded.data, plain.data, strict=True):
        assert one.embedding == pytest.approx(other.embedding, abs=1e-6)
    assert coded.usage.prompt_tokens == 3
    assert coded.data[0].embedding != coded.data[1].embedding
    numbers = await client.embeddings.create(model="sim-embed", input=[[1, 2, 3]], dimensions=4)
    assert (len(numbers.data[0].embedding), numbers.usage.prompt_tokens) == (4, 3)
    assert [line.nusd for line in simulator.bill.lines] == [60, 60, 60]


async def test_models(client: openai.AsyncOpenAI) -> None:
    names = [model.id async for model in client.models.list()]
    assert {"sim-fast", "fault-429"} <= set(names)


@pytest.mark.parametrize(
    ("model", "raised"),
    [
        ("fault-400", openai.BadRequestError),
        ("fault-401", openai.AuthenticationError),
        ("fault-403", openai.PermissionDeniedError),
        ("no-such-model", openai.NotFoundError),
        ("fault-422", openai.UnprocessableEntityError),
        ("fault-429", openai.RateLimitError),
        ("fault-500", openai.InternalServerError),
        ("fault-refuse", openai.APIConnectionError),
    ],
)
async def test_error_classes(client: openai.AsyncOpenAI, model: str, raised: type[Exception]) -> None:
    with pytest.raises(raised):
        await client.chat.completions.create(model=model, messages=SAID)


async def test_an_error_event_raises(client: openai.AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(model="fault-error-stream", messages=SAID, stream=True)
    with pytest.raises(openai.APIError):
        async for _ in stream:
            pass
