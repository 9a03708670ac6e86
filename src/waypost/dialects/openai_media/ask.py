"""A request for pictures, sounds or a verdict: JSON or a form, read as far as routing and metering need.

https://platform.openai.com/docs/api-reference/images and …/audio, …/moderations (2026-11-25)
"""

from __future__ import annotations

from hashlib import sha256

import msgspec

from waypost.core.asked import Asked, FormField, Onward
from waypost.core.quirks import Quirks
from waypost.core.usage import Units, image_kind
from waypost.dialects.durations import milliseconds
from waypost.dialects.fields import (
    Fields,
    check_spelling,
    loose_string,
    parse_body,
    read_flag,
    read_integer,
    read_string,
    render_fields,
    render_raw,
)
from waypost.dialects.forms import FormPart, is_form, parse_form, render_form
from waypost.dialects.json_limits import JsonLimits
from waypost.dialects.openai.ask import MAX_CHOICES, read_model
from waypost.dialects.openai.estimate import AUDIO_BYTES_PER_TOKEN, IMAGE_TOKENS, text_tokens
from waypost.errors import InvalidRequest

GOVERNED = frozenset(
    ("model", "n", "stream", "stream_format", "response_format", "prompt", "input", "size", "quality")
)
_SHOWN = ("prompt", "input")
_WHOLE_NUMBERS = frozenset(("n",))
#: A form's text that is longer than this is no setting.
_TEXT_MAX = 1024 * 1024


def parse_media(
    body: bytes, limits: JsonLimits, default_model: str | None, required: str, operation: str = ""
) -> Asked:
    """`default_model` is used where OpenAI lets the model be left out. Raises InvalidRequest and TooLarge."""
    files: tuple[FormField, ...] = ()
    if is_form(body):
        fields, files = _read_form(parse_form(body))
    else:
        fields = parse_body(body, limits, GOVERNED)
    if default_model is not None and "model" not in fields:
        fields["model"] = render_raw(default_model)
    model = read_model(fields)
    if required not in fields and required not in {file.name.removesuffix("[]") for file in files}:
        raise InvalidRequest(f"`{required}` is missing.", param=required)
    choices = read_integer(fields, "n", 1, MAX_CHOICES) or 1
    events = read_flag(fields, "stream") or read_string(fields, "stream_format") == "sse"
    return Asked(
        model,
        events,
        fields,
        choices=choices,
        input_estimate=_estimate(fields, files),
        form="sse" if events else "",
        files=files,
        units=_units(operation, fields, files, choices),
    )


def _units(operation: str, fields: Fields, files: tuple[FormField, ...], choices: int) -> Units | None:
    """What this operation uses beside tokens, at most."""
    if operation == "speech":
        return Units(characters=len(loose_string(fields.get("input")) or ""))
    if operation in ("images", "image_edits"):
        return Units(images=choices, image=kind_of(fields))
    if operation in ("transcriptions", "translations"):
        return Units(audio_ms=sum(milliseconds(file.data) for file in files if file.name == "file"))
    return None


def kind_of(fields: Fields) -> str:
    """The kind of images that a request asks for, or an answer says it has."""
    return image_kind(loose_string(fields.get("quality")), loose_string(fields.get("size")))


def _read_form(parts: list[FormPart]) -> tuple[Fields, tuple[FormField, ...]]:
    """Text fields as JSON texts, so that rules read them as in a JSON body; everything else is kept as it is."""
    fields: Fields = {}
    kept: list[FormField] = []
    for part in parts:
        if part.filename is not None or part.name.endswith("[]"):
            kept.append(FormField(part.name, part.data, part.filename, part.content_type))
            continue
        if len(part.data) > _TEXT_MAX:
            raise InvalidRequest(
                f"The field {part.name[:64]!r} of the form is too long.", param=part.name[:64]
            )
        try:
            text = part.data.decode()
        except UnicodeDecodeError:
            raise InvalidRequest(
                f"The field {part.name[:64]!r} of the form is not UTF-8.", param=part.name[:64]
            ) from None
        if part.name in fields:
            raise InvalidRequest(
                f"The field {part.name[:64]!r} stands twice in the form. Send it once.", param=part.name[:64]
            )
        plain = (part.name == "stream" and text in ("true", "false")) or (
            part.name in _WHOLE_NUMBERS and text.isdigit()
        )
        fields[part.name] = msgspec.Raw(part.data) if plain else render_raw(text)
    check_spelling(fields, GOVERNED)
    return fields, tuple(kept)


def _estimate(fields: Fields, files: tuple[FormField, ...]) -> int:
    tokens = sum(text_tokens(len(bytes(fields[name]))) for name in _SHOWN if name in fields)
    for file in files:
        image = (file.content_type or b"").startswith(b"image/")
        tokens += IMAGE_TOKENS if image else len(file.data) // AUDIO_BYTES_PER_TOKEN
    return tokens


def render_media(asked: Asked, model: str, quirks: Quirks) -> Onward:
    """The request for a target: the model replaced, what the provider refuses left out and named."""
    fields = asked.fields.copy()
    fields["model"] = render_raw(model)
    dropped = tuple(name for name in quirks.drop if fields.pop(name, None) is not None)
    if not asked.files:
        return Onward(render_fields(fields), dropped)
    parts = [FormPart(name, _form_text(raw)) for name, raw in fields.items()]
    parts += [FormPart(file.name, file.data, file.filename, file.content_type) for file in asked.files]
    boundary = _boundary(parts)
    return Onward(render_form(parts, boundary), dropped, b"multipart/form-data; boundary=" + boundary)


def _form_text(raw: msgspec.Raw) -> bytes:
    text = bytes(raw)
    return msgspec.json.decode(text, type=str).encode() if text[:1] == b'"' else text


def _boundary(parts: list[FormPart]) -> bytes:
    """Of the content itself: the same request has the same bytes, and nobody can guess it into their own file."""
    digest = sha256()
    for part in parts:
        digest.update(part.data)
    return b"waypost" + digest.hexdigest()[:48].encode()
