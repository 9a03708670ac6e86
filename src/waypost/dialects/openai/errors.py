"""OpenAI's error envelope, both ways: https://platform.openai.com/docs/guides/error-codes (2026-11-21)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from waypost.dialects.fields import Fields, loose_string, parse_nested, parse_object
from waypost.dialects.masking import clean_message, mask_json
from waypost.dialects.retry_after import retry_after_s
from waypost.dialects.sse import render
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

#: `code` or `type` of an account that can pay for nothing more, whatever the status.
_SPENT = frozenset(
    {
        "insufficient_quota",
        "billing_hard_limit_reached",
        "billing_not_active",
        "insufficient_balance",
        "insufficient_credits",
        "account_deactivated",
    }
)
_BAD_KEY = frozenset({"invalid_api_key", "authentication_error", "permission_error", "401", "402", "403"})
_THROTTLED = frozenset(
    {"rate_limit_exceeded", "rate_limit_error", "overloaded_error", "too_many_requests", "429", "529"}
)
_DOWN = frozenset(
    {"server_error", "service_unavailable", "api_error", "internal_server_error", "500", "502", "503", "504"}
)
_NO_MESSAGE = "The provider gave no reason."
_ENCODER = msgspec.json.Encoder()


class Reported(msgspec.Struct, frozen=True):
    """What a provider's error object says. `words` are its `code`, `type` and `status`, in lower case."""

    message: str
    words: frozenset[str]
    param: str | None = None
    #: It was the OpenAI envelope.
    envelope: bool = False


def read_error(raw: msgspec.Raw) -> Reported:
    """The value of an `error` field: an object, or a text."""
    text = loose_string(raw)
    if text is not None:
        return Reported(clean_message(text) or _NO_MESSAGE, frozenset())
    try:
        fields = parse_nested(raw)
    except ValueError:
        return Reported(_NO_MESSAGE, frozenset())
    return _reported(fields, envelope="message" in fields)


def _reported(fields: Fields, envelope: bool) -> Reported:
    words = [
        loose_string(fields[name]) or _number_text(fields[name])
        for name in ("code", "type", "status")
        if name in fields
    ]
    message = next(
        (text for name in ("message", "detail", "msg") if (text := loose_string(fields.get(name)))), ""
    )
    return Reported(
        clean_message(message) or _NO_MESSAGE,
        frozenset(word.lower() for word in words if word),
        loose_string(fields.get("param")),
        envelope,
    )


def _number_text(raw: msgspec.Raw) -> str:
    text = bytes(raw)
    return text.decode() if text.isdigit() and len(text) < 6 else ""


def _read_body(body: bytes) -> Reported:
    try:
        fields = parse_object(body)
    except ValueError:
        return Reported(_NO_MESSAGE, frozenset())
    error = fields.get("error")
    return _reported(fields, envelope=False) if error is None else read_error(error)


def parse_error(status: int, headers: Headers, body: bytes) -> UpstreamError:
    """A non-2xx answer, by its status first and then by its body."""
    said = _read_body(body)
    wait = retry_after_s(headers)
    if status in (401, 402, 403) or (status == 429 and said.words & _SPENT):
        return _credential(said)
    if status in (429, 529):
        return Throttled(f"The provider's rate limit was reached: {said.message}", retry_after_s=wait)
    if status == 408 or status >= 500 or status < 400:
        return _unavailable(status, said, wait)
    kept = mask_json(body) if said.envelope else None
    return Rejected(
        f"The provider refused the request: {said.message}", status=status, body=kept, param=said.param
    )


def parse_inline(raw: msgspec.Raw) -> UpstreamError:
    """An error inside an answer with status 200. By then the provider may have billed."""
    said = read_error(raw)
    error: UpstreamError
    if said.words & (_SPENT | _BAD_KEY):
        error = _credential(said)
    elif said.words & _THROTTLED:
        error = Throttled(f"The provider's rate limit was reached: {said.message}")
    elif said.words & _DOWN:
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


def _unavailable(status: int, said: Reported, wait: float | None) -> UpstreamError:
    error = Unavailable(f"The provider failed with status {status}: {said.message}", retry_after_s=wait)
    # 504: a model was at work when a proxy of the provider gave up. Other 5xx are not billed by any provider known.
    error.may_have_billed = status == 504
    return error


def render_error(error: GatewayError) -> bytes:
    """`{"error": {message, type, param, code}}`; a provider's own envelope goes out as it came."""
    if isinstance(error, Rejected) and error.body is not None:
        return error.body
    return _ENCODER.encode(
        {"error": {"message": error.message, "type": error.kind, "param": error.param, "code": error.code}}
    )


def render_stream_error(error: GatewayError) -> bytes:
    """The same as an event of a stream that has begun."""
    return render(
        b" ".join(render_error(error).split()) if isinstance(error, Rejected) else render_error(error)
    )
