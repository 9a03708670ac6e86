"""Gateways to many providers behind one key."""

from __future__ import annotations

from typing import Final

from waypost.core.quirks import Quirks
from waypost.providers.rows.shapes import (
    ANTHROPIC_HEADERS,
    CHAT,
    CHAT_EMBED,
    EVERYTHING,
    FAMILY,
    HEARD,
    IMAGES,
    RESPONSES,
    ROUTER,
)
from waypost.providers.spec import ProviderSpec, RateHeaders

ROUTERS: Final[tuple[ProviderSpec, ...]] = (
    ProviderSpec(
        name="openrouter",
        title="OpenRouter",
        base_url="https://openrouter.ai/api/v1",
        dialects=(*RESPONSES, "anthropic_messages", "openai_completions", "openai_embeddings"),
        env=("OPENROUTER_API_KEY",),
        regions={"eu": "https://eu.openrouter.ai/api/v1", "us": "https://us.openrouter.ai/api/v1"},
        dialect_headers=ANTHROPIC_HEADERS,
        # On its own 429s only.
        rates=RateHeaders(
            requests_limit="x-ratelimit-limit",
            requests_remaining="x-ratelimit-remaining",
            requests_reset="x-ratelimit-reset",
        ),
        quirks=Quirks(takes=ROUTER, reports_charge=True),
        docs_url="https://openrouter.ai/docs/use-cases/usage-accounting",
        checked="2026-11-21",
    ),
    ProviderSpec(
        name="requesty",
        title="Requesty",
        base_url="https://router.requesty.ai/v1",
        dialects=("openai_chat", "anthropic_messages", "openai_responses", "openai_embeddings"),
        env=("REQUESTY_API_KEY",),
        regions={"eu": "https://router.eu.requesty.ai/v1"},
        dialect_headers=ANTHROPIC_HEADERS,
        quirks=Quirks(takes=ROUTER, reports_charge=True),
        docs_url="https://docs.requesty.ai/quickstart",
        checked="2026-11-21",
    ),
    ProviderSpec(
        name="portkey",
        title="Portkey",
        base_url="https://api.portkey.ai/v1",
        # Its `/messages/count_tokens` serves Anthropic, Bedrock and Vertex alone; counted here, every model is.
        dialects=(*EVERYTHING, "anthropic_messages", "cohere_rerank"),
        auth="header",
        auth_header="x-portkey-api-key",
        env=("PORTKEY_API_KEY",),
        # Said outright: its own SDKs ask for the contrary, under which answers have fields that OpenAI's do not.
        headers={"x-portkey-strict-open-ai-compliance": "true"},
        dialect_headers=ANTHROPIC_HEADERS,
        quirks=Quirks(takes=("cache_control",)),
        docs_url="https://portkey.ai/docs/api-reference/inference-api/headers",
        checked="2026-11-26",
    ),
    ProviderSpec(
        name="tetrate",
        title="Tetrate Agent Router Service",
        base_url="https://api.router.tetrate.ai/v1",
        dialects=(*RESPONSES, "anthropic_messages", "openai_embeddings"),
        env=("TETRATE_API_KEY", "TARS_API_KEY"),
        dialect_headers=ANTHROPIC_HEADERS,
        docs_url="https://docs.tetrate.ai/reference/supported-apis",
        checked="2026-11-26",
    ),
    ProviderSpec(
        name="vercel",
        title="Vercel AI Gateway",
        base_url="https://ai-gateway.vercel.sh/v1",
        dialects=("openai_chat", "openai_responses", "anthropic_messages", "openai_embeddings"),
        env=("AI_GATEWAY_API_KEY",),
        dialect_headers=ANTHROPIC_HEADERS,
        prices="vercel_ai_gateway",
        docs_url="https://vercel.com/docs/ai-gateway/sdks-and-apis/openai-chat-completions",
        checked="2026-11-26",
    ),
    ProviderSpec(
        name="aihubmix",
        title="AIHubMix",
        base_url="https://aihubmix.com/v1",
        # Gemini's own format is at `/gemini/v1beta`, for Gemini's models alone: they answer to the others, too.
        dialects=(
            *(
                "openai_chat",
                "openai_responses",
                "anthropic_messages",
                "openai_completions",
                "openai_embeddings",
            ),
            *("openai_images", "openai_speech", *HEARD, "openai_moderations", "cohere_rerank"),
        ),
        serves={
            "*claude*": ("anthropic_messages", "openai_chat"),
            "*": (
                *(
                    "openai_chat",
                    "openai_responses",
                    "openai_completions",
                    "openai_embeddings",
                    "openai_images",
                ),
                *("openai_speech", *HEARD, "openai_moderations", "cohere_rerank"),
            ),
        },
        env=("AIHUBMIX_API_KEY",),
        dialect_auth={"anthropic_messages": "x-api-key"},
        dialect_headers=ANTHROPIC_HEADERS,
        docs_url="https://github.com/AIhubmix/skills/tree/main/skills/aihubmixApi/references",
        checked="2026-11-26",
    ),
    ProviderSpec(
        name="helicone",
        title="Helicone AI Gateway",
        base_url="https://ai-gateway.helicone.ai/v1",
        dialects=RESPONSES,
        env=("HELICONE_API_KEY",),
        docs_url="https://docs.helicone.ai/rest/ai-gateway/post-v1-chat-completions",
        checked="2026-11-26",
    ),
    ProviderSpec(
        name="poe",
        title="Poe",
        base_url="https://api.poe.com/v1",
        # `/messages` serves Claude's models alone: a request for another one would fail where it now crosses to chat.
        dialects=RESPONSES,
        env=("POE_API_KEY",),
        rates=RateHeaders(
            requests_limit="x-ratelimit-limit-requests",
            requests_remaining="x-ratelimit-remaining-requests",
            requests_reset="x-ratelimit-reset-requests",
        ),
        docs_url="https://creator.poe.com/docs/external-applications/openai-compatible-api",
        checked="2026-11-26",
    ),
    ProviderSpec(
        name="zenmux",
        title="ZenMux",
        base_url="https://zenmux.ai/api/v1",
        dialects=(*RESPONSES, "anthropic_messages", "openai_embeddings", *IMAGES),
        dialect_auth={"anthropic_messages": "x-api-key"},
        env=("ZENMUX_API_KEY",),
        paths={"anthropic_messages": "/../anthropic/v1"},
        dialect_headers=ANTHROPIC_HEADERS,
        quirks=Quirks(
            takes=("cache_control", "developer", "file_url", "reasoning_details"),
            max_tokens_field="max_completion_tokens",
        ),
        docs_url="https://docs.zenmux.ai/api/openai/create-chat-completion",
        checked="2026-11-26",
    ),
    ProviderSpec(
        name="llmgateway",
        title="LLM Gateway",
        base_url="https://api.llmgateway.io/v1",
        # Its `/images/edits` takes JSON with URLs, not a form with files.
        dialects=(
            *(*RESPONSES, "anthropic_messages", "openai_embeddings", "openai_images", "openai_speech"),
            *("openai_transcriptions", "openai_moderations", "cohere_rerank"),
        ),
        env=("LLM_GATEWAY_API_KEY", "LLMGATEWAY_API_KEY"),
        dialect_headers=ANTHROPIC_HEADERS,
        # `x-ratelimit-reset` is a moment, this one seconds.
        rates=RateHeaders(
            requests_limit="ratelimit-limit",
            requests_remaining="ratelimit-remaining",
            requests_reset="ratelimit-reset",
        ),
        quirks=Quirks(takes=("cache_control", "reasoning_details"), reports_charge=True),
        docs_url="https://docs.llmgateway.io/resources/rate-limits",
        checked="2026-11-26",
    ),
    ProviderSpec(
        name="nanogpt",
        title="NanoGPT",
        base_url="https://nano-gpt.com/api/v1",
        # Its `/messages/count_tokens` estimates, too.
        dialects=(
            *(*FAMILY, "openai_responses", "anthropic_messages", *IMAGES),
            *("openai_speech", "openai_transcriptions", "openai_moderations"),
        ),
        env=("NANOGPT_API_KEY", "NANO_GPT_API_KEY"),
        dialect_headers=ANTHROPIC_HEADERS,
        quirks=Quirks(takes=("cache_control", "video_url")),
        docs_url="https://docs.nano-gpt.com/api-reference/endpoint/chat-completion",
        checked="2026-11-26",
    ),
    ProviderSpec(
        name="cortecs",
        title="Cortecs",
        base_url="https://api.cortecs.ai/v1",
        dialects=(*CHAT_EMBED, "anthropic_messages"),
        env=("CORTECS_API_KEY",),
        dialect_headers=ANTHROPIC_HEADERS,
        docs_url="https://docs.cortecs.ai/api-overview/chat-completions",
        checked="2026-11-26",
    ),
    ProviderSpec(
        name="opencode",
        title="OpenCode Zen",
        base_url="https://opencode.ai/zen/v1",
        dialects=(*RESPONSES, "anthropic_messages", "gemini_generate"),
        serves={
            "gpt-*": ("openai_responses",),
            "claude-*": ("anthropic_messages",),
            "qwen*": ("anthropic_messages",),
            "gemini-*": ("gemini_generate",),
            "*": CHAT,
        },
        env=("OPENCODE_API_KEY",),
        dialect_auth={"anthropic_messages": "x-api-key", "gemini_generate": "x-goog-api-key"},
        dialect_headers=ANTHROPIC_HEADERS,
        docs_url="https://opencode.ai/docs/zen/",
        checked="2026-11-26",
    ),
    ProviderSpec(
        name="kilo",
        title="Kilo Gateway",
        base_url="https://api.kilo.ai/api/gateway",
        # Beside chat, as its source has it: https://github.com/Kilo-Org/cloud/tree/main/apps/web/src/lib/ai-gateway.
        dialects=CHAT_EMBED,
        # Whether they are served hangs on who serves the model.
        imitates=("openai_responses", "anthropic_messages"),
        env=("KILO_API_KEY",),
        dialect_headers=ANTHROPIC_HEADERS,
        quirks=Quirks(drop=("store",)),
        docs_url="https://kilo.ai/docs/gateway/api-reference",
        checked="2026-11-26",
    ),
)
