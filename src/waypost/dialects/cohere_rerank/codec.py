"""The dialect `cohere_rerank`: the format of Cohere, Jina and the servers that follow them, below a provider's base."""

from __future__ import annotations

from waypost.dialects.cohere.dialect import CohereDialect
from waypost.dialects.cohere_rerank.ask import parse_ask
from waypost.dialects.dialect import Entry

COHERE_RERANK = CohereDialect(
    "cohere_rerank",
    "rerank",
    "/rerank",
    parse_ask,
    entries=(Entry("/rerank"), Entry("/v2/rerank", mounted=False)),
)
