"""Lines of a batch's files: https://developers.openai.com/api/docs/guides/batch, and `BatchRequestInput` and
`BatchRequestOutput` of OpenAI's description, as rendered at
https://docs.rs/openai-struct/latest/src/openai_struct/models/batch_request_output.rs.html (2026-11-26)."""

from __future__ import annotations

from typing import Final

import msgspec

from waypost.core.batch import Fault
from waypost.dialects.fields import parse_object
from waypost.errors import InvalidRequest

CUSTOM_ID_MAX: Final = 512
_NO = msgspec.Raw(b"null")
_OFF: Final = (b"null", b"false")


class _Line(msgspec.Struct, frozen=True):
    custom_id: str
    method: str
    url: str
    body: msgspec.Raw


_LINE: Final = msgspec.json.Decoder(_Line)


class InputLine(msgspec.Struct, frozen=True):
    """One request."""

    custom_id: str
    body: bytes


def read_line(line: bytes, number: int, endpoint: str) -> InputLine | Fault:
    """One line of an input file, or what is wrong with it."""
    try:
        said = _LINE.decode(line)
        body = bytes(said.body)
        fields = parse_object(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, InvalidRequest):
        return Fault(
            "invalid_json_line",
            "The line has to be a JSON object with `custom_id`, `method`, `url` and, as an object, `body`.",
            number,
        )
    if not 0 < len(said.custom_id) <= CUSTOM_ID_MAX:
        return Fault(
            "invalid_custom_id",
            f"`custom_id` has to have 1 to {CUSTOM_ID_MAX} characters.",
            number,
            "custom_id",
        )
    if said.method != "POST":
        return Fault("invalid_method", "`method` has to be POST.", number, "method")
    if said.url != endpoint:
        return Fault(
            "mismatched_endpoint", f"`url` has to be the batch's endpoint, {endpoint}.", number, "url"
        )
    if not fields.get("model"):
        return Fault("missing_model", "`body` has no `model`.", number, "body.model")
    for name in ("stream", "background"):
        if bytes(fields.get(name, _NO)) not in _OFF:
            return Fault(
                "invalid_request", f"`{name}` is not for batches. Leave it out.", number, f"body.{name}"
            )
    return InputLine(said.custom_id, body)


class _Response(msgspec.Struct, frozen=True):
    status_code: int
    request_id: str
    body: msgspec.Raw


class _Error(msgspec.Struct, frozen=True):
    code: str
    message: str


class _Result(msgspec.Struct, frozen=True):
    id: str
    custom_id: str
    response: _Response | None
    error: _Error | None


class _Named(msgspec.Struct, frozen=True):
    custom_id: str


_NAMED: Final = msgspec.json.Decoder(_Named)


def render_answered(line_id: str, custom_id: str, status: int, request_id: str, body: bytes) -> bytes:
    """A line of an output or error file for a request that was answered. Raises InvalidRequest for a body that is
    no JSON."""
    try:
        # One line, whatever the provider's own layout was; and what is no JSON would break the file.
        small = msgspec.json.format(body, indent=-1)
    except msgspec.DecodeError:
        raise InvalidRequest("The answer is no JSON, so it has no place in a file of lines.") from None
    response = _Response(status, request_id, msgspec.Raw(small))
    return msgspec.json.encode(_Result(line_id, custom_id, response, None)) + b"\n"


def render_unanswered(line_id: str, custom_id: str, code: str, message: str) -> bytes:
    """A line of an error file for a request without an answer."""
    return msgspec.json.encode(_Result(line_id, custom_id, None, _Error(code, message))) + b"\n"


def custom_id_of(result: bytes) -> str:
    """Whose result a line is. Raises msgspec.DecodeError."""
    return _NAMED.decode(result).custom_id
