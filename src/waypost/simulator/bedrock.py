"""Bedrock's Converse as a dialect of the simulator: its paths, who may call, its exceptions.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_Errors and the
service model of botocore 1.44.8 (2026-11-25).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote

import msgspec

from waypost.simulator.answers import Answer
from waypost.simulator.ask import Ask, Refused
from waypost.simulator.bedrock_answer import Spoken
from waypost.simulator.bedrock_ask import parse_converse
from waypost.simulator.dialect import JSON_TYPE, Lock, Odd, Page, Request, Shelf, Stamp, UsageForm
from waypost.simulator.eventstream import damaged, event, exception
from waypost.simulator.models import Behaviour
from waypost.simulator.seals import Seals
from waypost.simulator.sigv4 import Signed
from waypost.simulator.wire import Told, Wire

STREAM_TYPE = (b"content-type", b"application/vnd.amazon.eventstream")
_PATH = re.compile(r"(?:/bedrock)?/model/([^/]+)/(converse|converse-stream|count-tokens)")
_MODELS = re.compile(r"(?:/bedrock)?/foundation-models")
_NAMESPACE = ":http://internal.amazon.com/coral/com.amazon.bedrock/"
_PING = event("simulatorPing", {})

#: A fault's or a refusal's status → Bedrock's status and exception.
_EXCEPTIONS: Mapping[int, tuple[int, str]] = {
    400: (400, "ValidationException"),
    401: (403, "UnrecognizedClientException"),
    402: (403, "AccessDeniedException"),
    403: (403, "AccessDeniedException"),
    404: (404, "ResourceNotFoundException"),
    413: (413, "ValidationException"),
    422: (424, "ModelErrorException"),
    429: (429, "ThrottlingException"),
    500: (500, "InternalServerException"),
    502: (503, "ServiceUnavailableException"),
    503: (503, "ServiceUnavailableException"),
    504: (408, "ModelTimeoutException"),
    529: (503, "ServiceUnavailableException"),
}
#: What Bedrock says where it says it in its own way: code → status, exception, message.
_OWN: Mapping[str, tuple[int, str, str]] = {
    "insufficient_quota": (
        400,
        "ServiceQuotaExceededException",
        "Your request exceeds the service quota for your account.",
    ),
    "context_length_exceeded": (400, "ValidationException", "Input is too long for requested model."),
    "rate_limit_exceeded": (
        429,
        "ThrottlingException",
        "Too many requests, please wait before trying again.",
    ),
}


class Bedrock:
    """`/model/MODEL/converse` and `/converse-stream`, its token count, and the list of foundation models."""

    name = "bedrock"
    id_header = b"x-amzn-requestid"

    def __init__(self, seals: Seals) -> None:
        self._seals = seals

    def owns(self, request: Request) -> bool:
        return bool(_PATH.fullmatch(request.path) or _MODELS.fullmatch(request.path))

    def admit(self, request: Request, lock: Lock, now: float) -> None:
        """A signature of the right shape, which must be the secret's when there is one; or an API key as bearer."""
        given = request.header("authorization")
        if not given:
            raise Refused(403, "Missing Authentication Token", kind="MissingAuthenticationTokenException")
        if given.startswith("Bearer "):
            if not lock.opens(given[7:]) or (lock.secret is not None and lock.key is None):
                raise Refused(403, "Invalid API Key format: Must start with pre-defined prefix")
            return
        signed = Signed(request)
        if not lock.opens(signed.key_id):
            raise Refused(
                403,
                "The security token included in the request is invalid.",
                kind="UnrecognizedClientException",
            )
        if lock.secret is not None:
            signed.check(lock.secret, "bedrock", now)

    def parse(self, request: Request) -> Ask | None:
        found = _PATH.fullmatch(request.path)
        if found is None or request.method != "POST" or found[2] == "count-tokens":
            return None
        return parse_converse(
            unquote(found[1]), request.body, self._seals, stream=found[2] == "converse-stream"
        )

    def page(self, request: Request, shelf: Shelf) -> Page | None:
        if request.method == "GET" and _MODELS.fullmatch(request.path):
            listed = [
                {
                    "modelId": name,
                    "modelName": name,
                    "providerName": "Simulator",
                    "responseStreamingSupported": True,
                }
                for name in shelf.names
            ]
            return Page(msgspec.json.encode({"modelSummaries": listed}))
        found = _PATH.fullmatch(request.path)
        if found is None or request.method != "POST":
            return None
        tokens = parse_converse("", _counted(request.body), self._seals, stream=False).prompt_tokens
        return Page(msgspec.json.encode({"inputTokens": tokens}))

    def stamp_id(self, _: Ask, name: str) -> str:
        return name

    def render(self, ask: Ask, answer: Answer, behaviour: Behaviour, stamp: Stamp, form: UsageForm) -> Wire:
        spoken = Spoken(ask, answer, behaviour, stamp, form, self._seals)
        about = (b"x-amzn-requestid", stamp.request_id.encode())
        if ask.stream:
            head = [STREAM_TYPE, about]
            pieces, first = spoken.pieces(), answer.first_s
            return Wire(200, head, pieces, "chunked", head_due_s=first, ping=_PING, binary=True)
        return Wire(200, [JSON_TYPE, about], [spoken.whole()], head_due_s=answer.last_s)

    def told(self, refused: Refused, _: str) -> Told:
        status, kind, message = _exception(refused)
        body = msgspec.json.encode({"message": message})
        return Told(status, body, ((b"x-amzn-errortype", (kind + _NAMESPACE).encode()),))

    def odd(self, _: Ask, stamp: Stamp) -> Odd:
        return Odd(
            told=lambda refused: self.told(refused, stamp.request_id),
            event=_exception_event,
            reset=lambda *_: [],
            garbage=damaged(event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "?"}})),
            tiny=_PING,
            padded=_padded,
        )


def _counted(body: bytes) -> bytes:
    """The Converse request within a request to count its tokens. Raises Refused."""
    try:
        return msgspec.json.decode(body, type=_CountTokens).input.converse
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refused(400, "Value at 'input.converse' is missing") from None


class _Counted(msgspec.Struct):
    converse: msgspec.Raw


class _CountTokens(msgspec.Struct):
    input: _Counted


def _exception(refused: Refused) -> tuple[int, str, str]:
    own = _OWN.get(refused.code or "")
    if own is not None:
        return own
    if refused.kind.endswith("Exception"):
        return refused.status, refused.kind, refused.message
    status, kind = _EXCEPTIONS.get(refused.status, (500, "InternalServerException"))
    return status, kind, refused.message


def _exception_event(refused: Refused) -> bytes:
    """A failing server is a failing model in a stream; everything else is what it is."""
    if refused.status == 500:
        told = {"originalStatusCode": 500, "originalMessage": refused.message, "message": refused.message}
        return exception("modelStreamErrorException", told)
    kind = _exception(refused)[1]
    return exception(kind[0].lower() + kind[1:], {"message": refused.message})


def _padded(size: int) -> bytes:
    empty = len(event("simulatorPing", {"x_pad": ""}))
    return event("simulatorPing", {"x_pad": "x" * max(0, size - empty)})
