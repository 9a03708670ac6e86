"""Gemini's API as a dialect of the simulator: its paths, its errors, its pages.

https://ai.google.dev/api/generate-content, /api/models, /gemini-api/docs/troubleshooting (2026-11-25). Errors are
those of every Google API: https://cloud.google.com/apis/design/errors (2026-11-25).
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs, unquote

import msgspec

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
from waypost.simulator.gemini_answer import RATINGS, Spoken, embedded
from waypost.simulator.gemini_ask import count_tokens, parse_embed, parse_generate
from waypost.simulator.models import Behaviour
from waypost.simulator.seals import Seals
from waypost.simulator.stream import sse
from waypost.simulator.wire import Told, Wire

_encode = msgspec.json.encode
_HEADERS = [(b"server", b"scaffolding on HTTPServer2"), (b"x-gemini-service-tier", b"standard")]
_METHODS = ["generateContent", "streamGenerateContent", "countTokens", "embedContent", "batchEmbedContents"]
_GARBAGE = b'{"candidates": [{"content": {"parts": [{"text": \x00\xff not json'

#: Status → Google's name for it.
_NAMES: Mapping[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "FAILED_PRECONDITION",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    413: "INVALID_ARGUMENT",
    422: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
#: What Google says where it says it in its own way: code → status, message.
_OWN: Mapping[str, tuple[int, str]] = {
    "invalid_api_key": (400, "API key not valid. Please pass a valid API key."),
    "context_length_exceeded": (
        400,
        "The input token count (1048577) exceeds the maximum number of tokens allowed (1048576).",
    ),
    "insufficient_quota": (
        429,
        "You exceeded your current quota, please check your plan and billing details.",
    ),
    "rate_limit_exceeded": (429, "Resource has been exhausted (e.g. check quota)."),
    "overloaded": (503, "The model is overloaded. Please try again later."),
}
_TYPE = "type.googleapis.com/google.rpc."


class Gemini:
    """`/v1beta/models/MODEL:METHOD`, and the same below `/v1`, `/gemini`, and Vertex AI's longer paths."""

    name = "gemini"
    id_header = b""

    def __init__(self, seals: Seals) -> None:
        self._seals = seals

    def owns(self, request: Request) -> bool:
        path = request.path
        if path.startswith(("/gemini/", "/v1beta/")) or ("/models/" in path and bool(_call(path)[1])):
            return True
        return path.startswith("/v1/models") and b"x-goog-api-key" in request.headers

    def admit(self, request: Request, lock: Lock, _now: float) -> None:
        if lock.key is None:
            return
        scheme, _, token = request.header("authorization").partition(" ")
        queried = parse_qs(request.query).get("key", [""])[0]
        given = request.header("x-goog-api-key") or queried or (token if scheme == "Bearer" else "")
        if not given:
            raise Refused(403, "Method doesn't allow unregistered callers. Please use API Key.")
        if not lock.opens(given):
            raise Refused(400, "API key not valid.", code="invalid_api_key")

    def parse(self, request: Request) -> Ask | None:
        model, method = _call(request.path)
        if method not in _METHODS or method == "countTokens":
            return None
        if request.method != "POST":
            raise Refused(404, "Not found.")
        if method in ("embedContent", "batchEmbedContents"):
            return parse_embed(model, request.body, batch=method == "batchEmbedContents")
        streamed = method == "streamGenerateContent"
        as_events = parse_qs(request.query).get("alt") == ["sse"]
        return parse_generate(model, request.body, self._seals, stream=streamed, sse=as_events)

    def page(self, request: Request, shelf: Shelf) -> Page | None:
        name, method = _call(request.path)
        if method == "countTokens" and request.method == "POST":
            total = count_tokens(request.body, self._seals)
            details = [{"modality": "TEXT", "tokenCount": total}]
            return Page(_encode({"totalTokens": total, "promptTokensDetails": details}))
        if request.method != "GET" or method:
            return None
        if request.path.endswith("/models"):
            return Page(_encode({"models": [_model(each) for each in shelf.names]}))
        return Page(_encode(_model(name))) if name in shelf.names else None

    def stamp_id(self, _: Ask, name: str) -> str:
        return name

    def render(self, ask: Ask, answer: Answer, behaviour: Behaviour, stamp: Stamp, form: UsageForm) -> Wire:
        if ask.operation == "embeddings":
            piece = embedded(ask, answer, behaviour, stamp, form)
            return Wire(200, [JSON_TYPE, *_HEADERS], [piece], head_due_s=answer.first_s)
        spoken = Spoken(ask, answer, behaviour, stamp, form, self._seals)
        if not ask.stream:
            return Wire(200, [JSON_TYPE, *_HEADERS], [spoken.whole()], head_due_s=answer.last_s)
        as_events = ask.echo.get("sse") is True
        head = [STREAM_TYPE if as_events else JSON_TYPE, *_HEADERS]
        ping = b": ping\n\n" if as_events else b"\n"
        return Wire(200, head, spoken.pieces(), "chunked", head_due_s=answer.first_s, ping=ping)

    def told(self, refused: Refused, _: str) -> Told:
        status, error = _error(refused)
        return Told(status, _encode({"error": error}))

    def odd(self, ask: Ask, stamp: Stamp) -> Odd:
        as_events = ask.echo.get("sse") is True
        before, after = (b"data: ", b"\n\n") if as_events else (b",\r\n", b"")

        def event(refused: Refused) -> bytes:
            end = b"" if as_events else b"]"
            return before + _encode({"error": _error(refused)[1]}) + after + end

        def told(refused: Refused) -> Told:
            if refused.code == "content_filter":
                return _blocked(ask)
            made = self.told(refused, stamp.request_id)
            if ask.stream and not as_events:
                return Told(made.status, b"[" + made.body + b"]")
            return made

        def padded(size: int) -> bytes:
            form = before + b'{"candidates":[],"xPad":"%b"}' + after
            return form % (b"x" * max(0, size - len(form) + 2))

        tiny = before + b'{"candidates":[]}' + after
        return Odd(told, event, lambda *_: [], before + _GARBAGE + after, tiny, padded)


