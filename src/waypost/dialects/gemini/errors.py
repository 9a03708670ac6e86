"""Google's error envelope, both ways: `{"error": {code, message, status, details: [{"@type": …}]}}`.

https://google.aip.dev/193, https://ai.google.dev/gemini-api/docs/troubleshooting and, for `details`,
https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto (2026-11-25).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec

from waypost.dialects.masking import clean_message, mask_json
from waypost.dialects.retry_after import MAX_WAIT_S, retry_after_s
from waypost.errors import (
    CredentialRefused,
    Failed,
    GatewayError,
    Rejected,
    Throttled,
    Unavailable,
    UpstreamError,
)

Headers = Sequence[tuple[bytes, bytes]]

_RPC = "type.googleapis.com/google.rpc."
_NO_MESSAGE = "The provider gave no reason."
_ENCODER = msgspec.json.Encoder()
_SECONDS = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)s")

#: `google.rpc.Code` for the gateway's own answers: https://google.aip.dev/193#http-mapping (2026-11-25). 402 is not
#: among Google's; a spent budget is no rate limit, so it is not RESOURCE_EXHAUSTED.
_STATUSES: Mapping[int, str] = MappingProxyType(
    {
        401: "UNAUTHENTICATED",
        402: "FAILED_PRECONDITION",
        403: "PERMISSION_DENIED",
        404: "NOT_FOUND",
        405: "UNIMPLEMENTED",
        408: "DEADLINE_EXCEEDED",
        409: "ABORTED",
        429: "RESOURCE_EXHAUSTED",
        499: "CANCELLED",
        500: "INTERNAL",
        501: "UNIMPLEMENTED",
        502: "UNAVAILABLE",
        503: "UNAVAILABLE",
        504: "DEADLINE_EXCEEDED",
    }
)
#: Words that say the gateway's own account is at fault, whatever the HTTP status. A bad key is a 400 INVALID_ARGUMENT;
#: FAILED_PRECONDITION: no billing, or not offered where the gateway stands.
_CREDENTIAL = frozenset(
    {"UNAUTHENTICATED", "PERMISSION_DENIED", "FAILED_PRECONDITION", "BILLING_DISABLED", "SERVICE_DISABLED"}
)
_KEY_REASON = "API_KEY_"
_DOWN = frozenset({"INTERNAL", "UNAVAILABLE", "DEADLINE_EXCEEDED", "UNKNOWN", "ABORTED", "CANCELLED"})


class _Violation(msgspec.Struct):
    field: str | None = None


class _Detail(msgspec.Struct):
    kind: str = msgspec.field(default="", name="@type")
    reason: str | None = None
    retry_delay: str | None = msgspec.field(default=None, name="retryDelay")
    field_violations: list[_Violation] | None = msgspec.field(default=None, name="fieldViolations")


class _Error(msgspec.Struct):
    code: int | None = None
    message: str | None = None
    status: str | None = None
    details: msgspec.Raw = msgspec.Raw()


class _Envelope(msgspec.Struct):
    error: msgspec.Raw


_ERROR = msgspec.json.Decoder(_Error)
_DETAILS = msgspec.json.Decoder(list[_Detail])
_ENVELOPE = msgspec.json.Decoder(_Envelope)
_LISTED: msgspec.json.Decoder[list[_Envelope]] = msgspec.json.Decoder(list[_Envelope])
_TEXT = msgspec.json.Decoder(str)


class Reported(msgspec.Struct, frozen=True):
    """What a provider's error object says. `words`: its status and the reasons of its details."""

    message: str
    code: int | None = None
    words: frozenset[str] = frozenset()
    wait_s: float | None = None
    param: str | None = None
    envelope: bool = False

    def blames_credential(self) -> bool:
        """The gateway's own account, and not the request, is at fault."""
        return bool(self.words & _CREDENTIAL) or any(word.startswith(_KEY_REASON) for word in self.words)


def find_error(body: bytes) -> msgspec.Raw | None:
    """The error object of a body that is an envelope, or the list of one that array streams are refused with."""
    try:
        if body.lstrip()[:1] == b"[":
            listed = _LISTED.decode(body)
            return listed[0].error if listed else None
        return _ENVELOPE.decode(body).error
    except (ValueError, RecursionError):
        return None


