"""What a client is told of each failure, in its own dialect: before its stream begins, and inside one that has."""

from __future__ import annotations

import re

import msgspec
import pytest

from dialects.bedrock_converse.frames import said
from waypost.core.asked import Asked, Stamp
from waypost.core.events import PartDelta, PartStarted, Started
from waypost.core.request import Text
from waypost.dialects.dialect import Dialect, StreamRelay, StreamRenderer
from waypost.dialects.registry import DIALECTS
from waypost.dialects.shown import shown_status
from waypost.dialects.sse import SseParser
from waypost.errors import (
    AllDown,
    BudgetExceeded,
    ContextTooLong,
    CredentialRefused,
    Draining,
    Failed,
    Filtered,
    Garbled,
    GatewayError,
    KeyReused,
    ModelNotFound,
    NoTarget,
    Overcrowded,
    Overloaded,
    QuotaSpent,
    RateLimited,
    Rejected,
    Throttled,
    TimedOut,
    TooLarge,
    Truncated,
    Unavailable,
)

#: Error, its HTTP status, OpenAI's type and code, Anthropic's type, Google's status, Bedrock's exception and, where it
#: can come after the commit point, the one in a stream.
TOLD: list[tuple[GatewayError, int, str, str, str, str, str, str]] = [
    (ContextTooLong("x", status=400), 400, "invalid_request_error", "context_length_exceeded",
     "invalid_request_error", "INVALID_ARGUMENT", "ValidationException", "validationException"),
    (Filtered("x", status=400), 400, "invalid_request_error", "content_filter",
     "invalid_request_error", "INVALID_ARGUMENT", "ValidationException", "validationException"),
    (Rejected("x", status=422), 422, "invalid_request_error", "upstream_rejected",
     "invalid_request_error", "INVALID_ARGUMENT", "ValidationException", "validationException"),
    (TooLarge("x"), 413, "invalid_request_error", "request_too_large",
     "request_too_large", "INVALID_ARGUMENT", "ValidationException", "validationException"),
    (ModelNotFound("x"), 404, "invalid_request_error", "model_not_found",
     "not_found_error", "NOT_FOUND", "ResourceNotFoundException", "validationException"),
    (NoTarget("x"), 404, "invalid_request_error", "no_suitable_target",
     "not_found_error", "NOT_FOUND", "ResourceNotFoundException", "validationException"),
    (KeyReused("x"), 422, "idempotency_error", "idempotency_key_reused",
     "invalid_request_error", "INVALID_ARGUMENT", "ValidationException", "validationException"),
    (RateLimited("x"), 429, "rate_limit_error", "rate_limit_exceeded",
     "rate_limit_error", "RESOURCE_EXHAUSTED", "ThrottlingException", "throttlingException"),
    (BudgetExceeded("x"), 402, "insufficient_quota", "budget_exceeded",
     "billing_error", "FAILED_PRECONDITION", "ServiceQuotaExceededException", "throttlingException"),
    (Throttled("x"), 429, "rate_limit_error", "upstream_rate_limited",
     "rate_limit_error", "RESOURCE_EXHAUSTED", "ThrottlingException", "throttlingException"),
    (Overcrowded("x"), 503, "service_unavailable_error", "upstream_overloaded",
     "overloaded_error", "UNAVAILABLE", "ServiceUnavailableException", "serviceUnavailableException"),
    (CredentialRefused("x"), 502, "upstream_error", "upstream_credential_refused",
     "api_error", "UNAVAILABLE", "ModelErrorException", "modelStreamErrorException"),
    (QuotaSpent("x"), 502, "upstream_error", "upstream_quota_spent",
     "api_error", "UNAVAILABLE", "ModelErrorException", "modelStreamErrorException"),
    (Unavailable("x"), 502, "upstream_error", "upstream_unavailable",
     "api_error", "UNAVAILABLE", "ModelErrorException", "modelStreamErrorException"),
    (Garbled("x"), 502, "upstream_error", "upstream_garbled",
     "api_error", "UNAVAILABLE", "ModelErrorException", "modelStreamErrorException"),
    (Truncated("x"), 502, "upstream_error", "upstream_truncated",
     "api_error", "UNAVAILABLE", "ModelErrorException", "modelStreamErrorException"),
    (Failed("x"), 502, "upstream_error", "upstream_failed",
     "api_error", "UNAVAILABLE", "ModelErrorException", "modelStreamErrorException"),
    (TimedOut("x", phase="idle"), 504, "upstream_error", "upstream_timeout",
     "timeout_error", "DEADLINE_EXCEEDED", "ModelTimeoutException", "modelStreamErrorException"),
    (AllDown("x", retry_after_s=3), 503, "api_error", "all_targets_down",
     "overloaded_error", "UNAVAILABLE", "ServiceUnavailableException", "serviceUnavailableException"),
    (Overloaded("x"), 503, "api_error", "overloaded",
     "overloaded_error", "UNAVAILABLE", "ServiceUnavailableException", "serviceUnavailableException"),
    (Draining("x"), 503, "api_error", "draining",
     "overloaded_error", "UNAVAILABLE", "ServiceUnavailableException", "serviceUnavailableException"),
]  # fmt: skip
rows = pytest.mark.parametrize("row", TOLD, ids=[type(row[0]).__name__ for row in TOLD])


