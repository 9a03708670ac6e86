"""Reranking, in the format of Cohere (https://docs.cohere.com/reference/rerank) and Jina
(https://api.jina.ai/redoc), both 2026-11-25."""
