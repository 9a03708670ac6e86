"""OpenAI's speech and transcriptions to and from the core, for targets of other dialects.

https://platform.openai.com/docs/api-reference/audio; openai-python 3.52, `types/audio/` (2026-11-26)

| what | crosses as |
|---|---|
| `input`, `voice`, `response_format`, `speed`, `instructions` | the core's |
| `stream_format: sse`, `stream`, `response_format: diarized_json` | refused |
| `file`, `language`, `prompt`, `temperature` | the core's |
| the other values of `response_format`, `timestamp_granularities[]` | made here of the words and their times |
| everything else | dropped and named |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import ceil
from types import MappingProxyType
from typing import get_args

import msgspec

from waypost.core.asked import Asked
from waypost.core.audio import SoundFormat, SpeechRequest, SpokenWord, Transcript, TranscriptRequest
from waypost.core.request import Extras
from waypost.dialects.costs import put_cost
from waypost.dialects.fields import NULL, Fields, read_string, render_raw
from waypost.dialects.taking import Json, object_or_none, put, text_or_none
from waypost.errors import InvalidRequest, Unrepresentable

NAME = "openai_media"
#: Values that say nothing, of fields that the core does not model.
NEUTRAL: Mapping[str, frozenset[bytes]] = MappingProxyType(
    {
        "stream": frozenset((b"false",)),
        "stream_format": frozenset((b'"audio"',)),
        "timestamp_granularities[]": frozenset((b'"segment"', b'"word"')),
    }
)
_FORMATS: dict[str, SoundFormat] = {name: name for name in get_args(SoundFormat)}
_WRITTEN = ("json", "text", "srt", "verbose_json", "vtt")
_PLAIN = frozenset(("text", "srt", "vtt"))
_OF_SPEECH = frozenset(("model", "input", "voice", "response_format", "speed", "instructions"))
_OF_TRANSCRIPTS = frozenset(("model", "file", "language", "prompt", "response_format", "temperature"))
_GRANULARITIES = "timestamp_granularities[]"
#: A cue ends with a sentence, before a pause of so many seconds, and after so many seconds or words.
_PAUSE_S, _LONGEST_S, _MOST_WORDS = 1.0, 7.0, 14
_SENTENCE_ENDS = (".", "!", "?", "…", "。", "！", "？")
_ENCODER = msgspec.json.Encoder()


def parse_speech(asked: Asked) -> SpeechRequest:
    """Raises InvalidRequest and Unrepresentable, with `param`."""
    fields = asked.fields
    if asked.form == "sse":
        raise Unrepresentable(
            "This model's provider sends a sound as it is, and not in events. Leave `stream_format` out, or choose "
            "another model.",
            param="stream_format",
        )
    text = read_string(fields, "input")
    if not text:
        raise InvalidRequest("`input` has to be a text that is to be spoken.", param="input")
    sound = _FORMATS.get(read_string(fields, "response_format") or "mp3")
    if sound is None:
        raise InvalidRequest(
            f"`response_format` has to be one of {', '.join(_FORMATS)}.", param="response_format"
        )
    return SpeechRequest(
        model=asked.model,
        text=text,
        voice=_voice(fields),
        sound=sound,
        speed=_number(fields, "speed"),
        instructions=read_string(fields, "instructions") or None,
        extras=_extras(fields, _OF_SPEECH),
    )


def _voice(fields: Fields) -> str:
    raw = fields.get("voice", msgspec.Raw(NULL))
    inner = object_or_none(raw)
    voice = text_or_none(raw) if inner is None else text_or_none(inner.get("id", msgspec.Raw(NULL)))
    if not voice:
        raise InvalidRequest(
            "`voice` has to be the name of a voice, or an object with its `id`.", param="voice"
        )
    return voice


def parse_transcription(asked: Asked) -> TranscriptRequest:
    """Raises InvalidRequest and Unrepresentable, with `param`."""
    fields = asked.fields
    if asked.form == "sse":
        raise Unrepresentable(
            "This model's provider sends a transcript whole. Leave `stream` out, or choose another model.",
            param="stream",
        )
    found = next((file for file in asked.files if file.name == "file"), None)
    if found is None:
        raise InvalidRequest("`file` has to be the sound, as a file in a form.", param="file")
    _form_of(asked)
    return TranscriptRequest(
        model=asked.model,
        sound=found.data,
        filename=found.filename,
        content_type=found.content_type,
        language=read_string(fields, "language") or None,
        prompt=read_string(fields, "prompt") or None,
        temperature=_number(fields, "temperature"),
        extras=_extras({**fields, **_besides(asked)}, _OF_TRANSCRIPTS),
    )


def _besides(asked: Asked) -> Fields:
    """Lists of the form, and further files, by their names."""
    found: Fields = {}
    for field in asked.files:
        if field.name != "file":
            found[field.name] = render_raw("" if field.filename else field.data.decode("utf-8", "replace"))
    return found


def _form_of(asked: Asked) -> str:
    """How the transcript is to be written. Raises InvalidRequest and Unrepresentable."""
    form = read_string(asked.fields, "response_format") or "json"
    if form == "diarized_json":
        raise Unrepresentable(
            "Who speaks is not told apart by this model here. Take another `response_format`, or another model.",
            param="response_format",
        )
    if form not in _WRITTEN:
        raise InvalidRequest(
            f"`response_format` has to be one of {', '.join(_WRITTEN)}.", param="response_format"
        )
    return form


def _number(fields: Fields, name: str) -> float | None:
    """A number, or a form's text that is one. Raises InvalidRequest."""
    text = bytes(fields.get(name, msgspec.Raw(NULL))).strip(b'"')
    if text == NULL:
        return None
    try:
        return msgspec.json.decode(text, type=float)
    except ValueError:
        raise InvalidRequest(f"`{name}` has to be a number.", param=name) from None


