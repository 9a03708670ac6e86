"""The dialect `openai_embeddings`."""

from __future__ import annotations

from waypost.dialects.openai.codec import OpenAIDialect
from waypost.dialects.openai.reply import parse_reply
from waypost.dialects.openai_embeddings.ask import parse_ask
from waypost.dialects.openai_embeddings.crossing import NAME, EmbeddingsCrossing

EMBEDDINGS = OpenAIDialect(
    NAME, "embeddings", "/embeddings", b"list", parse_ask, embed_codec=EmbeddingsCrossing(parse_reply)
)
