"""Speech and transcripts as every dialect can say them: what the lane between two audio dialects carries."""

from __future__ import annotations

from typing import Literal

import msgspec

from waypost.core.request import Extras

#: How a sound is written. `pcm`: 16-bit samples, little-endian, one channel, 24,000 a second, without a head.
SoundFormat = Literal["mp3", "opus", "aac", "flac", "wav", "pcm"]


class SpeechRequest(msgspec.Struct, frozen=True):
    """A text that is to be spoken."""

    model: str
    text: str
    voice: str
    sound: SoundFormat = "mp3"
    speed: float | None = None
    """1 is the voice's own."""
    instructions: str | None = None
    """How to speak, in words."""
    extras: Extras | None = None


class TranscriptRequest(msgspec.Struct, frozen=True):
    """A sound whose words are wanted."""

    model: str
    sound: bytes
    filename: str | None = None
    content_type: bytes | None = None
    language: str | None = None
    """As the client names it; None: it is to be found."""
    prompt: str | None = None
    """Words that go before, or names that may occur."""
    temperature: float | None = None
    extras: Extras | None = None


class SpokenWord(msgspec.Struct, frozen=True):
    """One word and when it is said, in seconds."""

    text: str
    start: float
    end: float


class Transcript(msgspec.Struct, frozen=True):
    """What was said. None for what the provider did not tell."""

    text: str
    words: tuple[SpokenWord, ...] = ()
    language: str | None = None
    seconds: float | None = None
    """How long the sound is."""
