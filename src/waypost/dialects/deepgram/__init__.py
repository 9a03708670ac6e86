"""Deepgram's speech and transcripts of sounds: spoken to targets only."""
