"""What many rows have in common: sets of dialects, names of headers."""

from __future__ import annotations

from typing import Final

from waypost.providers.spec import RateHeaders, Variable

CHAT: Final = ("openai_chat",)
CHAT_EMBED: Final = ("openai_chat", "openai_embeddings")
CHAT_TEXT: Final = ("openai_chat", "openai_completions")
FAMILY: Final = ("openai_chat", "openai_completions", "openai_embeddings")
RESPONSES: Final = ("openai_chat", "openai_responses")
HEARD: Final = ("openai_transcriptions", "openai_translations")
IMAGES: Final = ("openai_images", "openai_image_edits")
EVERYTHING: Final = (
    *("openai_chat", "openai_responses", "openai_completions", "openai_embeddings"),
    *IMAGES,
    *("openai_speech", *HEARD, "openai_moderations"),
)

#: What routers of many models pass on to them. Not read off their pages.
ROUTER: Final = ("cache_control", "file_url", "images", "reasoning", "reasoning_details", "video_url")
#: Reasoning comes back in the field it was given in: https://api-docs.deepseek.com/guides/thinking_mode (2026-11-25).
THINKS: Final = ("reasoning_content",)

#: The version every Messages API knows (https://platform.claude.com/docs/en/api/versioning).
ANTHROPIC_VERSION: Final = {"anthropic-version": "2023-06-01"}
ANTHROPIC_HEADERS: Final = {"anthropic_messages": ANTHROPIC_VERSION}
ANTHROPIC_COUNTING_HEADERS: Final = {**ANTHROPIC_HEADERS, "anthropic_count_tokens": ANTHROPIC_VERSION}

OPENAI_RATES: Final = RateHeaders(
    requests_limit="x-ratelimit-limit-requests",
    requests_remaining="x-ratelimit-remaining-requests",
    requests_reset="x-ratelimit-reset-requests",
    tokens_limit="x-ratelimit-limit-tokens",
    tokens_remaining="x-ratelimit-remaining-tokens",
    tokens_reset="x-ratelimit-reset-tokens",
)
ANTHROPIC_RATES: Final = RateHeaders(
    requests_limit="anthropic-ratelimit-requests-limit",
    requests_remaining="anthropic-ratelimit-requests-remaining",
    requests_reset="anthropic-ratelimit-requests-reset",
    tokens_limit="anthropic-ratelimit-tokens-limit",
    tokens_remaining="anthropic-ratelimit-tokens-remaining",
    tokens_reset="anthropic-ratelimit-tokens-reset",
    input_limit="anthropic-ratelimit-input-tokens-limit",
    input_remaining="anthropic-ratelimit-input-tokens-remaining",
    input_reset="anthropic-ratelimit-input-tokens-reset",
    output_limit="anthropic-ratelimit-output-tokens-limit",
    output_remaining="anthropic-ratelimit-output-tokens-remaining",
    output_reset="anthropic-ratelimit-output-tokens-reset",
)

AWS_REGION: Final = {"region": Variable(("AWS_REGION", "AWS_DEFAULT_REGION"))}
GOOGLE_PLACE: Final = {
    "project": Variable(("GOOGLE_CLOUD_PROJECT", "GOOGLE_VERTEX_PROJECT", "GCLOUD_PROJECT")),
    "region": Variable(
        ("GOOGLE_CLOUD_LOCATION", "GOOGLE_VERTEX_LOCATION", "GOOGLE_CLOUD_REGION"), "us-central1"
    ),
}
