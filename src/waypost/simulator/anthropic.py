"""Anthropic's Messages API as a dialect of the simulator: its paths, its errors, what stands around an answer.

Shapes: https://docs.claude.com/en/api/errors, /rate-limits, /models-list and the types of anthropic 2.14.0
(2026-11-25).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import unquote

import msgspec

from waypost.simulator.answers import Answer
from waypost.simulator.anthropic_answer import PING, Spoken
from waypost.simulator.anthropic_ask import parse_messages
from waypost.simulator.ask import Ask, Refused
from waypost.simulator.dialect import (
    JSON_TYPE,
    STREAM_TYPE,
    Json,
    Lock,
    Odd,
    Page,
    Request,
    Shelf,
    Stamp,
    UsageForm,
)
from waypost.simulator.models import Behaviour
from waypost.simulator.seals import Seals
from waypost.simulator.stream import sse
from waypost.simulator.wire import Told, Wire

_encode = msgspec.json.encode
_GARBAGE = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":\x00\xff not json\n\n'

#: Status → type of an error (https://docs.claude.com/en/api/errors, 2026-11-25).
_TYPES: Mapping[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}

#: What Anthropic says where it says it in its own way: code → status, type, message.
_OWN: Mapping[str, tuple[int, str, str]] = {
    "insufficient_quota": (
        400,
        "invalid_request_error",
        "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or "
        "purchase credits.",
    ),
    "context_length_exceeded": (
        400,
        "invalid_request_error",
        "prompt is too long: 200001 tokens > 200000 maximum",
    ),
    "content_filter": (400, "invalid_request_error", "Output blocked by content filtering policy"),
    "invalid_api_key": (401, "authentication_error", "invalid x-api-key"),
    "overloaded": (529, "overloaded_error", "Overloaded"),
}


#: Vertex AI's path: https://docs.claude.com/en/api/claude-on-vertex-ai (2026-11-25).
_VERTEX = re.compile(
    r"(?:/v1)?/projects/[^/]+/locations/[^/]+/publishers/anthropic/models/(.+):(?:stream)?[rR]awPredict"
)


class Anthropic:
    """`/v1/messages`, its token count, and the model list for those who send `anthropic-version`; and the same on
    Vertex AI's path."""

    name = "anthropic"
    id_header = b"request-id"

    def __init__(self, seals: Seals) -> None:
        self._seals = seals

    def owns(self, request: Request) -> bool:
        path = request.path
        if (
            path.startswith("/anthropic/")
            or _VERTEX.fullmatch(path)
            or path.removeprefix("/v1").startswith("/messages")
        ):
            return True
        return b"anthropic-version" in request.headers and path.removeprefix("/v1").startswith("/models")

    def admit(self, request: Request, lock: Lock, _now: float) -> None:
        given = request.header("x-api-key")
        scheme, _, token = request.header("authorization").partition(" ")
        if lock.key is None:
            return
        if not given and scheme != "Bearer":
            raise Refused(401, "x-api-key header is required")
        if not lock.opens(given or token):
            raise Refused(401, "invalid x-api-key", code="invalid_api_key")

    def parse(self, request: Request) -> Ask | None:
        found = _VERTEX.fullmatch(request.path)
        if found is not None and found[1] != "count-tokens":
            _only(request, "POST")
            return parse_messages(request.body, self._seals, model=unquote(found[1]))
        if _path(request) != "/messages":
            return None
        _only(request, "POST")
        _check_version(request)
        return parse_messages(request.body, self._seals)

    def page(self, request: Request, shelf: Shelf) -> Page | None:
        path = _path(request)
        if _VERTEX.fullmatch(request.path):
            ask = parse_messages(request.body, self._seals, counting=True)
            return Page(_encode({"input_tokens": ask.prompt_tokens}))
        if path == "/messages/count_tokens":
            _only(request, "POST")
            _check_version(request)
            ask = parse_messages(request.body, self._seals, counting=True)
            return Page(_encode({"input_tokens": ask.prompt_tokens}))
        if path == "/models":
            _only(request, "GET")
            data = [_model(name) for name in shelf.names]
            ends = {"first_id": shelf.names[0], "last_id": shelf.names[-1]}
            return Page(_encode({"data": data, "has_more": False, **ends}))
        name = path.removeprefix("/models/")
        return Page(_encode(_model(name))) if name in shelf.names else None

    def stamp_id(self, _: Ask, name: str) -> str:
        return "msg_" + name

    def render(self, ask: Ask, answer: Answer, behaviour: Behaviour, stamp: Stamp, form: UsageForm) -> Wire:
        spoken = Spoken(ask, answer, behaviour, stamp, form, self._seals)
        if ask.stream:
            pieces = spoken.pieces()
            head = [STREAM_TYPE, *_headers(stamp)]
            return Wire(200, head, pieces, "chunked", head_due_s=answer.first_s, ping=PING)
        return Wire(200, [JSON_TYPE, *_headers(stamp)], [spoken.whole()], head_due_s=answer.last_s)

    def told(self, refused: Refused, request_id: str) -> Told:
        kind = _TYPES.get(refused.status, "api_error" if refused.status >= 500 else "invalid_request_error")
        own = (refused.status, kind, refused.message)
        status, kind, message = _OWN.get(refused.code or "", own)
        error = {"type": kind, "message": message}
        return Told(status, _encode({"type": "error", "error": error, "request_id": request_id}))

    def odd(self, _: Ask, stamp: Stamp) -> Odd:
        return Odd(
            told=lambda refused: self.told(refused, stamp.request_id),
            event=lambda refused: _error_event(refused, stamp.request_id),
            reset=_reset,
            garbage=_GARBAGE,
            tiny=PING,
            padded=_padded,
        )


