from __future__ import annotations

import msgspec
import pytest

from waypost.core.quirks import Quirks
from waypost.core.usage import Units
from waypost.dialects.forms import FormPart, parse_form, render_form
from waypost.dialects.json_limits import DEFAULT
from waypost.dialects.openai_media.ask import parse_media, render_media
from waypost.errors import InvalidRequest

FORM = [
    FormPart("model", b"whisper-1"),
    FormPart("n", b"2"),
    FormPart("prompt", b'say "hi"'),
    FormPart("timestamp_granularities[]", b"word"),
    FormPart("timestamp_granularities[]", b"segment"),
    FormPart("file", b"\x00\x01" * 900, "a.wav", b"audio/wav"),
]


def test_a_json_request_passes_with_its_model_replaced() -> None:
    asked = parse_media(b'{"prompt":"a cat","n":3,"new":{"a":1.0}}', DEFAULT, "gpt-image-1", "prompt")
    assert (asked.model, asked.choices, asked.stream) == ("gpt-image-1", 3, False)
    onward = render_media(asked, "target", Quirks(drop=("n",)))
    assert onward.content_type == b"application/json"
    assert onward.dropped == ("n",)
    assert msgspec.json.decode(onward.body) == {"prompt": "a cat", "new": {"a": 1.0}, "model": "target"}


def test_what_will_be_counted_beside_tokens() -> None:
    def units(operation: str, body: bytes, required: str) -> Units | None:
        return parse_media(body, DEFAULT, "m", required, operation).units

    spoken = msgspec.json.encode({"input": "Grüße 🦊", "voice": "v"})
    assert units("speech", spoken, "input") == Units(characters=7)
    assert units("images", b'{"prompt":"a cat","n":3}', "prompt") == Units(images=3)
    kind = b'{"prompt":"a cat","size":"1024x1792","quality":"hd"}'
    assert units("images", kind, "prompt") == Units(images=1, image="hd/1024x1792")
    odd = b'{"prompt":"a cat","size":{"w":1},"quality":"a/b"}'
    assert units("images", odd, "prompt") == Units(images=1, image="other")
    form = render_form([*FORM, FormPart("size", b"512x512")], b"x")
    assert units("transcriptions", form, "file") == Units(audio_ms=1800), "a byte is at most a millisecond"
    assert units("image_edits", form, "file") == Units(images=2, image="512x512")
    assert units("moderations", b'{"input":"x"}', "input") is None


def test_a_form_passes_with_its_model_replaced_and_its_files_as_they_came() -> None:
    asked = parse_media(render_form(FORM, b"x"), DEFAULT, None, "file")
    assert (asked.model, asked.choices) == ("whisper-1", 2)
    assert asked.input_estimate > 0
    onward = render_media(asked, "target", Quirks())
    boundary = onward.content_type.partition(b"boundary=")[2]
    assert onward.body.startswith(b"--" + boundary + b"\r\n")
    sent = parse_form(onward.body)
    assert sent == [FormPart("model", b"target"), *FORM[1:]]
    assert render_media(asked, "target", Quirks()) == onward, "the same request has the same bytes"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b'{"model":"m"}', "prompt"),
        (b'{"prompt":"x"}', "model"),
        (b'{"model":"m","prompt":"x","n":0}', "n"),
        (b'{"Model":"m","prompt":"x"}', "Model"),
        (render_form([FormPart("model", b"m"), FormPart("model", b"n")], b"x"), "model"),
        (render_form([FormPart("model", b"\xff"), FormPart("prompt", b"x")], b"x"), "model"),
        (render_form([FormPart("model", b"m"), FormPart("prompt", b"x"), FormPart("n", b"many")], b"x"), "n"),
    ],
)
def test_what_is_wrong_is_named(body: bytes, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_media(body, DEFAULT, None, "prompt")
    assert caught.value.param == param


def test_pictures_may_be_several() -> None:
    body = render_form([FormPart("model", b"m"), FormPart("image[]", b"1", "a.png", b"image/png")], b"x")
    assert parse_media(body, DEFAULT, None, "image").files[0].name == "image[]"
