from __future__ import annotations

import msgspec
import pytest

from waypost.core.usage import Units, Usage
from waypost.dialects.openai_realtime.usage import parse_usage


def parse(**fields: object) -> Usage | None:
    return parse_usage(msgspec.Raw(msgspec.json.encode(fields)))


def test_kinds_are_kept_apart_and_cached_sound_counts_as_cached() -> None:
    assert parse(
        total_tokens=253,
        input_tokens=132,
        output_tokens=121,
        input_token_details={
            "text_tokens": 52,
            "audio_tokens": 80,
            "cached_tokens": 64,
            "cached_tokens_details": {"text_tokens": 34, "audio_tokens": 30},
        },
        output_token_details={"text_tokens": 30, "audio_tokens": 91},
    ) == Usage(input=132, output=121, cache_read=64, audio_input=50, audio_output=91)


def test_a_transcription_may_be_counted_in_seconds() -> None:
    assert parse(type="duration", seconds=3.5) == Usage(units=Units(audio_ms=3500))


def test_details_may_be_missing() -> None:
    assert parse(input_tokens=3, output_tokens=2) == Usage(input=3, output=2)
    assert parse(input_tokens=3, output_tokens=2, input_token_details=None) == Usage(input=3, output=2)


@pytest.mark.parametrize(
    "raw", [b"null", b"", b"7", b'{"type":"duration","seconds":-1}', b'{"input_tokens":-1}', b'{"input_tokens":1e15}']
)  # fmt: skip
def test_what_is_no_count_is_none(raw: bytes) -> None:
    assert parse_usage(msgspec.Raw(raw)) is None


def test_parts_are_never_more_than_the_whole() -> None:
    found = parse(
        input_tokens=5,
        output_tokens=1,
        input_token_details={"audio_tokens": 9, "cached_tokens": 3},
        output_token_details={"audio_tokens": 4},
    )
    assert found == Usage(input=5, output=1, cache_read=3, audio_input=2, audio_output=1)
