"""Official SDKs ask for embeddings in their own dialect, and the model behind the gateway speaks another."""

from __future__ import annotations

from collections.abc import Iterator

import cohere
import pytest
from google import genai
from google.genai import types
from openai import OpenAI

from gateway import GatewayProcess
from sdk.clients import TIMEOUT_S
from simulated import SimulatorProcess
from waypost.core.money import parse_usd
from waypost.simulator.bill import SIMULATED_PRICES, Tokens, charge

pytestmark = pytest.mark.process

TEXTS = ["a small boat", "a big boat"]
#: None has `gemini` in it: Google's SDK would send the texts of such a model as one content.
MODELS = ("embed-openai", "embed-google", "embed-cohere")


def config(root: str) -> str:
    """The simulator as three providers, each of which knows one format of embeddings."""
    return f"""
providers:
  - {{name: openai, dialects: [openai_embeddings], base_url: {root}/v1, discover: false}}
  - {{name: gemini, dialects: [gemini_embed, gemini_embed_batch], base_url: {root}/v1beta, discover: false}}
  - {{name: cohere, dialects: [cohere_embed], base_url: {root}/v2, discover: false}}
models:
  - {{name: embed-openai, targets: [{{provider: openai, model: sim-embed}}], prices: {{input: "0.02", output: 0}}}}
  - {{name: embed-google, targets: [{{provider: gemini, model: sim-embed}}], prices: {{input: "0.02", output: 0}}}}
  - {{name: embed-cohere, targets: [{{provider: cohere, model: sim-embed}}], prices: {{input: "0.02", output: 0}}}}
discovery: {{environment: false, local: false, local_model: "off"}}
"""


@pytest.fixture(scope="module")
def across(provider: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    with GatewayProcess(tmp_path_factory.mktemp("across"), config(provider.root)) as running:
        yield running


@pytest.fixture(scope="module")
def client(across: GatewayProcess) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{across.url}/v1", api_key=across.key, max_retries=0, timeout=TIMEOUT_S) as made:
        yield made


@pytest.fixture(scope="module")
def wanted(client: OpenAI) -> list[list[float]]:
    """What the simulator makes of the texts, whatever it is asked in."""
    said = client.embeddings.create(model="embed-openai", input=TEXTS, dimensions=8, encoding_format="float")
    return [each.embedding for each in said.data]


@pytest.fixture(scope="module")
def google(across: GatewayProcess) -> Iterator[genai.Client]:
    options = types.HttpOptions(base_url=across.url, timeout=int(TIMEOUT_S * 1000))
    made = genai.Client(api_key=across.key, vertexai=False, http_options=options)
    yield made
    made.close()


@pytest.mark.parametrize("model", MODELS)
def test_openais_sdk(client: OpenAI, wanted: list[list[float]], model: str) -> None:
    # Without an encoding the SDK asks for base64 and unpacks it to 32-bit floats.
    packed = client.embeddings.create(model=model, input=TEXTS, dimensions=8)
    plain = client.embeddings.create(model=model, input=TEXTS, dimensions=8, encoding_format="float")
    assert [each.embedding for each in plain.data] == wanted
    assert [each.index for each in packed.data] == [0, 1]
    for one, other in zip(packed.data, wanted, strict=True):
        assert one.embedding == pytest.approx(other, rel=1e-6)
    assert packed.usage.prompt_tokens == packed.usage.total_tokens == 6
    cost = (packed.usage.model_extra or {})["cost"]
    assert parse_usd(str(cost)) == charge(SIMULATED_PRICES["sim-embed"], Tokens(prompt=6))


@pytest.mark.parametrize("model", MODELS)
def test_googles_sdk(google: genai.Client, wanted: list[list[float]], model: str) -> None:
    settings = types.EmbedContentConfig(output_dimensionality=8, task_type="RETRIEVAL_QUERY")
    contents: list[types.ContentUnion] = [*TEXTS]
    said = google.models.embed_content(model=model, contents=contents, config=settings)
    assert [each.values for each in said.embeddings or ()] == wanted


@pytest.mark.parametrize("model", MODELS)
def test_coheres_sdk(across: GatewayProcess, wanted: list[list[float]], model: str) -> None:
    with cohere.ClientV2(api_key=across.key, base_url=across.url, timeout=TIMEOUT_S) as made:
        said = made.embed(
            model=model, texts=TEXTS, input_type="search_query", output_dimension=8, embedding_types=["float"]
        )
    assert said.embeddings.float_ == wanted
    assert said.meta is not None
    assert said.meta.billed_units is not None
    assert said.meta.billed_units.input_tokens == 6