def _extras(fields: Fields, known: frozenset[str]) -> Extras | None:
    left = {name: raw for name, raw in fields.items() if name not in known}
    return Extras(NAME, left) if left else None


def transcript_type(asked: Asked) -> bytes:
    """The content type of a transcript that was made here."""
    return b"text/plain; charset=utf-8" if _form_of(asked) in _PLAIN else b"application/json"


def render_transcript(transcript: Transcript, asked: Asked, cost_nusd: int | None) -> bytes:
    """In the form that was asked for."""
    form = _form_of(asked)
    if form == "text":
        return transcript.text.encode() + b"\n"
    if form == "srt":
        return _subtitles(transcript, ",", numbered=True)
    if form == "vtt":
        return b"WEBVTT\n\n" + _subtitles(transcript, ".", numbered=False)
    out: Json = {"text": transcript.text}
    if form == "verbose_json":
        segments = [
            {"id": number, "start": cue.start, "end": cue.end, "text": cue.text}
            for number, cue in enumerate(_cues(transcript))
        ]
        out = {"task": "transcribe"}
        put(out, language=transcript.language, duration=transcript.seconds, text=transcript.text)
        out["segments"] = segments
        if any(file.name == _GRANULARITIES and file.data == b"word" for file in asked.files):
            out["words"] = [
                {"word": word.text, "start": word.start, "end": word.end} for word in transcript.words
            ]
    if transcript.seconds is not None:
        usage: Json = {"type": "duration", "seconds": ceil(transcript.seconds)}
        put_cost(usage, cost_nusd)
        out["usage"] = usage
    return _ENCODER.encode(out)


def _cues(transcript: Transcript) -> list[SpokenWord]:
    """The text in pieces to be read at once. Without times of words: in one."""
    if not transcript.words:
        return [SpokenWord(transcript.text, 0.0, transcript.seconds or 0.0)] if transcript.text else []
    cues: list[SpokenWord] = []
    group: list[SpokenWord] = []
    for word in transcript.words:
        if group and _ends(group, word):
            cues.append(_cue(group))
            group = []
        group.append(word)
    return [*cues, _cue(group)]


def _ends(group: list[SpokenWord], following: SpokenWord) -> bool:
    last = group[-1]
    return (
        last.text.endswith(_SENTENCE_ENDS)
        or following.start - last.end > _PAUSE_S
        or following.end - group[0].start > _LONGEST_S
        or len(group) >= _MOST_WORDS
    )


def _cue(group: list[SpokenWord]) -> SpokenWord:
    return SpokenWord(" ".join(word.text for word in group), group[0].start, group[-1].end)


def _subtitles(transcript: Transcript, point: str, *, numbered: bool) -> bytes:
    return "".join(_written(_cues(transcript), point, numbered)).encode()


def _written(cues: Iterable[SpokenWord], point: str, numbered: bool) -> Iterable[str]:
    for number, cue in enumerate(cues, 1):
        head = f"{number}\n" if numbered else ""
        text = cue.text.replace("-->", "->")
        yield f"{head}{_clock(cue.start, point)} --> {_clock(cue.end, point)}\n{text}\n\n"


def _clock(seconds: float, point: str) -> str:
    whole = max(0, round(seconds * 1000))
    hours, rest = divmod(whole, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}{point}{rest % 1000:03}"
