"""Gemini countTokens: https://ai.google.dev/api/tokens (2026-11-25)."""
