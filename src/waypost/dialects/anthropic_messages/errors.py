"""Anthropic's error envelope, both ways: https://platform.claude.com/docs/en/api/errors (2026-11-25)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from waypost.dialects.fields import loose_string, parse_object
from waypost.dialects.masking import clean_message, mask_json
from waypost.dialects.retry_after import retry_after_s
from waypost.dialects.sse import render
from waypost.dialects.taking import Json, object_or_none
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

#: The type that a client of this dialect expects with a status. Others below 500 are invalid_request_error.
TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_CREDENTIAL = frozenset({"authentication_error", "billing_error", "permission_error"})
_THROTTLED = frozenset({"rate_limit_error", "overloaded_error"})
_DOWN = frozenset({"api_error", "timeout_error"})
#: `error.details.error_code` of an account that can pay for nothing more, whatever the status. The types of
#: anthropic 2.14.0 on PyPI.
_SPENT = frozenset(
    {
        "contract_spend_limit_reached",
        "enforced_spend_limit_reached",
        "linked_organization_spend_limit_reached",
        "linked_organization_billing_unavailable",
        "organization_on_hold",
    }
)
#: The same said in words, with status 400 and no code.
_SPENT_TEXTS = ("credit balance is too low", "reached your specified api usage limits")
_NO_MESSAGE = "The provider gave no reason."
_ENCODER = msgspec.json.Encoder()


class Reported(msgspec.Struct, frozen=True):
    """What a provider's error object says."""

    message: str
    type: str = ""
    code: str = ""
    #: It was this dialect's envelope.
    envelope: bool = False

    @property
    def spent(self) -> bool:
        """The account can pay for nothing more."""
        text = self.message.lower()
        return self.code in _SPENT or any(words in text for words in _SPENT_TEXTS)


def read_error(body: bytes) -> Reported:
    """The envelope `{"type": "error", "error": {…}}`; of other shapes what there is of a message."""
    try:
        fields = parse_object(body)
    except ValueError:
        return Reported(_NO_MESSAGE)
    inner = object_or_none(fields.get("error"))
    if inner is None:
        text = loose_string(fields.get("error")) or loose_string(fields.get("message")) or ""
        return Reported(clean_message(text) or _NO_MESSAGE)
    kind = loose_string(inner.get("type")) or ""
    details = object_or_none(inner.get("details")) or {}
    return Reported(
        clean_message(loose_string(inner.get("message")) or "") or _NO_MESSAGE,
        kind,
        loose_string(details.get("error_code")) or "",
        bool(kind) and "message" in inner,
    )


def parse_error(status: int, headers: Headers, body: bytes) -> UpstreamError:
    """A non-2xx answer, by its status first and then by its body."""
    said = read_error(body)
    wait = retry_after_s(headers)
    if status in (401, 402, 403) or (400 <= status < 500 and said.spent):
        return _credential(said)
    if status in (429, 529):
        return Throttled(f"The provider's rate limit was reached: {said.message}", retry_after_s=wait)
    if status == 408 or status >= 500 or status < 400:
        error = Unavailable(f"The provider failed with status {status}: {said.message}", retry_after_s=wait)
        # 504: a model was at work when the provider gave up. Other 5xx are not billed.
        error.may_have_billed = status == 504
        return error
    kept = mask_json(body) if said.envelope else None
    return Rejected(f"The provider refused the request: {said.message}", status=status, body=kept)


def parse_inline(body: bytes) -> UpstreamError:
    """An error inside an answer with status 200, or a stream's error event. By then the provider may have billed."""
    said = read_error(body)
    error: UpstreamError
    if said.type in _CREDENTIAL or said.spent:
        error = _credential(said)
    elif said.type in _THROTTLED:
        error = Throttled(f"The provider's rate limit was reached: {said.message}")
    elif said.type in _DOWN:
        error = Unavailable(f"The provider failed while answering: {said.message}")
    else:
        return Failed(f"The provider reported an error in its answer: {said.message}")
    error.may_have_billed = True
    return error


def _credential(said: Reported) -> UpstreamError:
    return CredentialRefused(
        "The provider refused the gateway's own credential, or its account is out of credit. Whoever runs this "
        f"gateway has to look at it; your key is fine. The provider says: {said.message}"
    )


def error_type(status: int) -> str:
    """This dialect's word for an error with this status."""
    return TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")


def render_error(error: GatewayError) -> bytes:
    """`{"type": "error", "error": {type, message, details}}`; a provider's own envelope goes out as it came.

    `details.error_code` is where Anthropic's SDKs look for the cause; the gateway's `code` stands there.
    """
    if isinstance(error, Rejected) and error.body is not None:
        return error.body
    return _ENCODER.encode(envelope(error_type(error.status), error.message, error.code, error.param))


def envelope(kind: str, message: str, code: str, param: str | None = None) -> Json:
    """An error of this dialect. The request's id is in the headers."""
    details = {"error_code": code} | ({} if param is None else {"param": param})
    return {"type": "error", "error": {"type": kind, "message": message, "details": details}}


def render_stream_error(error: GatewayError) -> bytes:
    """The same as an event of a stream that has begun."""
    body = render_error(error)
    return render(b" ".join(body.split()) if isinstance(error, Rejected) else body, "error")
