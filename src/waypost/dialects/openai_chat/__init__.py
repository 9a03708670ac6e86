"""OpenAI chat completions: https://platform.openai.com/docs/api-reference/chat (2026-11-21)."""