@rows
def test_before_the_stream(row: tuple[GatewayError, int, str, str, str, str, str, str]) -> None:
    error, status, kind, code, anthropic, google, bedrock, _ = row
    for dialect in DIALECTS.values():
        shown = msgspec.json.decode(dialect.render_error(error))
        known = dialect.name.startswith("anthropic") and isinstance(error, Overcrowded)
        assert shown_status(error, dialect) == (529 if known else status)
        assert shown_status(error, dialect) not in (401, 403)
        if dialect.name.startswith(("openai", "elevenlabs", "deepgram")):
            assert (shown["error"]["type"], shown["error"]["code"]) == (kind, code)
        elif dialect.name.startswith("anthropic"):
            assert (shown["type"], shown["error"]["type"]) == ("error", anthropic)
            assert shown["error"]["details"]["error_code"] == code
        elif dialect.name.startswith("gemini"):
            assert (shown["error"]["code"], shown["error"]["status"]) == (status, google)
            assert shown["error"]["details"][0]["metadata"]["code"] == code
        elif dialect.name.startswith("bedrock"):
            assert (shown["code"], shown["waypost"]["code"]) == (bedrock, code)
        else:
            assert shown["code"] == code


STREAMING = ["openai_chat", "openai_completions", "openai_responses", "openai_images", "anthropic_messages",
             "gemini_generate", "gemini_generate/array", "bedrock_converse", "cohere_chat"]  # fmt: skip
#: What a client takes for the end of a whole answer.
ENDS = re.compile(
    rb"\[DONE\]|message_stop|messageStop|response\.(?:completed|incomplete)|\"finish_reason\":\"stop\"|finishReason"
    rb"|\"COMPLETE\"|image_generation\.completed"
)


def _asked(form: str) -> Asked:
    return Asked("m", True, {}, input_estimate=7, form=form)


def _relay(name: str) -> StreamRelay:
    dialect, _, form = name.partition("/")
    return DIALECTS[dialect].stream_relay(_asked(form or "sse"), lambda usage, tier: 1)


def _renderer(name: str) -> StreamRenderer | None:
    """In the middle of an answer of another dialect; Cohere's is no client's for those."""
    dialect, _, form = name.partition("/")
    codec = DIALECTS[dialect].codec
    if codec is None or dialect == "cohere_chat":
        return None
    renderer = codec.stream_renderer(_asked(form or "sse"), Stamp("wp-1", 1))
    for event in (Started("r", "m"), PartStarted(0, 0, Text("")), PartDelta(0, 0, "Hello")):
        renderer.render(event)
    return renderer


@rows
@pytest.mark.parametrize("name", STREAMING)
def test_inside_a_stream(name: str, row: tuple[GatewayError, int, str, str, str, str, str, str]) -> None:
    for end in (_relay(name), _renderer(name)):
        if end is not None:
            out = end.fail(row[0])
            assert ENDS.search(out) is None
            _check(name, out, row)


def _check(name: str, out: bytes, row: tuple[GatewayError, int, str, str, str, str, str, str]) -> None:
    _, status, kind, code, anthropic, google, _, in_stream = row
    if name == "bedrock_converse":
        last = said(out)[-1]
        assert list(last) == [in_stream]
        assert last[in_stream]["waypost"]["code"] == code
        return
    if name == "gemini_generate/array":
        shown = msgspec.json.decode(b"[" + out.lstrip(b"[,\n"))[-1]
    else:
        event = SseParser().feed(out)[-1]
        shown = msgspec.json.decode(event.data or b"")
    if name.startswith("gemini"):
        assert (shown["error"]["code"], shown["error"]["status"]) == (status, google)
    elif name == "anthropic_messages":
        assert (event.event, shown["type"], shown["error"]["type"]) == ("error", "error", anthropic)
    elif name == "cohere_chat":
        assert (event.event, shown["delta"]["finish_reason"]) == ("message-end", "ERROR")
        assert shown["delta"]["code"] == code
    else:
        assert (shown["error"]["type"], shown["error"]["code"]) == (kind, code)
        assert (event.event == "error") is (name == "openai_responses")


#: What each dialect's own tools look for when a prompt is too long, whoever the provider was.
TOO_LONG = {
    "anthropic_messages": "prompt is too long",
    "anthropic_vertex": "prompt is too long",
    "gemini_generate": "exceeds the maximum number of tokens",
    "bedrock_converse": "Input is too long for requested model",
    "cohere_chat": "too many tokens",
    "openai_chat": "context_length_exceeded",
    "openai_responses": "context_length_exceeded",
    "openai_completions": "context_length_exceeded",
    "openai_embeddings": "context_length_exceeded",
}
SAYING_SO = [
    ("openai_chat", b'{"error":{"message":"This model\'s maximum context length is 8192 tokens.","code":400}}'),
    ("anthropic_messages", b'{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: '
                           b'9 tokens > 8 maximum"}}'),
    ("bedrock_converse", b'{"message":"Input is too long for requested model."}'),
    ("gemini_generate", b'{"error":{"code":400,"message":"The input token count (9) exceeds the maximum number of '
                        b'tokens allowed (8).","status":"INVALID_ARGUMENT"}}'),
]  # fmt: skip


@pytest.mark.parametrize(("target", "body"), SAYING_SO)
@pytest.mark.parametrize("client", TOO_LONG)
def test_a_prompt_that_is_too_long_is_known_as_such_to_every_client(
    client: str, target: str, body: bytes
) -> None:
    dialect: Dialect = DIALECTS[client]
    error = DIALECTS[target].parse_error(400, [], body)
    assert isinstance(error, ContextTooLong)
    if target != client:
        error.body = None  # another dialect's envelope does not pass
    shown = dialect.render_error(error)
    assert TOO_LONG[client].encode() in shown
    assert shown.count(TOO_LONG[client].encode()) == 1, "said once"
