"""What is read of a session's events; the rest of them passes unread.

https://platform.openai.com/docs/api-reference/realtime-client-events and …/realtime-server-events (2026-11-25).
"""

from __future__ import annotations

import msgspec

from waypost.core.asked import Asked
from waypost.dialects.fields import Fields, parse_nested, parse_object, read_string, render_fields, render_raw
from waypost.dialects.json_limits import DEFAULT, JsonLimits, check_json_size
from waypost.errors import GatewayError, InvalidRequest

_ENCODER = msgspec.json.Encoder()
_UNSET = msgspec.Raw()


class Sent(msgspec.Struct, frozen=True):
    """An event of the client. `data` is what goes on."""

    type: str
    data: bytes
    event_id: str | None = None
    session_model: str | None = None
    """The model that it sets, where it sets one."""
    transcriber: str | None = None
    """The model that is to transcribe what is heard, where it sets one."""


class _Peek(msgspec.Struct):
    type: str
    event_id: str | None = None
    session: msgspec.Raw = _UNSET


_PEEK = msgspec.json.Decoder(_Peek)


def read_sent(data: bytes, limits: JsonLimits = DEFAULT) -> Sent:
    """An event of the client's. One that has a `session` is written anew, so that what was read is what is sent.

    Raises InvalidRequest and TooLarge.
    """
    try:
        peek = _PEEK.decode(data)
    except (ValueError, RecursionError):
        raise InvalidRequest("This is no event: send a JSON object with a `type`.") from None
    if not bytes(peek.session):
        return Sent(peek.type, data, peek.event_id)
    check_json_size(data, limits)
    try:
        fields = parse_object(data)
        session = parse_nested(fields["session"])
    except ValueError:
        raise InvalidRequest("`session` has to be an object.", param="session") from None
    model = read_string(session, "model")
    transcriber = _transcriber(session)
    fields["session"] = msgspec.Raw(render_fields(session))
    return Sent(peek.type, render_fields(fields), peek.event_id, model, transcriber)


def with_model(data: bytes, model: str) -> bytes:
    """The event of a `session` with another model's name in it."""
    fields = parse_object(data)
    session = parse_nested(fields["session"])
    session["model"] = render_raw(model)
    fields["session"] = msgspec.Raw(render_fields(session))
    return render_fields(fields)


def _transcriber(session: Fields) -> str | None:
    """`audio.input.transcription.model`, or `input_audio_transcription.model` as it was in the beta.

    Both objects are written anew into `session`, so that repeated keys collapse. Raises InvalidRequest.
    """
    found = _inside(session, ("audio", "input", "transcription"))
    beta = _inside(session, ("input_audio_transcription",))
    if found is not None and beta is not None and found != beta:
        raise InvalidRequest("Two models are named for transcription. Name one.", param="session")
    return found if found is not None else beta


def _inside(fields: Fields, way: tuple[str, ...]) -> str | None:
    if not way:
        return read_string(fields, "model")
    raw = fields.get(way[0])
    if raw is None or bytes(raw) == b"null":
        return None
    try:
        inner = parse_nested(raw)
    except ValueError:
        raise InvalidRequest(f"`{way[0]}` has to be an object.", param="session") from None
    found = _inside(inner, way[1:])
    fields[way[0]] = msgspec.Raw(render_fields(inner))
    return found


def transcriber_of(session: msgspec.Raw) -> str | None:
    """The model that transcribes, as a provider's session object names it."""
    try:
        return _transcriber(parse_nested(session))
    except (ValueError, InvalidRequest):
        return None


def is_asked(asked: Asked, target: str, model: str) -> bool:
    """Whether a session's `model` is the one that the WebSocket was opened for."""
    return model in (asked.model, target)


def render_error_event(error: GatewayError, event_id: str | None = None) -> bytes:
    """https://platform.openai.com/docs/api-reference/realtime-server-events/error (2026-11-25)."""
    return _ENCODER.encode(
        {
            "type": "error",
            "event_id": "event_waypost",
            "error": {
                "type": error.kind,
                "code": error.code,
                "message": error.message,
                "param": error.param,
                "event_id": event_id,
            },
        }
    )


def render_cancel(response_id: str) -> bytes:
    """https://platform.openai.com/docs/api-reference/realtime-client-events/response/cancel (2026-11-25)."""
    return _ENCODER.encode({"type": "response.cancel", "response_id": response_id})
