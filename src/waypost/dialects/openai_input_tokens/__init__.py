"""OpenAI's token counting: https://developers.openai.com/api/reference/resources/responses/subresources/input_tokens
(2026-11-26)."""
