"""Cohere's API as a dialect of the simulator: its paths and its errors.

https://docs.cohere.com/reference/errors, /v2/docs/streaming (2026-11-25). Cohere ranks are billed in tokens here, as
everything else, and reported in search units.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from waypost.simulator.answers import Answer
from waypost.simulator.ask import Ask, Refused
from waypost.simulator.cohere_answer import Spoken, embedded, ranked
from waypost.simulator.cohere_ask import parse_chat, parse_embed, parse_rerank
from waypost.simulator.dialect import (
    JSON_TYPE,
    STREAM_TYPE,
    Lock,
    Odd,
    Page,
    Request,
    Shelf,
    Stamp,
    UsageForm,
)
from waypost.simulator.models import Behaviour
from waypost.simulator.stream import sse
from waypost.simulator.wire import Told, Wire

_encode = msgspec.json.encode
_GARBAGE = b'event: content-delta\ndata: {"type":"content-delta","delta":\x00\xff not json\n\n'

_PARSERS: Mapping[str, Callable[[bytes], Ask]] = {
    "/v2/chat": parse_chat,
    "/v2/embed": parse_embed,
    "/v2/rerank": lambda body: parse_rerank(body, 2),
    "/v1/rerank": lambda body: parse_rerank(body, 1),
}
#: What Cohere says where it says it in its own way: code → status, message.
_OWN: Mapping[str, tuple[int, str]] = {
    "invalid_api_key": (401, "invalid api token"),
    "rate_limit_exceeded": (
        429,
        "Please wait and try again later; you are past the per minute request limit of your key.",
    ),
    "insufficient_quota": (402, "Please add or update your payment method to continue."),
    "context_length_exceeded": (
        400,
        "too many tokens: the total number of tokens in the prompt can not exceed 128000.",
    ),
    "model_not_found": (404, "model not found, make sure the correct model ID was used"),
    "overloaded": (503, "the service is overloaded, please try again later"),
}


class Cohere:
    """`/v2/chat`, `/v2/embed`, `/v2/rerank` and `/v1/rerank`, also below `/cohere`."""

    name = "cohere"
    id_header = b"x-debug-trace-id"

    def owns(self, request: Request) -> bool:
        return _path(request) in _PARSERS or request.path.startswith(("/cohere/", "/v2/"))

    def admit(self, request: Request, lock: Lock, _now: float) -> None:
        scheme, _, key = request.header("authorization").partition(" ")
        if lock.key is not None and not (scheme.lower() == "bearer" and lock.opens(key)):
            raise Refused(401, "no api key supplied" if not key else "invalid api token")

    def parse(self, request: Request) -> Ask | None:
        parser = _PARSERS.get(_path(request))
        if parser is None:
            return None
        if request.method != "POST":
            raise Refused(405, "method not allowed")
        return parser(request.body)

    def page(self, request: Request, shelf: Shelf) -> Page | None:
        if request.method != "GET" or _path(request) != "/v1/models":
            return None
        listed = [
            {"name": name, "endpoints": ["chat", "embed", "rerank"], "context_length": 128_000}
            for name in shelf.names
        ]
        return Page(_encode({"models": listed}))

    def stamp_id(self, _: Ask, name: str) -> str:
        return f"{name[:8]}-{name[8:12]}-4{name[13:16]}-8{name[17:20]}-{name[20:]}{name[:8]}"

    def render(self, ask: Ask, answer: Answer, behaviour: Behaviour, stamp: Stamp, form: UsageForm) -> Wire:
        about = [(self.id_header, stamp.request_id.encode()), (b"x-api-warning", b"simulated")]
        if ask.operation == "chat" and ask.stream:
            pieces = Spoken(ask, answer, stamp, form).pieces()
            return Wire(200, [STREAM_TYPE, *about], pieces, "chunked", head_due_s=answer.first_s)
        if ask.operation == "chat":
            piece = Spoken(ask, answer, stamp, form).whole()
        elif ask.operation == "embeddings":
            piece = embedded(ask, answer, behaviour, stamp, form)
        else:
            piece = ranked(ask, answer, stamp, form)
        return Wire(200, [JSON_TYPE, *about], [piece], head_due_s=piece.due_s)

    def told(self, refused: Refused, request_id: str) -> Told:
        status, message = _OWN.get(refused.code or "", (refused.status, refused.message))
        return Told(status, _encode({"id": request_id, "message": message}))

    def odd(self, _: Ask, stamp: Stamp) -> Odd:
        return Odd(
            told=lambda refused: self.told(refused, stamp.request_id),
            event=_error_event,
            reset=lambda *_: [],
            garbage=_GARBAGE,
            tiny=b'event: debug\ndata: {"type":"debug"}\n\n',
            padded=_padded,
        )


def _path(request: Request) -> str:
    return request.path.removeprefix("/cohere")


def _error_event(refused: Refused) -> bytes:
    """Cohere ends a message whose model failed with the reason `ERROR`."""
    delta = {"finish_reason": "ERROR", "error": refused.message}
    return sse({"type": "message-end", "delta": delta}, "message-end")


def _padded(size: int) -> bytes:
    form = b'event: debug\ndata: {"type":"debug","prompt":"%b"}\n\n'
    return form % (b"x" * max(0, size - len(form) + 2))
