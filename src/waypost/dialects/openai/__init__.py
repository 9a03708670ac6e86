"""What OpenAI's chat, completions and embeddings formats have in common."""
