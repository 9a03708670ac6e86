"""Anthropic's token counting: https://platform.claude.com/docs/en/api/messages-count-tokens (2026-11-25)."""
