"""The official Python SDK beside chat: models, embeddings, completions, and where the key may be."""

from __future__ import annotations

from array import array
from base64 import b64decode

import httpx2
import pytest
from openai import AsyncOpenAI, Omit, OpenAI

from gateway import GatewayProcess
from sdk.clients import TIMEOUT_S, Sdk
from sdk.test_openai_chat import HELLO, cost_nusd
from waypost.simulator.bill import SIMULATED_PRICES, Tokens, charge

pytestmark = pytest.mark.process


def test_models_are_listed_and_retrieved(client: OpenAI) -> None:
    listed = client.models.list()
    names = [model.id for model in listed]
    assert set(SIMULATED_PRICES) <= set(names)
    assert len(names) == len(set(names))
    assert {model.object for model in listed} == {"model"}
    assert client.models.retrieve("sim-fast") == next(model for model in listed if model.id == "sim-fast")


def test_a_key_sees_only_its_models(gateway: GatewayProcess) -> None:
    key = gateway.create_key("--name", "narrow", "--models", "sim-echo,sim-f*")
    with OpenAI(base_url=gateway.url, api_key=key, timeout=TIMEOUT_S) as client:
        assert {model.id for model in client.models.list()} == {"sim-echo", "sim-fast"}


def test_embeddings_are_the_same_in_both_encodings(sdk: Sdk[OpenAI]) -> None:
    texts = ["a small boat", "a big boat"]
    # The SDK asks for base64 unless told otherwise, and unpacks it.
    packed = sdk.client.embeddings.create(model="sim-embed", input=texts)
    plain = sdk.client.embeddings.create(model="sim-embed", input=texts, encoding_format="float")
    assert [b'"base64"' in request.content for request in sdk.requests] == [True, False]
    assert [each.index for each in packed.data] == [0, 1]
    for one, other in zip(packed.data, plain.data, strict=True):
        assert one.embedding == pytest.approx(other.embedding, rel=1e-6)
        assert sum(value * value for value in other.embedding) == pytest.approx(1)
    assert packed.data[0].embedding != packed.data[1].embedding
    assert packed.usage.prompt_tokens == packed.usage.total_tokens == 6
    assert cost_nusd(packed.usage) == charge(SIMULATED_PRICES["sim-embed"], Tokens(prompt=6)) == 120


def test_embeddings_asked_for_as_base64_stay_so(client: OpenAI) -> None:
    said = client.embeddings.create(model="sim-embed", input="boat", encoding_format="base64", dimensions=8)
    # With an explicit encoding the SDK leaves the text as it is.
    text: object = said.data[0].embedding
    assert isinstance(text, str)
    assert len(array("f", b64decode(text))) == 8


def test_embeddings_have_the_dimensions_that_were_asked_for(client: OpenAI) -> None:
    said = client.embeddings.create(model="sim-embed", input="boat", dimensions=256)
    assert len(said.data[0].embedding) == 256


def test_embeddings_of_tokens(client: OpenAI) -> None:
    said = client.embeddings.create(model="sim-embed", input=[[1, 2, 3], [4]])
    assert len(said.data) == 2
    assert said.usage.prompt_tokens == 4


async def test_embeddings_of_the_asynchronous_client(async_openai: AsyncOpenAI) -> None:
    said = await async_openai.embeddings.create(model="sim-embed", input="boat")
    assert len(said.data[0].embedding) == 16


def test_completions(client: OpenAI) -> None:
    said = client.completions.create(model="sim-echo", prompt="once upon a time", logprobs=1)
    assert said.object == "text_completion"
    assert said.choices[0].text == "once upon a time"
    assert said.choices[0].logprobs is not None
    assert "".join(said.choices[0].logprobs.tokens or ()) == "once upon a time"
    assert said.usage is not None
    assert (said.usage.prompt_tokens, said.usage.completion_tokens) == (4, 4)
    assert cost_nusd(said.usage) == charge(SIMULATED_PRICES["sim-echo"], Tokens(prompt=4, completion=4))


def test_completions_of_several_prompts(client: OpenAI) -> None:
    said = client.completions.create(model="sim-fast", prompt=["one two", "three"], n=2)
    assert [choice.index for choice in said.choices] == [0, 1, 2, 3]
    assert said.usage is not None
    assert (said.usage.prompt_tokens, said.usage.completion_tokens) == (3, 64)


def test_completions_in_a_stream(client: OpenAI) -> None:
    *chunks, last = client.completions.create(
        model="sim-echo", prompt="once upon a time", stream=True, stream_options={"include_usage": True}
    )
    assert "".join(chunk.choices[0].text for chunk in chunks) == "once upon a time"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert last.choices == []
    assert cost_nusd(last.usage) == charge(SIMULATED_PRICES["sim-echo"], Tokens(prompt=4, completion=4))

    silent = list(client.completions.create(model="sim-echo", prompt="once", stream=True))
    assert all(chunk.usage is None and chunk.choices for chunk in silent)


@pytest.mark.parametrize("header", ["api-key", "x-api-key", "x-goog-api-key"])
def test_the_key_may_be_in_another_vendors_header(gateway: GatewayProcess, header: str) -> None:
    headers = {"Authorization": Omit(), header: gateway.key}
    with OpenAI(base_url=gateway.url, api_key="unused", timeout=TIMEOUT_S) as client:
        said = client.chat.completions.create(model="sim-fast", messages=HELLO, extra_headers=headers)
    assert said.choices[0].message.content


def test_the_providers_own_path_needs_no_entry(client: OpenAI) -> None:
    said = client.chat.completions.create(model="sim/sim-echo", messages=HELLO)
    assert said.choices[0].message.content == "hello there"
    # Nobody said what it costs: that is null, and not nothing.
    assert said.usage is not None
    assert said.usage.model_extra == {"cost": None}


def test_a_path_that_does_not_exist_is_told_in_the_sdks_words(gateway: GatewayProcess) -> None:
    with httpx2.Client(base_url=gateway.url) as http:
        reply = http.post("/v1/nothing", json={})
    assert reply.status_code == 404
    assert reply.json()["error"]["code"] == "not_found"
