"""What each provider says, as it says it, and what it means: one row per form that was seen."""

from __future__ import annotations

import msgspec
import pytest

from waypost.dialects.refusals import Cause, Said, cause_inside, cause_of, wait_of
from waypost.dialects.registry import DIALECTS
from waypost.errors import (
    ContextTooLong,
    CredentialRefused,
    Failed,
    Filtered,
    Garbled,
    Overcrowded,
    QuotaSpent,
    Rejected,
    Throttled,
    Unavailable,
    UpstreamError,
)
from waypost.simulator.ask import Refused
from waypost.simulator.dialects import all_dialects

DATE = (b"date", b"Wed, 25 Nov 2026 10:00:00 GMT")


def openai(
    message: str, code: object = None, kind: str | None = "invalid_request_error", **more: object
) -> bytes:
    return msgspec.json.encode({"error": {"message": message, "type": kind, "code": code, **more}})


def anthropic(kind: str, message: str, **details: object) -> bytes:
    inner: dict[str, object] = {"type": kind, "message": message} | ({"details": details} if details else {})
    return msgspec.json.encode({"type": "error", "error": inner})


def google(code: int, status: str, message: str, *details: object) -> bytes:
    return msgspec.json.encode(
        {"error": {"code": code, "message": message, "status": status, "details": details}}
    )


