"""OpenAI's speech, transcripts and pictures as one dialect of the simulator.

https://platform.openai.com/docs/api-reference/audio and …/images (2026-11-26). A sound is its head and, as JSON, what
was asked for it; a transcript is the sound's own bytes, word by word, half a second each; a picture is one pixel. They
are billed by what is counted of them: characters, whole seconds, images. Faults are for models of text.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

import msgspec

from waypost.simulator.answers import Answer
from waypost.simulator.ask import Ask, Refused
from waypost.simulator.bill import Tokens
from waypost.simulator.dialect import Billed, Lock, Odd, Page, Request, Shelf, Stamp, UsageForm
from waypost.simulator.models import Behaviour
from waypost.simulator.openai import render_error
from waypost.simulator.openai_dialect import bearer
from waypost.simulator.sounds import FIELD, WORD_S, spoken_words
from waypost.simulator.wire import Told, Wire

_encode = msgspec.json.encode
_SPEECH, _IMAGES = "/v1/audio/speech", "/v1/images/generations"
_HEARD = {"/v1/audio/transcriptions": "transcriptions", "/v1/audio/translations": "translations"}
_MODELS: Mapping[str, str] = {
    _SPEECH: "sim-tts",
    _IMAGES: "sim-image",
    **dict.fromkeys(_HEARD, "sim-whisper"),
}
_PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
_PLAIN = (b"content-type", b"text/plain; charset=utf-8")


class _Speech(msgspec.Struct):
    model: str
    input: str
    voice: str


class _Picture(msgspec.Struct):
    model: str
    prompt: str
    n: int = 1
    quality: str = "standard"


class Media:
    """`/v1/audio/speech`, `/v1/audio/transcriptions`, `/v1/audio/translations` and `/v1/images/generations`."""

    name = "media"
    id_header = b"x-request-id"

    def owns(self, request: Request) -> bool:
        return request.path in _MODELS

    def admit(self, request: Request, lock: Lock, _now: float) -> None:
        bearer(request.headers.get(b"authorization"), lock)

    def parse(self, _: Request) -> Ask | None:
        return None

    def page(self, request: Request, shelf: Shelf) -> Page | None:
        if request.method != "POST":
            raise Refused(405, "Not allowed on this path: use POST.")
        if request.path == _SPEECH:
            return _spoken(request)
        return _drawn(request, shelf.created) if request.path == _IMAGES else _heard(request)

    def stamp_id(self, _: Ask, name: str) -> str:
        return name

    def render(self, ask: Ask, answer: Answer, behaviour: Behaviour, stamp: Stamp, form: UsageForm) -> Wire:
        raise NotImplementedError("no model of text is asked here")

    def odd(self, ask: Ask, stamp: Stamp) -> Odd:
        raise NotImplementedError("no model of text is asked here")

    def told(self, refused: Refused, _: str) -> Told:
        return Told(refused.status, render_error(refused))


def _known(model: str, request: Request) -> None:
    if model != _MODELS[request.path]:
        raise Refused(404, f"The model `{model}` does not exist here.", code="model_not_found", param="model")


def _spoken(request: Request) -> Page:
    try:
        asked = msgspec.json.decode(request.body, type=_Speech)
    except msgspec.MsgspecError as error:
        raise Refused(400, f"{error}.", param="input") from None
    _known(asked.model, request)
    body = b"ID3" + _encode({"voice": asked.voice, "text": asked.input})
    billed = Billed(asked.model, "speech", Tokens(characters=len(asked.input)))
    return Page(body, headers=((b"content-type", b"audio/mpeg"),), billed=billed)


def _heard(request: Request) -> Page:
    fields = dict(FIELD.findall(request.body))
    if b"file" not in fields:
        raise Refused(400, "The form has no file.", param="file")
    model = fields.get(b"model", b"").decode("utf-8", "replace")
    _known(model, request)
    said = spoken_words(fields[b"file"])
    text, length = " ".join(said), len(said) * WORD_S
    seconds = ceil(length)
    billed = Billed(model, _HEARD[request.path], Tokens(audio_ms=seconds * 1000))
    form = fields.get(b"response_format", b"json")
    if form == b"text":
        return Page(text.encode() + b"\n", headers=(_PLAIN,), billed=billed)
    told: dict[str, object] = {"text": text, "usage": {"type": "duration", "seconds": seconds}}
    if form == b"verbose_json":
        told |= {"task": "transcribe", "language": "english", "duration": length, "segments": []}
    return Page(_encode(told), billed=billed)


def _drawn(request: Request, created: int) -> Page:
    try:
        asked = msgspec.json.decode(request.body, type=_Picture)
    except msgspec.MsgspecError as error:
        raise Refused(400, f"{error}.", param="prompt") from None
    _known(asked.model, request)
    if not 1 <= asked.n <= 10:
        raise Refused(400, "`n` has to be from 1 to 10.", param="n")
    fine = asked.quality == "hd"
    used = Tokens(hd_images=asked.n) if fine else Tokens(images=asked.n)
    body = _encode({"created": created, "data": [{"b64_json": _PIXEL}] * asked.n})
    return Page(body, billed=Billed(asked.model, "images", used))
