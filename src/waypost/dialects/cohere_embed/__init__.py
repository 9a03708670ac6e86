"""Cohere's embeddings v2: https://docs.cohere.com/reference/embed (2026-11-25)."""
