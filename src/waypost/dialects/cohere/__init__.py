"""What Cohere's formats have in common: https://docs.cohere.com/reference/about (2026-11-25)."""
