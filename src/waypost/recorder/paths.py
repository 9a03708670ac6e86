"""Which dialect a provider's path belongs to."""

from __future__ import annotations

import re
from urllib.parse import unquote

import msgspec

from waypost.core.asked import PathAsk
from waypost.dialects.registry import DIALECTS

#: Ends of paths, and what is asked there. The providers' own, not the gateway's: most of `Dialect.onward_path`.
_ENDS: tuple[tuple[str, str], ...] = (
    ("/chat/completions", "openai_chat"),
    ("/completions", "openai_completions"),
    ("/embeddings", "openai_embeddings"),
    ("/responses/input_tokens", "openai_input_tokens"),
    ("/responses", "openai_responses"),
    ("/images/generations", "openai_images"),
    ("/images/edits", "openai_image_edits"),
    ("/audio/speech", "openai_speech"),
    ("/audio/transcriptions", "openai_transcriptions"),
    ("/audio/translations", "openai_translations"),
    ("/moderations", "openai_moderations"),
    ("/messages/count_tokens", "anthropic_count_tokens"),
    ("/messages", "anthropic_messages"),
    (":rawPredict", "anthropic_vertex"),
    (":streamRawPredict", "anthropic_vertex"),
    (":generateContent", "gemini_generate"),
    (":streamGenerateContent", "gemini_generate"),
    (":countTokens", "gemini_count_tokens"),
    (":embedContent", "gemini_embed"),
    (":batchEmbedContents", "gemini_embed_batch"),
    ("/converse", "bedrock_converse"),
    ("/converse-stream", "bedrock_converse"),
    ("/invoke", "bedrock_embed"),
    ("/chat", "cohere_chat"),
    ("/embed", "cohere_embed"),
    ("/rerank", "cohere_rerank"),
)
#: Other models than these are asked at the same end in bodies of their own.
_WORDS = {"bedrock_embed": "embed"}
_STREAMS = (":streamRawPredict", ":streamGenerateContent", "/converse-stream")
_MODEL = re.compile(r"/models?/([^/]+)$")


class Place(msgspec.Struct, frozen=True):
    """A dialect's name, and what else of the request its path says."""

    dialect: str
    ask: PathAsk


def place_of(target: str) -> Place | None:
    """The place of a path with its query; None for one of no dialect."""
    path, _, query = target.partition("?")
    for end, dialect in _ENDS:
        if path.endswith(end) and _WORDS.get(dialect, "") in path:
            found = _MODEL.search(path.removesuffix(end))
            model = unquote(found[1]) if found else ""
            entries = (each for each in DIALECTS[dialect].entries if each.path.endswith(end))
            form = next((each.form for each in entries), "")
            return Place(dialect, PathAsk(model, end in _STREAMS, form, query.encode()))
    return None
