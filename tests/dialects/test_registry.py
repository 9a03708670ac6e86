from __future__ import annotations

import pytest

from waypost.dialects.registry import DIALECTS

GEMINI = ("v1beta", "v1", "v1alpha", "v1beta1/publishers/google", "v1/publishers/google")


def gemini(action: str) -> list[str]:
    return [f"/{version}/models/{{model}}:{action}" for version in GEMINI]


#: Operation and paths; a dialect without a path is only spoken to targets.
KNOWN: dict[str, tuple[str, ...]] = {
    "anthropic_count_tokens": (
        "count_tokens",
        "/messages/count_tokens",
        "/anthropic/v1/messages/count_tokens",
    ),
    "anthropic_messages": ("chat", "/messages", "/anthropic/v1/messages"),
    "anthropic_vertex": ("chat",),
    "bedrock_converse": (
        "chat",
        "/bedrock/model/{model}/converse",
        "/bedrock/model/{model}/converse-stream",
    ),
    "bedrock_embed": ("embeddings",),
    "cohere_chat": ("chat",),
    "cohere_embed": ("embeddings", "/v2/embed"),
    "cohere_rerank": ("rerank", "/rerank", "/v2/rerank"),
    "deepgram_speech": ("speech",),
    "deepgram_transcriptions": ("transcriptions",),
    "elevenlabs_speech": ("speech",),
    "elevenlabs_transcriptions": ("transcriptions",),
    "gemini_count_tokens": ("count_tokens", *gemini("countTokens")),
    "gemini_embed": ("embeddings", *gemini("embedContent")),
    "gemini_embed_batch": ("embeddings", *gemini("batchEmbedContents")),
    "gemini_generate": ("chat", *gemini("generateContent"), *gemini("streamGenerateContent")),
    "openai_chat": ("chat", "/chat/completions"),
    "openai_completions": ("completions", "/completions"),
    "openai_embeddings": ("embeddings", "/embeddings"),
    "openai_image_edits": ("image_edits", "/images/edits"),
    "openai_images": ("images", "/images/generations"),
    "openai_moderations": ("moderations", "/moderations"),
    "openai_realtime": ("realtime", "/realtime"),
    "openai_input_tokens": ("count_tokens", "/responses/input_tokens"),
    "openai_responses": ("chat", "/responses"),
    "openai_speech": ("speech", "/audio/speech"),
    "openai_transcriptions": ("transcriptions", "/audio/transcriptions"),
    "openai_translations": ("translations", "/audio/translations"),
}


def test_names_operations_and_paths() -> None:
    found = {
        name: (each.operation, *(entry.path for entry in each.entries)) for name, each in DIALECTS.items()
    }
    assert found == KNOWN


def test_the_list_can_not_change() -> None:
    with pytest.raises(TypeError):
        DIALECTS["x"] = DIALECTS["openai_chat"]  # type: ignore[index]  # that is the point