def _path(request: Request) -> str:
    return request.path.removeprefix("/anthropic").removeprefix("/v1")


def _only(request: Request, method: str) -> None:
    if request.method != method:
        raise Refused(405, "Method Not Allowed")


def _check_version(request: Request) -> None:
    if not request.header("anthropic-version"):
        raise Refused(400, "anthropic-version: header is required")


def _model(name: str) -> Json:
    return {
        "type": "model",
        "id": name,
        "display_name": name,
        "created_at": "2026-01-01T00:00:00Z",
        "max_input_tokens": 200_000,
        "max_tokens": 64_000,
        "lifecycle": "active",
    }


# --- what stands around an answer ---------------------------------------------------------------------------------


def rfc3339(wall: float) -> bytes:
    """A Unix time as Anthropic writes it, in whole seconds."""
    return datetime.fromtimestamp(max(0.0, min(wall, 2.5e11)), UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()


def _headers(stamp: Stamp) -> list[tuple[bytes, bytes]]:
    """What Anthropic sends beside the content type."""
    reset = rfc3339(stamp.created + 1)
    limits = [
        (b"anthropic-ratelimit-%b-%b" % (what, field), value)
        for what, most in ((b"requests", 1000), (b"input-tokens", 80_000), (b"output-tokens", 16_000))
        for field, value in ((b"limit", b"%d" % most), (b"remaining", b"%d" % (most - 1)), (b"reset", reset))
    ]
    return [
        (b"request-id", stamp.request_id.encode()),
        (b"anthropic-organization-id", b"00000000-0000-4000-8000-000000000000"),
        *limits,
    ]


def _reset(seconds: float, now: float) -> list[tuple[bytes, bytes]]:
    return [
        (b"anthropic-ratelimit-requests-remaining", b"0"),
        (b"anthropic-ratelimit-requests-reset", rfc3339(now + seconds)),
    ]


def _error_event(refused: Refused, request_id: str) -> bytes:
    """A failing server says `overloaded_error` in a stream: that is the one which happens there."""
    error = {"type": "overloaded_error", "message": "Overloaded"}
    if refused.status < 500:
        error = {"type": _TYPES.get(refused.status, "invalid_request_error"), "message": refused.message}
    return sse({"type": "error", "error": error, "request_id": request_id}, "error")


def _padded(size: int) -> bytes:
    """A ping with a field that no client knows."""
    form = b'event: ping\ndata: {"type":"ping","x_pad":"%b"}\n\n'
    return form % (b"x" * max(0, size - len(form) + 2))