def read_error(raw: msgspec.Raw | None) -> Reported:
    """The value of an `error` field."""
    if raw is None:
        return Reported(_NO_MESSAGE)
    try:
        error = _ERROR.decode(raw)
    except (ValueError, RecursionError):
        return Reported(_read_text(raw))
    try:
        details = _DETAILS.decode(error.details) if bytes(error.details) else []
    except (ValueError, RecursionError):
        details = []
    words = [error.status, *(detail.reason for detail in details)]
    waits = [wait for detail in details if (wait := _wait(detail.retry_delay)) is not None]
    fields = [each.field for detail in details for each in detail.field_violations or () if each.field]
    return Reported(
        clean_message(error.message or "") or _NO_MESSAGE,
        error.code,
        frozenset(word for word in words if word),
        max(waits, default=None),
        fields[0][:200] if fields else None,
        envelope=error.message is not None,
    )


def _read_text(raw: msgspec.Raw) -> str:
    try:
        return clean_message(_TEXT.decode(raw)) or _NO_MESSAGE
    except (ValueError, RecursionError):
        return _NO_MESSAGE


def _wait(delay: str | None) -> float | None:
    found = _SECONDS.fullmatch(delay or "")
    return None if found is None else min(float(found[1]), MAX_WAIT_S)


def parse_error(status: int, headers: Headers, body: bytes) -> UpstreamError:
    """A non-2xx answer, by its status first and then by its body."""
    said = read_error(find_error(body))
    wait = retry_after_s(headers)
    wait = said.wait_s if wait is None else wait
    if status == 429:
        return Throttled(f"The provider's rate limit was reached: {said.message}", retry_after_s=wait)
    if status in (401, 402, 403) or (status == 400 and said.blames_credential()):
        return _credential(said)
    if status in (408, 499) or status >= 500 or status < 400:
        return _unavailable(status, said, wait)
    kept = mask_json(body) if said.envelope else None
    return Rejected(
        f"The provider refused the request: {said.message}", status=status, body=kept, param=said.param
    )


def parse_inline(raw: msgspec.Raw | None) -> UpstreamError:
    """An error inside an answer with status 200. By then the provider may have billed."""
    said = read_error(raw)
    error: UpstreamError
    if said.code == 429 or "RESOURCE_EXHAUSTED" in said.words:
        error = Throttled(f"The provider's rate limit was reached: {said.message}", retry_after_s=said.wait_s)
    elif said.blames_credential():
        error = _credential(said)
    elif said.words & _DOWN or (said.code or 0) >= 500:
        error = Unavailable(f"The provider failed while answering: {said.message}")
    else:
        return Failed(f"The provider reported an error in its answer: {said.message}")
    error.may_have_billed = True
    return error


def _credential(said: Reported) -> UpstreamError:
    return CredentialRefused(
        "The provider refused the gateway's own credential, or its account can not be used. Whoever runs this "
        f"gateway has to look at it; your key is fine. The provider says: {said.message}"
    )


def _unavailable(status: int, said: Reported, wait: float | None) -> UpstreamError:
    error = Unavailable(f"The provider failed with status {status}: {said.message}", retry_after_s=wait)
    # The deadline passed while a model was at work; Google bills no other failure.
    error.may_have_billed = status == 504
    return error


def render_failed(code: str, message: str) -> bytes:
    """The envelope for what a stream of another dialect told of as it broke; `code` is that of a `GatewayError`."""
    info = {
        "@type": f"{_RPC}ErrorInfo",
        "reason": code.upper(),
        "domain": "waypost",
        "metadata": {"code": code},
    }
    error = {"code": 502, "message": message, "status": _STATUSES[502], "details": [info]}
    return _ENCODER.encode({"error": error})


def render_error(error: GatewayError) -> bytes:
    """Google's envelope; a provider's own goes out as it came. The gateway's `code` and `param` are in an ErrorInfo."""
    if isinstance(error, Rejected) and error.body is not None:
        return error.body
    metadata = {"code": error.code} | ({"param": error.param} if error.param else {})
    details: list[dict[str, object]] = [
        {
            "@type": f"{_RPC}ErrorInfo",
            "reason": error.code.upper(),
            "domain": "waypost",
            "metadata": metadata,
        }
    ]
    if error.param:
        violation = {"field": error.param, "description": error.message}
        details.append({"@type": f"{_RPC}BadRequest", "fieldViolations": [violation]})
    if error.retry_after_s is not None:
        details.append({"@type": f"{_RPC}RetryInfo", "retryDelay": f"{error.retry_after_s:g}s"})
    fallback = "INVALID_ARGUMENT" if error.status < 500 else "INTERNAL"
    shown = {
        "code": error.status,
        "message": error.message,
        "status": _STATUSES.get(error.status, fallback),
        "details": details,
    }
    return _ENCODER.encode({"error": shown})
