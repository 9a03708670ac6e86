from __future__ import annotations

import msgspec
import pytest

from waypost.core.asked import Asked
from waypost.dialects.json_limits import JsonLimits
from waypost.dialects.openai_realtime.events import (
    is_asked,
    read_sent,
    render_cancel,
    render_error_event,
    transcriber_of,
    with_model,
)
from waypost.errors import BudgetExceeded, InvalidRequest, TooLarge


def test_an_event_without_a_session_goes_on_as_the_bytes_it_came_in() -> None:
    data = b' {"type" : "response.create","new":[1.0],  "event_id":"e"}'
    sent = read_sent(data)
    assert (sent.type, sent.event_id, sent.session_model) == ("response.create", "e", None)
    assert sent.data is data


def test_both_places_of_the_transcribing_model_are_read() -> None:
    new = (
        b'{"type":"session.update","session":{"audio":{"input":{"transcription":{"model":"t"}}},"model":"m"}}'
    )
    old = b'{"type":"session.update","session":{"input_audio_transcription":{"model":"t"}}}'
    assert (read_sent(new).transcriber, read_sent(new).session_model) == ("t", "m")
    assert read_sent(new).data == new
    assert (read_sent(old).transcriber, read_sent(old).session_model) == ("t", None)


def test_what_was_read_is_what_is_sent() -> None:
    twice = b'{"type":"x","session":{"model":"bad","model":"m"},"session":{"model":"n","model":"m"}}'
    sent = read_sent(twice)
    assert sent.session_model == "m"
    assert sent.data == b'{"type":"x","session":{"model":"m"}}'
    hidden = b'{"type":"a","session":{"audio":{"input":{"transcription":{"model":"bad"}},"input":{}}}}'
    assert read_sent(hidden).data == b'{"type":"a","session":{"audio":{"input":{}}}}'


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"type":1}',
        b'{"type":"x","session":7}',
        b'{"type":"x","session":{"model":7}}',
        b'{"type":"x","session":{"audio":[]}}',
        b'{"type":"x","session":{"audio":{"input":{"transcription":{"model":"a"}}},'
        b'"input_audio_transcription":{"model":"b"}}}',
        b'{"type":"x","deep":' + b"[" * 5000 + b"]" * 5000 + b"}",
    ],
)
def test_what_can_not_be_read_does_not_go_on(data: bytes) -> None:
    with pytest.raises(InvalidRequest):
        read_sent(data)


def test_a_session_has_the_limits_of_a_body() -> None:
    deep = b'{"type":"x","session":{"a":' + b"[" * 70 + b"]" * 70 + b"}}"
    with pytest.raises(TooLarge):
        read_sent(deep, JsonLimits(depth=64))


def test_a_null_is_no_model() -> None:
    sent = read_sent(b'{"type":"x","session":{"model":null,"audio":null,"input_audio_transcription":null}}')
    assert (sent.session_model, sent.transcriber) == (None, None)


def test_a_routes_name_becomes_the_targets() -> None:
    assert with_model(b'{"type":"x","session":{"model":"voice","a":1.0}}', "gpt-realtime") == (
        b'{"type":"x","session":{"model":"gpt-realtime","a":1.0}}'
    )
    asked = Asked("voice", True, {})
    assert [is_asked(asked, "t", model) for model in ("voice", "t", "u")] == [True, True, False]


def test_what_a_provider_says_of_its_session() -> None:
    assert transcriber_of(msgspec.Raw(b'{"input_audio_transcription":{"model":"t"}}')) == "t"
    assert transcriber_of(msgspec.Raw(b'{"audio":7}')) is None
    assert transcriber_of(msgspec.Raw(b"7")) is None


def test_events_of_our_own() -> None:
    event = msgspec.json.decode(render_error_event(BudgetExceeded("No room."), "e1"))
    assert event["type"] == "error"
    assert event["error"] == {
        "type": "insufficient_quota",
        "code": "budget_exceeded",
        "message": "No room.",
        "param": None,
        "event_id": "e1",
    }
    assert msgspec.json.decode(render_cancel("r")) == {"type": "response.cancel", "response_id": "r"}