def quota(name: str) -> dict[str, object]:
    return {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": name}]}


RETRY_INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"}
REGAINED = (
    "You have reached your specified API usage limits. You will regain access on 2026-11-26 at 10:00 UTC."
)
FLAGGED = {"reasons": ["violence"], "flagged_input": "…", "provider_name": "OpenAI"}
INNER = {"innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {}}}

#: Dialect, status, body, kind, seconds to wait.
SAID: list[tuple[str, int, bytes, type[UpstreamError], float | None]] = [
    # --- context: OpenAI and those who speak as it does
    ("openai_chat", 400, openai("Too long.", "context_length_exceeded"), ContextTooLong, None),
    ("openai_chat", 400, openai("Invalid 'messages[0]'", "string_above_max_length"), ContextTooLong, None),
    ("openai_responses", 400, openai("Your input exceeds the context window of this model."), ContextTooLong, None),
    ("openai_chat", 400, openai("This model's maximum context length is 8192 tokens.", 400, "BadRequestError"),
     ContextTooLong, None),
    ("openai_chat", 400, openai("The decoder prompt (length 9) is longer than the maximum model length of 8."),
     ContextTooLong, None),
    ("openai_chat", 400, openai("request (9 tokens) exceeds the available context size (8 tokens)", 400,
                                "exceed_context_size_error"), ContextTooLong, None),
    ("openai_chat", 400, openai("the request exceeds the available context size, try increasing it", 400),
     ContextTooLong, None),
    ("openai_chat", 400, b'{"error":"The number of tokens to keep from the initial prompt is greater than the context '
                         b'length."}', ContextTooLong, None),
    ("openai_embeddings", 500, b'{"error":"the input length exceeds the context length"}', ContextTooLong, None),
    ("openai_chat", 400, openai("Please reduce the length of the messages or completion."), ContextTooLong, None),
    ("openai_chat", 400, openai("This model's maximum prompt length is 131072 but the request contains 537812"),
     ContextTooLong, None),
    ("openai_chat", 422, b'{"message":"Prompt contains 9 tokens, too large for model with 8 maximum context length"}',
     ContextTooLong, None),
    ("openai_chat", 400, openai("invalid params, context window exceeds limit"), ContextTooLong, None),
    ("openai_chat", 400, openai("Your request exceeded model token limit: 8 (requested: 9)"), ContextTooLong, None),
    ("openai_chat", 403, openai("Input token count + `max_tokens` must be less than the context length."),
     ContextTooLong, None),
    ("openai_chat", 400, openai("Too much.", 400, None, metadata={"error_type": "context_length_exceeded"}),
     ContextTooLong, None),
    # --- context: the others
    ("anthropic_messages", 400, anthropic("invalid_request_error", "prompt is too long: 9 tokens > 8 maximum"),
     ContextTooLong, None),
    ("anthropic_messages", 400, anthropic("invalid_request_error", "input length and `max_tokens` exceed context "
                                          "limit: 142422 + 64000 > 200000"), ContextTooLong, None),
    ("gemini_generate", 400, google(400, "INVALID_ARGUMENT", "The input token count (9) exceeds the maximum number of "
                                    "tokens allowed (8)."), ContextTooLong, None),
    ("bedrock_converse", 400, b'{"__type":"ValidationException","message":"Input is too long for requested model."}',
     ContextTooLong, None),
    ("bedrock_converse", 400, b'{"__type":"ValidationException","message":"too many total text bytes: 9 > 8"}',
     ContextTooLong, None),
    ("cohere_chat", 400, b'{"message":"too many tokens: total number of tokens in the prompt cannot exceed 8"}',
     ContextTooLong, None),
    # --- too large is not too long
    ("anthropic_messages", 413, anthropic("request_too_large", "Request exceeds the maximum size"), Rejected, None),
    ("openai_chat", 413, b"<html>413 Request Entity Too Large</html>", Rejected, None),
    ("cohere_chat", 400, b'{"message":"too many tokens: max tokens must be less than or equal to 4096"}', Rejected,
     None),
    # --- content filters
    ("openai_chat", 400, openai("The response was filtered", "content_filter", None, **INNER), Filtered, None),
    ("openai_chat", 400, openai("Filtered.", None, None, **INNER), Filtered, None),
    ("openai_chat", 400, openai("The response was filtered due to the prompt triggering Azure OpenAI's content "
                                "management policy."), Filtered, None),
    ("openai_images", 400, openai("Your request was blocked by our moderation system.", "moderation_blocked",
                                  "image_generation_user_error"), Filtered, None),
    ("openai_chat", 403, openai("Your chosen model requires moderation.", 403, None, metadata=FLAGGED), Filtered,
     None),
    ("openai_chat", 403, openai("Flagged.", 403, None, metadata=FLAGGED), Filtered, None),
    ("openai_chat", 403, openai("Request blocked: prompt injection patterns detected", 403, None), Filtered, None),
    ("openai_chat", 400, openai("Content Exists Risk"), Filtered, None),
    ("openai_chat", 400, openai("Input data may contain inappropriate content.", "data_inspection_failed"), Filtered,
     None),
    ("anthropic_messages", 400, anthropic("invalid_request_error", "Output blocked by content filtering policy"),
     Filtered, None),
    # --- spent quotas
    ("openai_chat", 429, openai("Quota.", "insufficient_quota", "insufficient_quota"), QuotaSpent, None),
    ("openai_chat", 429, openai("Quota.", "credit_balance_exhausted", "insufficient_quota"), QuotaSpent, None),
    ("openai_chat", 429, openai("Quota.", "project_spend_limit_exceeded", "x"), QuotaSpent, None),
    ("openai_images", 400, openai("Billing hard limit has been reached", "billing_hard_limit_reached"), QuotaSpent,
     None),
    ("openai_chat", 402, openai("Insufficient Balance", "invalid_request_error", "unknown_error"), QuotaSpent, None),
    ("openai_chat", 402, openai("Insufficient credits", 402, None), QuotaSpent, None),
    ("openai_chat", 429, openai("suspended due to insufficient balance", None, "exceeded_current_quota_error"),
     QuotaSpent, None),
    ("anthropic_messages", 400, anthropic("invalid_request_error", "Your credit balance is too low to access the "
                                          "Anthropic API."), QuotaSpent, None),
    ("anthropic_messages", 400, anthropic("invalid_request_error", REGAINED), QuotaSpent, 86400.0),
    ("anthropic_messages", 429, anthropic("rate_limit_error", "Limit.", error_code="enforced_spend_limit_reached"),
     QuotaSpent, None),
    ("gemini_generate", 429, google(429, "RESOURCE_EXHAUSTED", "Quota.", RETRY_INFO, quota(
        "GenerateRequestsPerDayPerProjectPerModel-FreeTier")), QuotaSpent, None),
    ("gemini_generate", 402, google(402, "RESOURCE_EXHAUSTED", "Pay."), QuotaSpent, None),
    ("bedrock_converse", 429, b'{"__type":"ThrottlingException","message":"Too many tokens per day, please wait"}',
     QuotaSpent, None),
    ("cohere_chat", 402, b'{"message":"Please add or update your payment method to continue."}', QuotaSpent, None),
    # --- rate limits
    ("openai_chat", 429, openai("Rate limit reached. Please try again in 7m12.5s. Visit …", "rate_limit_exceeded"),
     Throttled, 432.5),
    ("openai_chat", 429, openai("Please retry after 26 seconds."), Throttled, 26.0),
    ("openai_chat", 429, openai("exceeds the maximum context length"), Throttled, None),
    ("openai_chat", 413, openai("Request too large for model `x` on tokens per minute (TPM): Limit 8000",
                                "rate_limit_exceeded", "tokens"), Throttled, None),
    ("gemini_generate", 429, google(429, "RESOURCE_EXHAUSTED", "Quota.", RETRY_INFO, quota(
        "GenerateRequestsPerMinutePerProjectPerModel")), Throttled, 34.0),
    ("gemini_generate", 429, google(429, "RESOURCE_EXHAUSTED", "Please retry in 20.04466179s."), Throttled,
     20.04466179),
    ("bedrock_converse", 400, b'{"__type":"ThrottlingException","message":"Too many tokens, please wait"}', Throttled,
     None),
    # --- overloads
    ("anthropic_messages", 529, anthropic("overloaded_error", "Overloaded"), Overcrowded, None),
    ("openai_chat", 503, openai("Busy.", "server_is_overloaded", "service_unavailable_error"), Overcrowded, None),
    ("openai_chat", 429, openai("The engine is currently overloaded", None, "engine_overloaded_error"), Overcrowded,
     None),
    # --- down, and what passes by itself
    ("openai_chat", 503, openai("Busy.", None, "service_unavailable_error"), Unavailable, None),
    ("openai_chat", 500, b"", Unavailable, None),
    ("openai_chat", 408, b"", Unavailable, None),
    ("anthropic_messages", 409, anthropic("conflict_error", "Locked."), Unavailable, None),
    ("openai_chat", 425, b"", Unavailable, None),
    ("gemini_generate", 503, google(503, "UNAVAILABLE", "The model is overloaded."), Unavailable, None),
    ("gemini_generate", 499, google(499, "CANCELLED", "Gone."), Unavailable, None),
    ("bedrock_converse", 424, b'{"__type":"ModelErrorException","message":"x"}', Unavailable, None),
    ("openai_chat", 500, openai("Oops.", "content_filter"), Unavailable, None),
    # --- credentials
    ("openai_chat", 401, openai("credit balance is too low", "insufficient_quota"), CredentialRefused, None),
    ("openai_chat", 403, openai("Country, region, or territory not supported",
                                "unsupported_country_region_territory"), CredentialRefused, None),
    ("gemini_generate", 400, google(400, "FAILED_PRECONDITION", "User location is not supported."),
     CredentialRefused, None),
    ("anthropic_messages", 403, anthropic("permission_error", "Not yours."), CredentialRefused, None),
    ("cohere_chat", 498, b'{"message":"invalid token"}', CredentialRefused, None),
    # --- models, redirects and the rest
    ("openai_chat", 403, openai("No access to the model.", "model_not_found"), Rejected, None),
    ("openai_chat", 410, openai("Retired."), Rejected, None),
    ("openai_chat", 307, b"", Garbled, None),
    ("openai_chat", 400, openai("Unknown parameter.", "unknown_parameter"), Rejected, None),
    ("openai_chat", 418, b"\xff", Rejected, None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("dialect", "status", "body", "kind", "wait"),
    SAID,
    ids=[f"{row[0]}-{row[1]}-{row[3].__name__}-{number}" for number, row in enumerate(SAID)],
)
def test_what_providers_say(
    dialect: str, status: int, body: bytes, kind: type[UpstreamError], wait: float | None
) -> None:
    error = DIALECTS[dialect].parse_error(status, [DATE], body)
    assert type(error) is kind
    assert error.retry_after_s == wait
    assert error.may_have_billed is (status == 424)
    if isinstance(error, ContextTooLong | Filtered):
        assert error.status == 400
    assert error.status not in (401, 402, 403), "never the client's key"


#: The same inside a 200: words, message, kind.
INSIDE: list[tuple[tuple[str, ...], str, Cause | None]] = [
    # LiteLLM #41777: the type blames the client, the code tells the truth.
    (("server_overloaded", "invalid_request_error"), "Overloaded", Cause.CROWDED),
    (("502", "invalid_request_error"), "x", Cause.DOWN),
    (
        ("400", "badrequesterror"),
        "Requested token count exceeds the model's maximum context length",
        Cause.CONTEXT,
    ),
    (("429",), "x", Cause.THROTTLED),
    (("rate_limit_exceeded", "insufficient_quota"), "x", Cause.QUOTA),
    (("throttlingexception",), "Too many tokens per day, please wait", Cause.QUOTA),
    (("throttlingexception",), "Too many tokens, please wait", Cause.THROTTLED),
    (("servicequotaexceededexception",), "x", Cause.THROTTLED),
    (("402",), "x", Cause.QUOTA),
    (("403",), "Your input was flagged", Cause.FILTER),
    (("403",), "x", Cause.CREDENTIAL),
    (("invalid_request_error",), "x", None),
    ((), "prompt is too long: 9 tokens > 8 maximum", Cause.CONTEXT),
    ((), "x", None),
]


@pytest.mark.parametrize(("words", "message", "cause"), INSIDE)
def test_inside_an_answer_the_code_counts(words: tuple[str, ...], message: str, cause: Cause | None) -> None:
    assert cause_inside(Said(message, words)) is cause


def test_what_moderation_found_is_a_filter_inside_an_answer_too() -> None:
    assert cause_inside(Said("x", ("403",), flagged=True)) is Cause.FILTER
    assert cause_inside(Said("x", ("429",), daily=True)) is Cause.QUOTA


def test_an_unknown_error_in_an_answer_has_failed() -> None:
    relay = DIALECTS["openai_chat"]
    with pytest.raises(Failed):
        relay.parse_reply(openai("Oops.", None, None))


def test_the_wait_of_headers_comes_before_the_bodys() -> None:
    said = Said("try again in 9s", wait_s=5.0)
    assert wait_of(said, [(b"retry-after", b"3")], Cause.THROTTLED) == 3
    assert wait_of(said, [], Cause.THROTTLED) == 5
    assert wait_of(Said("try again in 9s"), [], Cause.THROTTLED) == 9
    assert wait_of(Said("x", daily=True), [(b"retry-after", b"3")], Cause.QUOTA) is None
    assert wait_of(Said("x"), [(b"retry-after", b"3")], Cause.QUOTA) == 3


@pytest.mark.parametrize("status", [*range(300, 400, 7), 401, 402, 408, 409, 425, 529])
def test_some_statuses_need_no_body(status: int) -> None:
    told = Said(
        "prompt is too long; credit balance is too low", ("context_length_exceeded", "content_filter")
    )
    assert cause_of(status, told) is cause_of(status, Said())


SIMULATED = {
    "anthropic": "anthropic_messages",
    "gemini": "gemini_generate",
    "responses": "openai_responses",
    "bedrock": "bedrock_converse",
    "cohere": "cohere_chat",
}


@pytest.mark.parametrize(
    ("code", "status", "kinds"),
    [
        ("context_length_exceeded", 400, {"": ContextTooLong}),
        # Bedrock's quotas come back by themselves.
        ("insufficient_quota", 429, {"": QuotaSpent, "bedrock": Throttled}),
        ("rate_limit_exceeded", 429, {"": Throttled}),
        ("invalid_api_key", 401, {"": CredentialRefused}),
        ("overloaded", 529, {"": Unavailable, "anthropic": Overcrowded, "responses": Overcrowded}),
    ],
)
def test_the_simulated_providers_are_understood(
    code: str, status: int, kinds: dict[str, type[UpstreamError]]
) -> None:
    context = code == "context_length_exceeded"
    refused = Refused(status, "The maximum context length is 8192 tokens." if context else "No.", code=code)
    for provider in all_dialects(1):
        if provider.name not in SIMULATED:
            continue  # sounds, whose errors are those of two providers
        told = provider.told(refused, "r")
        error = DIALECTS[SIMULATED[provider.name]].parse_error(told.status, told.headers, told.body)
        assert type(error) is kinds.get(provider.name, kinds[""]), provider.name
