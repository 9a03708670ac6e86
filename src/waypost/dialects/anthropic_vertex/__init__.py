"""Anthropic's Messages as Vertex AI serves them, under a path with the model in it."""
