"""OpenAI's Responses API as a dialect of the simulator: its paths, what it remembers, its errors in streams.

https://platform.openai.com/docs/api-reference/responses (2026-11-25). Responses are stored in memory, unless `store`
is false; the oldest go when there are too many.
"""

from __future__ import annotations

from urllib.parse import parse_qs

import msgspec

from waypost.simulator import openai
from waypost.simulator.answers import Answer
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
from waypost.simulator.openai_dialect import bearer, reset_headers
from waypost.simulator.responses_answer import Spoken
from waypost.simulator.responses_ask import parse_response
from waypost.simulator.seals import Seals
from waypost.simulator.stream import sse
from waypost.simulator.wire import Told, Wire

_encode = msgspec.json.encode
MAX_STORED = 1024
#: The number of an event that a fault puts into a stream: above those of any answer, as numbers only grow.
_LATE = 1_000_000_000
_GARBAGE = (
    b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta",\x00\xff not json\n\n'
)


class _Stored(msgspec.Struct):
    response: Json
    items: list[Json]


class Responses:
    """`/v1/responses` and what is below it."""

    name = "responses"
    id_header = b"x-request-id"

    def __init__(self, seals: Seals) -> None:
        self._seals = seals
        self._stored: dict[str, _Stored] = {}
        self._known: set[str] = set()

    def owns(self, request: Request) -> bool:
        path = _path(request)
        return path == "" or path.startswith("/")

    def admit(self, request: Request, lock: Lock, _now: float) -> None:
        bearer(request.headers.get(b"authorization"), lock)

    def parse(self, request: Request) -> Ask | None:
        if _path(request) or request.method != "POST":
            return None
        return self._asked(request)

    def _asked(self, request: Request) -> Ask:
        return parse_response(request.body, self._seals, self._history, self._known.__contains__)

    def page(self, request: Request, _: Shelf) -> Page | None:
        path = _path(request)
        if path == "/input_tokens" and request.method == "POST":
            body = {"object": "response.input_tokens", "input_tokens": self._asked(request).prompt_tokens}
            return Page(_encode(body))
        name, rest = [*path.lstrip("/").split("/", 1), ""][:2]
        if not name:
            return None
        stored = self._stored.get(name)
        if stored is None:
            raise Refused(404, f"Response with id '{name}' not found.")
        match (request.method, rest):
            case ("GET", ""):
                return Page(_encode(stored.response))
            case ("DELETE", ""):
                self._forget(name)
                return Page(_encode({"id": name, "object": "response", "deleted": True}))
            case ("POST", "cancel"):
                return _cancel(stored)
            case ("GET", "input_items"):
                return _input_items(stored, parse_qs(request.query))
            case _:
                return None

    def stamp_id(self, _: Ask, name: str) -> str:
        return "resp_" + name

    def render(self, ask: Ask, answer: Answer, _: Behaviour, stamp: Stamp, form: UsageForm) -> Wire:
        spoken = Spoken(ask, answer, stamp, form, self._seals)
        if ask.echo.get("store") is True:
            self._keep(stamp.answer_id, spoken.response(), ask.echo.get("items"))
        if ask.stream:
            head = [STREAM_TYPE, *openai.headers(stamp)]
            return Wire(200, head, spoken.pieces(), "chunked", head_due_s=answer.first_s)
        piece = spoken.whole()
        return Wire(200, [JSON_TYPE, *openai.headers(stamp)], [piece], head_due_s=piece.due_s)

    def told(self, refused: Refused, _: str) -> Told:
        return Told(refused.status, openai.render_error(refused))

    def odd(self, ask: Ask, stamp: Stamp) -> Odd:
        return Odd(
            told=lambda refused: self.told(refused, stamp.request_id),
            event=lambda refused: _error_event(refused, ask, stamp),
            reset=reset_headers,
            garbage=_GARBAGE,
            tiny=b'event: keepalive\ndata: {"type":"keepalive","sequence_number":0}\n\n',
            padded=_padded,
        )

    # --- what is remembered --------------------------------------------------------------------------------------

    def _keep(self, name: str, response: Json, items: object) -> None:
        self._stored[name] = _Stored(response, items if isinstance(items, list) else [])
        self._known.update(_ids(response))
        if len(self._stored) > MAX_STORED:
            self._forget(next(iter(self._stored)))

    def _forget(self, name: str) -> None:
        self._known.difference_update(_ids(self._stored.pop(name).response))

    def _history(self, name: str) -> list[Json] | None:
        stored = self._stored.get(name)
        if stored is None:
            return None
        output = stored.response["output"]
        return [*stored.items, *(output if isinstance(output, list) else [])]


def _path(request: Request) -> str:
    """What stands behind `/responses`; "-" for a path that is not below it."""
    path = request.path.removeprefix("/v1")
    return path.removeprefix("/responses") if path.startswith("/responses") else "-"


def _ids(response: Json) -> list[str]:
    output = response["output"]
    return [str(item["id"]) for item in output] if isinstance(output, list) else []


def _cancel(stored: _Stored) -> Page:
    if stored.response.get("background") is not True:
        raise Refused(400, "Cannot cancel a synchronous response.")
    stored.response.update(status="cancelled", output=[], usage=None, completed_at=None)
    return Page(_encode(stored.response))


def _input_items(stored: _Stored, query: dict[str, list[str]]) -> Page:
    """The newest first, unless asked for otherwise. Items without an id get one by their place."""
    items = [{"id": f"msg_in{place:04x}", **item} for place, item in enumerate(stored.items)]
    if query.get("order") != ["asc"]:
        items.reverse()
    ends = {"first_id": items[0]["id"], "last_id": items[-1]["id"]} if items else {}
    return Page(_encode({"object": "list", "data": items, "has_more": False, **ends}))


def _error_event(refused: Refused, ask: Ask, stamp: Stamp) -> bytes:
    """A failing server ends the response as failed; everything else is an `error` event."""
    if refused.status >= 500:
        told = ask.echo.get("told")
        error = {"code": refused.code or "server_error", "message": refused.message}
        state: Json = {"id": stamp.answer_id, "object": "response", "created_at": stamp.created}
        state |= {
            "model": ask.model,
            "status": "failed",
            "error": error,
            "incomplete_details": None,
            "output": [],
            "usage": None,
        }
        response = {**state, **(told if isinstance(told, dict) else {})}
        event = {"type": "response.failed", "sequence_number": _LATE, "response": response}
        return sse(event, "response.failed")
    event = {"type": "error", "sequence_number": _LATE, "code": refused.code}
    return sse({**event, "message": refused.message, "param": refused.param}, "error")


def _padded(size: int) -> bytes:
    form = b'event: keepalive\ndata: {"type":"keepalive","sequence_number":0,"x_pad":"%b"}\n\n'
    return form % (b"x" * max(0, size - len(form) + 2))
