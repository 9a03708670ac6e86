"""ElevenLabs and Deepgram as one dialect of the simulator: their speech and their transcripts.

elevenlabs-python at 54e58995 and deepgram-python-sdk at 7da415db (2026-11-26). There are no models and no faults here;
what is asked is billed as of `sim-tts` and `sim-whisper`. A sound is its head and, as JSON, what was asked for it; a
transcript is the sound's own bytes, word by word.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

import msgspec

from waypost.simulator.answers import Answer
from waypost.simulator.ask import Ask, Refused
from waypost.simulator.bill import Tokens
from waypost.simulator.dialect import JSON_TYPE, Billed, Lock, Odd, Page, Request, Shelf, Stamp, UsageForm
from waypost.simulator.models import Behaviour
from waypost.simulator.wire import Told, Wire

_encode = msgspec.json.encode
_SPEAK = "/v1/text-to-speech/"
_PATHS = ("/v1/speak", "/v1/listen", "/v1/speech-to-text")
FIELD = re.compile(rb'name="(\w+)"(?:; filename="[^"]*")?(?:\r\n[^\r]+)*\r\n\r\n(.*?)\r\n--', re.DOTALL)
_ENCODINGS = {"mp3": "audio/mpeg", "opus": "audio/ogg", "aac": "audio/aac", "flac": "audio/flac",
              "linear16": "audio/wav"}  # fmt: skip
WORD_S = 0.5
_NO_VOICE = "missing"


class _Speech(msgspec.Struct):
    text: str
    model_id: str = ""


class Sounds:
    """`/v1/text-to-speech/{voice}` and `/v1/speech-to-text`; `/v1/speak` and `/v1/listen`."""

    name = "sounds"
    id_header = b"request-id"

    def owns(self, request: Request) -> bool:
        return request.path.startswith(_SPEAK) or request.path in _PATHS

    def admit(self, request: Request, lock: Lock, _now: float) -> None:
        scheme, _, key = request.header("authorization").partition(" ")
        eleven = _is_elevens(request)
        given = request.header("xi-api-key") if eleven else key if scheme.lower() == "token" else ""
        if lock.key is not None and not lock.opens(given):
            raise Refused(401, "Invalid API key", code="invalid_api_key" if eleven else "INVALID_AUTH")

    def parse(self, _: Request) -> Ask | None:
        return None

    def page(self, request: Request, _: Shelf) -> Page | None:
        if request.method != "POST":
            raise Refused(405, "Method Not Allowed")
        asked = dict(parse_qsl(request.query))
        if request.path.startswith(_SPEAK):
            return _spoken_by_eleven(request, asked)
        if request.path == "/v1/speak":
            return _spoken(asked, _ENCODINGS.get(asked.get("encoding", "mp3"), ""), _text(request), asked)
        if request.path == "/v1/listen":
            return _listened(request.body, asked)
        return _transcribed(request.body)

    def stamp_id(self, _: Ask, name: str) -> str:
        return name

    def render(self, ask: Ask, answer: Answer, behaviour: Behaviour, stamp: Stamp, form: UsageForm) -> Wire:
        raise NotImplementedError("no model is asked here")

    def odd(self, ask: Ask, stamp: Stamp) -> Odd:
        raise NotImplementedError("no model is asked here")

    def told(self, refused: Refused, request_id: str) -> Told:
        code = refused.code or "invalid"
        if code.isupper():
            body: object = {"err_code": code, "err_msg": refused.message, "request_id": request_id}
        else:
            body = {"detail": {"status": code, "message": refused.message}}
        return Told(refused.status, _encode(body))


def _is_elevens(request: Request) -> bool:
    return request.path.startswith((_SPEAK, "/v1/speech-to-text"))


def _text(request: Request) -> str:
    try:
        return msgspec.json.decode(request.body, type=_Speech).text
    except msgspec.MsgspecError:
        raise Refused(400, "The body has no text.", code="INVALID_JSON") from None


def _spoken_by_eleven(request: Request, asked: dict[str, str]) -> Page:
    voice = request.path.removeprefix(_SPEAK)
    try:
        speech = msgspec.json.decode(request.body, type=_Speech)
    except msgspec.MsgspecError:
        raise Refused(422, "Field required", code="missing_field") from None
    if voice == _NO_VOICE:
        raise Refused(404, f"A voice with the voice_id {voice} was not found.", code="voice_not_found")
    name = asked.get("output_format", "mp3_44100_128").partition("_")[0]
    kind = {"pcm": "audio/pcm", "wav": "audio/wav"}.get(name, _ENCODINGS.get(name, ""))
    return _spoken({"voice": voice, "model": speech.model_id, **asked}, kind, speech.text, asked)


def _spoken(told: dict[str, str], kind: str, text: str, asked: dict[str, str]) -> Page:
    if not kind:
        raise Refused(400, f"No such format: {asked}.", code="INVALID_QUERY_PARAMETER")
    return Page(
        b"ID3" + _encode({**told, "text": text}),
        headers=((b"content-type", kind.encode()),),
        billed=Billed("sim-tts", "speech", Tokens(characters=len(text))),
    )


def _billed(said: list[str]) -> Billed:
    return Billed("sim-whisper", "transcriptions", Tokens(audio_ms=round(len(said) * WORD_S * 1000)))


def spoken_words(sound: bytes) -> list[str]:
    """What a sound of the simulator says."""
    return sound.decode("utf-8", "replace").split()


def _listened(sound: bytes, asked: dict[str, str]) -> Page:
    if not sound:
        raise Refused(400, "The body is empty.", code="INVALID_BODY")
    said = spoken_words(sound)
    words = [
        {
            "word": word.lower().strip(".,"),
            "punctuated_word": word,
            "start": at * WORD_S,
            "end": (at + 1) * WORD_S,
        }
        for at, word in enumerate(said)
    ]
    channel: dict[str, object] = {"alternatives": [{"transcript": " ".join(said), "words": words}]}
    if asked.get("detect_language") == "true":
        channel["detected_language"] = "en"
    metadata = {"duration": len(said) * WORD_S, "channels": 1}
    return Page(_encode({"metadata": metadata, "results": {"channels": [channel]}}), billed=_billed(said))


def _transcribed(body: bytes) -> Page:
    fields = dict(FIELD.findall(body))
    if b"file" not in fields or b"model_id" not in fields:
        raise Refused(422, "Field required", code="missing_field")
    said = spoken_words(fields[b"file"])
    words: list[dict[str, object]] = []
    for at, word in enumerate(said):
        if at:
            words.append({"text": " ", "start": at * WORD_S, "end": at * WORD_S, "type": "spacing"})
        words.append({"text": word, "start": at * WORD_S, "end": (at + 1) * WORD_S, "type": "word"})
    found = {
        "language_code": fields.get(b"language_code", b"eng").decode(),
        "text": " ".join(said),
        "words": words,
        "audio_duration_secs": len(said) * WORD_S,
    }
    return Page(_encode(found), headers=(JSON_TYPE,), billed=_billed(said))
