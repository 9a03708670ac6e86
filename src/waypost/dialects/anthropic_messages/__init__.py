"""Anthropic's Messages: https://platform.claude.com/docs/en/api/messages (2026-11-25)."""
