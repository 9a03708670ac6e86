"""Every dialect that Waypost speaks. A new one is one folder and one line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from waypost.dialects.anthropic_count_tokens.codec import COUNT_TOKENS as ANTHROPIC_COUNT_TOKENS
from waypost.dialects.anthropic_messages.codec import MESSAGES
from waypost.dialects.anthropic_vertex.codec import VERTEX
from waypost.dialects.bedrock_converse.codec import CONVERSE
from waypost.dialects.bedrock_embed.codec import BEDROCK_EMBED
from waypost.dialects.cohere_chat.codec import COHERE_CHAT
from waypost.dialects.cohere_embed.codec import COHERE_EMBED
from waypost.dialects.cohere_rerank.codec import COHERE_RERANK
from waypost.dialects.deepgram.codec import DEEPGRAM_SPEECH, DEEPGRAM_TRANSCRIPTIONS
from waypost.dialects.dialect import Dialect
from waypost.dialects.elevenlabs.codec import ELEVENLABS_SPEECH, ELEVENLABS_TRANSCRIPTIONS
from waypost.dialects.gemini_count_tokens.codec import COUNT_TOKENS as GEMINI_COUNT_TOKENS
from waypost.dialects.gemini_embed.codec import EMBED, EMBED_BATCH
from waypost.dialects.gemini_generate.codec import GENERATE
from waypost.dialects.openai_chat.codec import CHAT
from waypost.dialects.openai_completions.codec import COMPLETIONS
from waypost.dialects.openai_embeddings.codec import EMBEDDINGS
from waypost.dialects.openai_input_tokens.codec import INPUT_TOKENS
from waypost.dialects.openai_media.codec import (
    IMAGE_EDITS,
    IMAGES,
    MODERATIONS,
    SPEECH,
    TRANSCRIPTIONS,
    TRANSLATIONS,
)
from waypost.dialects.openai_realtime.codec import REALTIME
from waypost.dialects.openai_responses.codec import RESPONSES

_ALL: tuple[Dialect, ...] = (
    CHAT,
    COMPLETIONS,
    EMBEDDINGS,
    RESPONSES,
    INPUT_TOKENS,
    IMAGES,
    IMAGE_EDITS,
    SPEECH,
    TRANSCRIPTIONS,
    TRANSLATIONS,
    MODERATIONS,
    REALTIME,
    MESSAGES,
    VERTEX,
    ANTHROPIC_COUNT_TOKENS,
    GENERATE,
    GEMINI_COUNT_TOKENS,
    EMBED,
    EMBED_BATCH,
    CONVERSE,
    BEDROCK_EMBED,
    COHERE_CHAT,
    COHERE_RERANK,
    COHERE_EMBED,
    ELEVENLABS_SPEECH,
    ELEVENLABS_TRANSCRIPTIONS,
    DEEPGRAM_SPEECH,
    DEEPGRAM_TRANSCRIPTIONS,
)

#: By `Dialect.name`.
DIALECTS: Mapping[str, Dialect] = MappingProxyType({dialect.name: dialect for dialect in _ALL})
