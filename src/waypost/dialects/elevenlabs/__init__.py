"""ElevenLabs' text-to-speech and speech-to-text: spoken to targets only."""
