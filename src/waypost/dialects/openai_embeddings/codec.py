"""The dialect `openai_embeddings`."""

from __future__ import annotations

from waypost.dialects.openai.codec import OpenAIDialect
from waypost.dialects.openai_embeddings.ask import parse_ask

EMBEDDINGS = OpenAIDialect("openai_embeddings", "embeddings", "/embeddings", b"list", parse_ask)
