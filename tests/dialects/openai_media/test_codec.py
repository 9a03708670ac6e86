from __future__ import annotations

from waypost.core.asked import Reply
from waypost.dialects.openai_media.codec import IMAGES, MODERATIONS, SPEECH, TRANSCRIPTIONS


def test_a_sound_is_always_streamed_and_keeps_its_own_type() -> None:
    asked = SPEECH.parse_ask(b'{"model":"tts-1","input":"hello","voice":"alloy"}')
    assert asked.stream
    assert SPEECH.stream_type(asked) == b""
    events = SPEECH.parse_ask(b'{"model":"tts-1","input":"hello","stream_format":"sse"}')
    assert SPEECH.stream_type(events).startswith(b"text/event-stream")


def test_a_model_may_be_left_out_where_openai_lets_it() -> None:
    assert IMAGES.parse_ask(b'{"prompt":"a cat"}').model == "gpt-image-1"
    assert MODERATIONS.parse_ask(b'{"input":"x"}').model == "omni-moderation-latest"


def test_forms_are_taken_where_files_are() -> None:
    assert TRANSCRIPTIONS.entries[0].forms
    assert not SPEECH.entries[0].forms


def test_nothing_reported_is_what_went_in() -> None:
    asked = IMAGES.parse_ask(b'{"prompt":"a cat"}')
    assert IMAGES.estimate_output(asked, Reply({}, None)).source == "estimated"
