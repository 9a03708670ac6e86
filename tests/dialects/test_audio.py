from __future__ import annotations

import msgspec
import pytest

from waypost.core.asked import Reply
from waypost.core.quirks import Quirks
from waypost.core.usage import Units, Usage
from waypost.dialects.audio import OutgoingAudio, SpeechLane, TranscriptLane, audio_lane
from waypost.dialects.deepgram.codec import DEEPGRAM_SPEECH, DEEPGRAM_TRANSCRIPTIONS
from waypost.dialects.elevenlabs.codec import ELEVENLABS_SPEECH, ELEVENLABS_TRANSCRIPTIONS
from waypost.dialects.lane import Lanes, SameLane
from waypost.dialects.openai_media.codec import SPEECH, TRANSCRIPTIONS, TRANSLATIONS
from waypost.dialects.registry import DIALECTS
from waypost.errors import Bug, Rejected

OUTGOING = (ELEVENLABS_SPEECH, ELEVENLABS_TRANSCRIPTIONS, DEEPGRAM_SPEECH, DEEPGRAM_TRANSCRIPTIONS)
BODY = {"model": "m", "input": "Hi", "voice": "v", "stream_format": "audio", "new": 1}


def test_openais_sounds_cross_and_nothing_else_does() -> None:
    lanes = Lanes(DIALECTS)
    eleven = ("elevenlabs_speech", "elevenlabs_transcriptions")
    assert isinstance(lanes.find(SPEECH, eleven), SpeechLane)
    assert isinstance(lanes.find(TRANSCRIPTIONS, eleven), TranscriptLane)
    assert lanes.find(TRANSLATIONS, eleven) is None
    assert lanes.find(DIALECTS["openai_chat"], eleven) is None
    assert lanes.find(SPEECH, ("deepgram_transcriptions",)) is None
    assert isinstance(lanes.find(SPEECH, ("deepgram_speech", "openai_speech")), SameLane)


@pytest.mark.parametrize("target", [ELEVENLABS_SPEECH, DEEPGRAM_SPEECH], ids=lambda each: each.name)
def test_what_the_target_is_not_told_is_named(target: OutgoingAudio) -> None:
    lane = audio_lane(SPEECH, [target])
    assert lane is not None
    onward = lane.render_onward(SPEECH.parse_ask(msgspec.json.encode(BODY)), "aura", Quirks())
    assert onward.dropped == ("new",)
    assert lane.target is target


def test_an_error_reaches_the_client_in_its_own_words() -> None:
    lane = audio_lane(SPEECH, [ELEVENLABS_SPEECH])
    assert lane is not None
    error = lane.parse_error(404, [], b'{"detail":{"status":"voice_not_found","message":"No voice."}}')
    assert isinstance(error, Rejected)
    assert (error.body, error.param) == (None, None)


@pytest.mark.parametrize("target", OUTGOING, ids=lambda each: each.name)
def test_nobody_asks_in_them(target: OutgoingAudio) -> None:
    asked = SPEECH.parse_ask(msgspec.json.encode(BODY))
    assert target.entries == ()
    with pytest.raises(Bug):
        target.parse_ask(b"{}")
    with pytest.raises(Bug):
        target.render_onward(asked, "m", Quirks())
    with pytest.raises(Bug):
        target.render_reply(Reply({}, None), None)
    estimated = target.estimate_output(asked, Reply({}, None))
    assert (estimated.input, estimated.source) == (asked.input_estimate, "estimated")
    assert target.stream_type(asked) == b""


@pytest.mark.parametrize(
    ("target", "body", "units"),
    [
        (DEEPGRAM_TRANSCRIPTIONS, b'{"metadata":{"duration":25.9331875},"results":{"channels":[]}}', 25_934),
        (DEEPGRAM_TRANSCRIPTIONS, b'{"metadata":{},"results":{"channels":[]}}', None),
        (ELEVENLABS_TRANSCRIPTIONS, b'{"text":"x","audio_duration_secs":3.5}', 3500),
        (ELEVENLABS_TRANSCRIPTIONS, b'{"text":"x"}', None),
    ],
)
def test_the_length_that_a_provider_tells_is_what_was_used(
    target: OutgoingAudio, body: bytes, units: int | None
) -> None:
    lane = audio_lane(TRANSCRIPTIONS, [target])
    assert lane is not None
    usage = lane.parse_reply(body).usage
    assert usage == (None if units is None else Usage(units=Units(audio_ms=units)))
