"""The dialects `cohere_rerank` and `jina_rerank`: one format, two paths."""

from __future__ import annotations

from waypost.dialects.cohere.dialect import CohereDialect
from waypost.dialects.cohere_rerank.ask import parse_ask
from waypost.dialects.dialect import Entry

COHERE_RERANK = CohereDialect(
    "cohere_rerank",
    "rerank",
    "/v2/rerank",
    parse_ask,
    family="rerank",
    entries=(Entry("/rerank"), Entry("/v2/rerank", mounted=False)),
)
#: Jina and the servers that follow it (vLLM, Novita and others) have it right under their base.
JINA_RERANK = CohereDialect("jina_rerank", "rerank", "/rerank", parse_ask, family="rerank")
