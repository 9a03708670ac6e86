"""OpenAI's pictures, sounds and moderations: forwarded as they are, and metered. One format, several paths."""
