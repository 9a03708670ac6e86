"""OpenAI's older text completions: https://platform.openai.com/docs/api-reference/completions (2026-11-21)."""
