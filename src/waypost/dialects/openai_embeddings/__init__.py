"""OpenAI embeddings: https://platform.openai.com/docs/api-reference/embeddings (2026-11-21)."""
