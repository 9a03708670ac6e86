from __future__ import annotations

import pytest

from waypost.dialects.registry import DIALECTS


def test_names_and_paths() -> None:
    assert {name: (d.operation, d.entries[0].path) for name, d in DIALECTS.items()} == {
        "gemini_count_tokens": ("count_tokens", "/v1beta/models/{model}:countTokens"),
        "gemini_embed": ("embeddings", "/v1beta/models/{model}:embedContent"),
        "gemini_embed_batch": ("embeddings", "/v1beta/models/{model}:batchEmbedContents"),
        "gemini_generate": ("chat", "/v1beta/models/{model}:generateContent"),
    assert {name: (d.operation, *(entry.path for entry in d.entries)) for name, d in DIALECTS.items()} == {
        "anthropic_count_tokens": (
            "count_tokens",
            "/messages/count_tokens",
            "/anthropic/v1/messages/count_tokens",
        ),
        "anthropic_messages": ("chat", "/messages", "/anthropic/v1/messages"),
        "anthropic_vertex": ("chat",),
        "openai_chat": ("chat", "/chat/completions"),
        "openai_completions": ("completions", "/completions"),
        "openai_embeddings": ("embeddings", "/embeddings"),
        "openai_images": ("images", "/images/generations"),
        "openai_image_edits": ("image_edits", "/images/edits"),
        "openai_speech": ("speech", "/audio/speech"),
        "openai_transcriptions": ("transcriptions", "/audio/transcriptions"),
        "openai_translations": ("translations", "/audio/translations"),
        "openai_moderations": ("moderations", "/moderations"),
        "openai_responses": ("chat", "/responses"),
        "bedrock_converse": ("chat", "/bedrock/model/{model}/converse"),
    }


def test_the_list_can_not_change() -> None:
    with pytest.raises(TypeError):
        DIALECTS["x"] = DIALECTS["openai_chat"]  # type: ignore[index]  # that is the point
