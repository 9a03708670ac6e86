"""Gemini embeddings: https://ai.google.dev/api/embeddings (2026-11-25)."""
