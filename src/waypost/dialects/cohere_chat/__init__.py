"""Cohere chat v2: https://docs.cohere.com/reference/chat (2026-11-25)."""
