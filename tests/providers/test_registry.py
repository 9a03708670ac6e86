"""Rows by name and their model lists."""

from __future__ import annotations

import pytest

from waypost.providers.registry import all_providers, find_provider, models_request_path


def test_rows_are_found_by_name() -> None:
    spec = find_provider("openai")
    assert spec is not None
    assert spec in all_providers()
    assert find_provider("nobody") is None


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("openai", "/v1/models"),
        ("gemini", "/v1beta/openai/models"),
        ("groq", "/openai/v1/models"),
        ("zhipu", "/api/paas/v4/models"),
        ("github", "/catalog/models"),
        ("cohere", "/v1/models"),
        ("ollama", "/v1/models"),
        ("perplexity", None),
    ],
)
def test_where_a_provider_lists_its_models(name: str, path: str | None) -> None:
    spec = find_provider(name)
    assert spec is not None
    assert models_request_path(spec) == path
