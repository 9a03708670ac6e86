"""What the dialects of Google's Gemini API have in common: https://ai.google.dev/api (2026-11-25)."""
