from __future__ import annotations

import msgspec
import pytest

from waypost.core.usage import Units, Usage
from waypost.dialects.openai_realtime.events import read_sent
from waypost.dialects.openai_realtime.meter import Meter, Used


def event(kind: str, **fields: object) -> bytes:
    return msgspec.json.encode({"type": kind, **fields})


def created(response: str = "r") -> bytes:
    return event("response.created", response={"id": response})


def done(response: str = "r", usage: object = None) -> bytes:
    return event("response.done", response={"id": response, "usage": usage})


def delta(kind: str = "output_text", text: str = "hi", response: str = "r") -> bytes:
    return event(f"response.{kind}.delta", response_id=response, delta=text)


def test_a_report_is_what_counts() -> None:
    meter = Meter()
    assert meter.read(created()) is None
    assert meter.open == ("r",)
    meter.read(delta())
    assert meter.read(done(usage={"input_tokens": 10, "output_tokens": 5})) == Used(Usage(input=10, output=5))
    assert (meter.open, meter.partial(), meter.context, meter.deltas) == ((), None, 15, 1)


def test_what_is_not_reported_is_counted_as_it_was_delivered() -> None:
    meter = Meter()
    meter.sent(read_sent(b'{"type":"conversation.item.create","item":{"text":"0123456789"}}'))
    assert meter.context > 0
    meter.read(created())
    assert meter.partial() is None
    meter.read(delta())
    meter.read(delta("output_audio", "A" * 6401))
    meter.read(delta("output_audio_transcript"))
    expected = Usage(input=meter.context, output=5, audio_output=3, source="partial")
    assert meter.partial() == expected
    assert meter.read(done()) == Used(expected)


def test_a_response_that_gave_and_reported_nothing_costs_nothing() -> None:
    meter = Meter()
    meter.read(created())
    assert meter.read(done()) is None
    assert meter.open == ()


def test_several_at_once() -> None:
    meter = Meter()
    meter.read(created("a"))
    meter.read(created("b"))
    meter.read(delta(response="a"))
    meter.read(delta(response="b"))
    assert meter.partial() == Usage(output=2, source="partial")
    meter.read(done("a", {"input_tokens": 1}))
    assert meter.open == ("b",)


def test_sound_that_is_sent_is_estimated_by_its_length() -> None:
    meter = Meter()
    meter.sent(read_sent(b'{"type":"input_audio_buffer.append","audio":"%b"}' % (b"A" * 64_000)))
    assert meter.context == 10


def test_sound_in_pieces_shorter_than_a_token_adds_up() -> None:
    meter = Meter()
    append = b'{"type":"input_audio_buffer.append","audio":"%b"}'
    piece = read_sent(append % (b"A" * (1280 - len(append) + 2)))
    for _ in range(3000):
        meter.sent(piece)
    assert meter.context == 600


def test_media_of_an_item_are_not_text() -> None:
    meter = Meter()
    sound, picture = b'{"type":"input_audio","audio":"%b"}', b'{"type":"input_image","image_url":"%b"}'
    item = b'{"type":"conversation.item.create","item":{"type":"message","content":[%b]}}'
    meter.sent(read_sent(item % (sound % (b"A" * 640_000))))
    assert 100 <= meter.context < 150
    meter.sent(read_sent(item % (picture % (b"data:image/png;base64," + b"A" * 640_000))))
    assert 1700 <= meter.context < 1800
    before = meter.context
    meter.sent(read_sent(item % b'{"type":"input_text","text":"%b"}' % (b"a" * 4000)))
    assert 1000 <= meter.context - before < 1050


def test_an_item_of_another_form_counts_as_text() -> None:
    meter = Meter()
    meter.sent(read_sent(b'{"type":"conversation.item.create","item":{"content":"%b"}}' % (b"a" * 4000)))
    assert 1000 <= meter.context < 1050


def test_transcriptions() -> None:
    meter = Meter()
    meter.read(event("session.created", session={"audio": {"input": {"transcription": {"model": "t"}}}}))
    assert meter.transcriber == "t"
    meter.read(event("session.updated", session={}))
    assert meter.transcriber == "t"
    kind = "conversation.item.input_audio_transcription.completed"
    tokens = {"type": "tokens", "input_tokens": 7, "output_tokens": 1}
    assert meter.read(event(kind, usage=tokens)) == Used(Usage(input=7, output=1), transcription=True)
    heard = Usage(units=Units(audio_ms=2000))
    assert meter.read(event(kind, usage={"type": "duration", "seconds": 2.0})) == Used(
        heard, transcription=True
    )


@pytest.mark.parametrize(
    "data", [b"", b"nonsense", b'{"type":"response.done"}', b'{"type":"response.x.delta"}', b"[" * 9000]
)
def test_what_can_not_be_read_says_nothing(data: bytes) -> None:
    meter = Meter()
    assert meter.read(data) is None
    assert meter.partial() is None


def test_what_is_remembered_is_bounded() -> None:
    meter = Meter()
    for number in range(1000):
        meter.read(created(str(number)))
    assert len(meter.open) == 64
