"""OpenAI responses: https://platform.openai.com/docs/api-reference/responses (2026-11-25)."""
