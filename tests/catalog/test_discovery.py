"""Model lists in the shapes providers send them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.catalog import discovery
from waypost.catalog.discovery import ListedModel, parse_models
from waypost.core.facts import ModelFacts
from waypost.errors import Garbled


def ids(body: bytes) -> list[str]:
    return [model.id for model in parse_models(body)]


@pytest.mark.parametrize(
    ("body", "want"),
    [
        (b'{"object":"list","data":[{"id":"gpt-4o","object":"model"},{"id":"o3"}]}', ["gpt-4o", "o3"]),
        (b'[{"id":"meta/llama","type":"chat"}]', ["meta/llama"]),
        (b'[{"model_id":"eleven_v3","name":"Eleven v3"}]', ["eleven_v3"]),
        (b'{"models":[{"name":"llama3:8b","model":"llama3:8b"}]}', ["llama3:8b"]),
        (b'{"data":[{"id":"models/gemini-2.5-pro"}]}', ["gemini-2.5-pro"]),
        (b'{"models":[{"name":"x"}],"data":[{"id":"smollm2"}]}', ["smollm2"]),
        (b'["a","b","a"]', ["a", "b"]),
        (b'{"models":[{"name":"command-a","endpoints":["chat"]}],"next_page_token":""}', ["command-a"]),
        (
            b'{"modelSummaries":[{"modelArn":"arn:x","modelId":"amazon.nova-pro-v1:0"}]}',
            ["amazon.nova-pro-v1:0"],
        ),
        (b'{"success":true,"result":[{"id":"9b9c","name":"@cf/meta/llama-3"}]}', ["@cf/meta/llama-3"]),
        (
            b'{"endpoints":[{"id":"1f","name":"databricks-claude","task":"llm/v1/chat"}]}',
            ["databricks-claude"],
        ),
        (b'{"data":[{"id":"new","lifecycle":"active"},{"id":"old","lifecycle":"retired"}]}', ["new"]),
        (b'{"data":[]}', []),
        (
            b'{"data":[{"id":"a"},{"id":""},{"id":7},{},null,{"id":"a b"},{"id":"a\\n"},{"id":"b"}]}',
            ["a", "b"],
        ),
    ],
)
def test_ids_in_order_and_once(body: bytes, want: list[str]) -> None:
    assert ids(body) == want


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"{}", b"3", b'{"data":{}}', b'{"data":[{}]}', b'{"data":[{"id":1}]}', b"[" * 100_000],
)
def test_anything_else_is_garbled(body: bytes) -> None:
    with pytest.raises(Garbled):
        parse_models(body)


def test_sizes_are_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "MODELS_MAX", 2)
    assert ids(b'["a","b","c"]') == ["a", "b"]
    assert ids(b'["a","' + b"x" * 257 + b'"]') == ["a"]
    monkeypatch.setattr(discovery, "BODY_MAX", 3)
    with pytest.raises(Garbled):
        parse_models(b'["a"]')


def test_facts_of_the_list() -> None:
    openrouter = (
        b'{"data":[{"id":"a/b","context_length":131072,"top_provider":{"max_completion_tokens":8192},'
        b'"architecture":{"input_modalities":["image","text"]},"supported_parameters":["tools","seed"]}]}'
    )
    assert parse_models(openrouter) == (
        ListedModel("a/b", ModelFacts(131072, 8192, ("text", "image"), ("tools",))),
    )
    assert parse_models(b'{"data":[{"id":"m","max_model_len":4096}]}')[0].facts.context == 4096
    assert parse_models(b'{"data":[{"id":"m","meta":{"n_ctx":2048}}]}')[0].facts.context == 2048
    mistral = b'{"data":[{"id":"m","capabilities":{"function_calling":true,"vision":false}}]}'
    assert parse_models(mistral)[0].facts.features == ("tools",)
    github = b'[{"id":"m","limits":{"max_input_tokens":9,"max_output_tokens":8}}]'
    assert parse_models(github)[0].facts == ModelFacts(9, 8)
    assert parse_models(b'[{"id":"e","type":"embedding"}]')[0].facts.mode == "embedding"


@pytest.mark.parametrize("value", [b"-1", b"0", b"true", b'"8k"', b"1e30", b"null", b"99999999999"])
def test_absurd_sizes_are_unknown(value: bytes) -> None:
    assert parse_models(b'[{"id":"m","context_length":' + value + b"}]")[0].facts.context is None


@given(st.binary(max_size=200))
def test_any_bytes_are_a_list_or_garbled(body: bytes) -> None:
    try:
        models = parse_models(body)
    except Garbled:
        return
    assert all(model.id for model in models)


@pytest.mark.parametrize(
    ("entry", "facts"),
    [
        (
            b'{"models":[{"name":"models/g","inputTokenLimit":1048576,"outputTokenLimit":65536,'
            b'"supportedGenerationMethods":["generateContent","countTokens"]}]}',
            ModelFacts(1_048_576, 65_536, mode="chat"),
        ),
        (
            b'{"models":[{"name":"models/e","supportedGenerationMethods":["embedContent"]}]}',
            ModelFacts(mode="embedding"),
        ),
        (
            b'{"data":[{"id":"c","max_input_tokens":200000,"max_tokens":64000,"capabilities":{"image_input":'
            b'{"supported":true},"thinking":{"supported":true,"types":{}},"structured_outputs":{"supported":false}}}]}',
            ModelFacts(200_000, 64_000, features=("reasoning", "vision")),
        ),
        (
            b'{"models":[{"name":"r","endpoints":["rerank"],"context_length":4096,"features":["tools"]}]}',
            ModelFacts(4096, features=("tools",), mode="rerank"),
        ),
        (
            b'{"modelSummaries":[{"modelId":"t","inputModalities":["TEXT","IMAGE"],"outputModalities":["EMBEDDING"]}]}',
            ModelFacts(modalities=("text", "image"), mode="embedding"),
        ),
        (
            b'{"result":[{"name":"@cf/a","task":{"id":"1","name":"Text Generation"},"properties":'
            b'[{"property_id":"context_window","value":"24000"},{"property_id":"beta","value":"true"},7]}]}',
            ModelFacts(24_000, mode="chat"),
        ),
        (b'{"data":[{"id":"m","max_tokens":64000}]}', ModelFacts()),
    ],
)
def test_facts_in_every_vendors_shape(entry: bytes, facts: ModelFacts) -> None:
    (model,) = parse_models(entry)
    assert model.facts == facts
