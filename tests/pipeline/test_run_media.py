"""Transcripts of pictures and sounds: forwarded as they are, and metered."""

from __future__ import annotations

import msgspec

from transcript import ScriptedAnswer, Stage, provider, streamed, target
from waypost.core.usage import Units, Usage
from waypost.dialects.forms import FormPart, parse_form, render_form
from waypost.errors import Truncated

DIALECTS = ("openai_images", "openai_speech", "openai_transcriptions")
SERVES = provider(dialects=DIALECTS)


async def test_a_picture_is_priced_by_its_tokens() -> None:
    body = {"created": 1, "data": [{"b64_json": "AA"}], "usage": {"input_tokens": 5, "output_tokens": 2}}
    stage = Stage([ScriptedAnswer(200, msgspec.json.encode(body))], (target(SERVES),))
    client = await stage.ask({"model": "fast", "prompt": "a cat"}, dialect="openai_images")
    assert msgspec.json.decode(client.body)["usage"]["cost"] == 25e-9
    assert stage.attempts[0].usage == Usage(input=5, output=2, units=Units(images=1))
    assert stage.exchange.operation == "images"
    assert b"POST /v1/images/generations HTTP/1.1" in stage.upstream.sent[0][1]


async def test_a_sound_goes_through_as_it_comes() -> None:
    sound = ScriptedAnswer(200, None, [b"ID3", b"\x00\x01"], [(b"content-type", b"audio/mpeg")])
    stage = Stage([sound], (target(SERVES),))
    asked = {"model": "fast", "input": "hello", "voice": "alloy"}
    client = await stage.ask(asked, dialect="openai_speech")
    assert (client.body, client.finished) == (b"ID3\x00\x01", True)
    assert client.header(b"content-type") == b"audio/mpeg"
    assert stage.exchange.outcome == "ok"


async def test_what_a_browser_would_run_is_never_passed_as_such() -> None:
    page = ScriptedAnswer(200, None, [b"<script>"], [(b"content-type", b"text/html")])
    stage = Stage([page], (target(SERVES),))
    client = await stage.ask({"model": "fast", "input": "x"}, dialect="openai_speech")
    assert client.header(b"content-type") == b"application/octet-stream"


async def test_half_a_sound_is_told_by_its_missing_end() -> None:
    stage = Stage([streamed([b"ID3", Truncated("gone")])], (target(SERVES),))
    client = await stage.ask({"model": "fast", "input": "x"}, dialect="openai_speech")
    assert client.body == b"ID3"
    assert stage.exchange.outcome == "cut"
    assert not client.finished, "nobody takes it for whole"


async def test_a_form_reaches_the_target_with_its_model_and_its_files() -> None:
    text = ScriptedAnswer(200, b"hello world", headers=[(b"content-type", b"text/plain; charset=utf-8")])
    stage = Stage([text], (target(SERVES, "whisper-large"),))
    form = [
        FormPart("model", b"fast"),
        FormPart("response_format", b"text"),
        FormPart("file", b"RIFF", "a.wav"),
    ]
    client = await stage.ask(render_form(form, b"x"), dialect="openai_transcriptions")
    assert (client.status, client.body) == (200, b"hello world")
    assert client.header(b"content-type") == b"text/plain; charset=utf-8"
    [(_, head, body)] = stage.upstream.sent
    assert b"content-type: multipart/form-data; boundary=" in head
    assert parse_form(body) == [FormPart("model", b"whisper-large"), *form[1:]]
