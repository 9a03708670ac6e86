"""The usage objects of a session: https://platform.openai.com/docs/api-reference/realtime-server-events/response/done
and …/conversation/item/input_audio_transcription/completed (2026-11-25).

Cached tokens are a part of the input, and so are audio tokens; of the audio, some are cached. The core keeps the kinds
apart, so cached audio counts as cached.
"""

from __future__ import annotations

import msgspec

from waypost.core.usage import Usage
from waypost.dialects.costs import Count


class _Cached(msgspec.Struct, gc=False):
    audio_tokens: Count | None = None


class _Input(msgspec.Struct, gc=False):
    audio_tokens: Count | None = None
    cached_tokens: Count | None = None
    cached_tokens_details: _Cached | None = None


class _Output(msgspec.Struct, gc=False):
    audio_tokens: Count | None = None


class _WireUsage(msgspec.Struct, gc=False):
    input_tokens: Count
    output_tokens: Count = 0
    input_token_details: _Input | None = None
    output_token_details: _Output | None = None


_USAGE = msgspec.json.Decoder(_WireUsage)


def parse_usage(raw: msgspec.Raw) -> Usage | None:
    """The counts, or None when there are none (seconds of a sound, null) or any of them is absurd."""
    try:
        wire = _USAGE.decode(raw)
    except (ValueError, RecursionError):
        return None
    given = wire.input_token_details or _Input()
    cached = min(given.cached_tokens or 0, wire.input_tokens)
    cached_audio = (given.cached_tokens_details or _Cached()).audio_tokens or 0
    heard = max(0, (given.audio_tokens or 0) - cached_audio)
    made = wire.output_token_details or _Output()
    return Usage(
        input=wire.input_tokens,
        output=wire.output_tokens,
        cache_read=cached,
        audio_input=min(heard, wire.input_tokens - cached),
        audio_output=min(made.audio_tokens or 0, wire.output_tokens),
    )
