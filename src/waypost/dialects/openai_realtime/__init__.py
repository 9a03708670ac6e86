"""OpenAI's Realtime API over WebSocket: https://platform.openai.com/docs/guides/realtime-websocket (2026-11-25)."""
