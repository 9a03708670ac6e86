"""The usage objects of a session: https://platform.openai.com/docs/api-reference/realtime-server-events/response/done
and …/conversation/item/input_audio_transcription/completed (2026-11-25).

Cached tokens are a part of the input, and so are audio tokens; of the audio, some are cached. The core keeps the kinds
apart, so cached audio counts as cached.
"""

from __future__ import annotations

import msgspec

from waypost.core.usage import Units, Usage
from waypost.dialects.costs import Count
from waypost.dialects.durations import Seconds, whole_ms


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


class _Heard(msgspec.Struct, gc=False):
    seconds: Seconds


_USAGE = msgspec.json.Decoder(_WireUsage)
_HEARD = msgspec.json.Decoder(_Heard)


def parse_usage(raw: msgspec.Raw) -> Usage | None:
    """The counts, of tokens or (of a transcription) of seconds; None when there are none or any of them is absurd."""
    try:
        wire = _USAGE.decode(raw)
    except (ValueError, RecursionError):
        return _heard(raw)
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


def _heard(raw: msgspec.Raw) -> Usage | None:
    try:
        return Usage(units=Units(audio_ms=whole_ms(_HEARD.decode(raw).seconds)))
    except (ValueError, RecursionError):
        return None
