"""Gemini generateContent: https://ai.google.dev/api/generate-content (2026-11-25)."""