def _call(path: str) -> tuple[str, str]:
    """The model and the method of `…/models/MODEL:METHOD`; the method is "" when there is none."""
    last = unquote(path.rpartition("/models/")[2]) if "/models/" in path else ""
    model, colon, method = last.rpartition(":")
    return (model, method) if colon else (last, "")


def _model(name: str) -> Json:
    return {
        "name": f"models/{name}",
        "version": "001",
        "displayName": name,
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": _METHODS,
    }


def _error(refused: Refused) -> tuple[int, Json]:
    status, message = _OWN.get(refused.code or "", (refused.status, refused.message))
    error: Json = {"code": status, "message": message, "status": _NAMES.get(status, "UNKNOWN")}
    details: list[Json] = []
    if refused.code == "invalid_api_key":
        details.append(
            {"@type": _TYPE + "ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}
        )
    if refused.code in ("rate_limit_exceeded", "insufficient_quota"):
        window = "PerDay" if refused.code == "insufficient_quota" else "PerMinute"
        quota = {
            "quotaMetric": "generativelanguage.googleapis.com/generate_requests",
            "quotaId": f"GenerateRequests{window}PerProjectPerModel",
        }
        details.append({"@type": _TYPE + "QuotaFailure", "violations": [quota]})
    if refused.retry_s is not None:
        details.append({"@type": _TYPE + "RetryInfo", "retryDelay": f"{max(0.0, refused.retry_s):.9g}s"})
    if details:
        error["details"] = details
    return status, error


def _blocked(ask: Ask) -> Told:
    """A prompt that was filtered: 200, no candidate, and why."""
    body = {
        "promptFeedback": {"blockReason": "SAFETY", "safetyRatings": RATINGS},
        "usageMetadata": {"promptTokenCount": ask.prompt_tokens, "totalTokenCount": ask.prompt_tokens},
        "modelVersion": ask.model,
    }
    if not ask.stream:
        return Told(200, _encode(body))
    if ask.echo.get("sse") is True:
        return Told(200, sse(body), type=STREAM_TYPE[1])
    return Told(200, b"[" + _encode(body) + b"]")
