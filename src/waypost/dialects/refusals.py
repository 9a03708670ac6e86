"""What a provider's refusal means: the status first, then what the body says. One table for every provider.

A word is an error's `code`, `type` or `status`; a phrase is part of its message, for providers that put the cause
nowhere else. Where they are from (read 2026-11-25):

- OpenAI: https://platform.openai.com/docs/guides/error-codes (2026-11-21); the codes that share the type
  `insufficient_quota`: https://learn.microsoft.com/microsoft-cloud/dev/dev-proxy/concepts/openai-insufficient-quota.
- Azure: `innererror.code` ResponsibleAIPolicyViolation,
  https://raw.githubusercontent.com/api-evangelist/microsoft-azure/refs/heads/main/json-schema/microsoft-azure-innererrorcode-schema.json,
  and its sentence: https://github.com/microsoft/azurechat/issues/351.
- Anthropic: https://docs.claude.com/en/api/errors; `error.details.error_code` as in anthropic 2.14.0 on PyPI; "prompt
  is too long": https://github.com/earendil-works/pi/issues/102.
- Google: https://google.aip.dev/193; a quota of the day has `PerDay` in its id:
  https://github.com/google-gemini/gemini-cli/issues/8437.
- Groq says 413 `rate_limit_exceeded` to a request over a minute's tokens: not too large, only for this account.
- Bedrock's sentences: https://github.com/strands-agents/sdk-python/blob/main/src/strands/models/bedrock.py.
- OpenRouter: https://openrouter.ai/docs/api/errors and
  https://openrouter.ai/docs/client-sdks/python/components/apierrortype; a 403 with `metadata.reasons` is moderation.
- Cohere: https://docs.cohere.com/errors-reference. DeepSeek: https://api-docs.deepseek.com/quick_start/error_codes.
- Together says 403 where input and output are over the context: https://docs.together.ai/docs/error-codes; its older
  sentence: https://portkey.ai/error-library/input-validation-error-10151.
- SGLang inside a 200: https://github.com/BerriAI/litellm/issues/25492.
- vLLM, llama.cpp, LM Studio, Groq, Mistral, xAI, Moonshot, MiniMax in their own words:
  https://github.com/badlogic/pi-mono/blob/main/packages/ai/src/utils/overflow.ts.
- What stands in no document, as many applications quote it: Ollama's sentence, `server_is_overloaded` and `slow_down`
  in OpenAI's streams, `moderation_blocked` and `billing_hard_limit_reached` of its pictures, Moonshot's
  `engine_overloaded_error` and `exceeded_current_quota_error`, Alibaba's `data_inspection_failed`, DeepSeek's "Content
  Exists Risk", Anthropic's filter and spend limits, Bedrock's tokens per day.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from types import MappingProxyType

import msgspec

from waypost.dialects.retry_after import retry_after_s, until_s, wait_in_text

Headers = Sequence[tuple[bytes, bytes]]

NO_MESSAGE = "The provider gave no reason."


class Cause(Enum):
    """Why a provider refused."""

    CONTEXT = "context"
    FILTER = "filter"
    QUOTA = "quota"
    CREDENTIAL = "credential"
    THROTTLED = "throttled"
    CROWDED = "crowded"
    DOWN = "down"
    MODEL = "model"  # it has no such model: another provider may
    ASTRAY = "astray"  # a redirect: the base URL is not the API's
    REQUEST = "request"


def _words(cause: Cause, text: str) -> dict[str, Cause]:
    return dict.fromkeys(text.split(), cause)


#: In lower case. Words that say nothing (`invalid_request_error`) are not here: the next one is asked then.
WORDS: Mapping[str, Cause] = MappingProxyType(
    _words(
        Cause.CONTEXT,
        "context_length_exceeded string_above_max_length string_too_long exceed_context_size_error "
        "token_limit_exceeded",
    )
    | _words(
        Cause.FILTER,
        "content_filter content_policy_violation responsibleaipolicyviolation moderation_blocked "
        "image_content_policy_violation bio_policy misalignment_policy_violation data_inspection_failed",
    )
    | _words(
        Cause.QUOTA,
        "insufficient_quota credit_balance_exhausted organization_spend_limit_exceeded project_spend_limit_exceeded "
        "organization_usage_limit_exceeded billing_hard_limit_reached billing_not_active insufficient_balance "
        "insufficient_credits exceeded_current_quota_error payment_required billing_error "
        "contract_spend_limit_reached enforced_spend_limit_reached linked_organization_spend_limit_reached "
        "linked_organization_billing_unavailable billing_disabled 402",
    )
    | _words(
        Cause.CREDENTIAL,
        "invalid_api_key account_deactivated authentication_error permission_error authentication permission_denied "
        "organization_on_hold unsupported_country_region_territory unauthenticated service_disabled 401 403 "
        "accessdeniedexception unauthorizedexception unrecognizedclientexception invalidsignatureexception "
        "incompletesignature incompletesignatureexception missingauthenticationtoken "
        "missingauthenticationtokenexception invalidclienttokenid signaturedoesnotmatch expiredtoken "
        "expiredtokenexception notauthorized optinrequired",
    )
    | _words(
        Cause.THROTTLED,
        "rate_limit_exceeded rate_limit_error rate_limit_reached_error too_many_requests resource_exhausted 429 "
        "throttlingexception toomanyrequestsexception modelnotreadyexception",
    )
    | _words(
        Cause.CROWDED,
        "overloaded_error engine_overloaded_error server_is_overloaded server_overloaded slow_down "
        "provider_overloaded 529",
    )
    | _words(
        Cause.DOWN,
        "server_error api_error internal_server_error service_unavailable timeout_error provider_unavailable server "
        "timeout internal unavailable deadline_exceeded unknown aborted cancelled 500 502 503 504 "
        "modeltimeoutexception modelerrorexception modelstreamerrorexception internalserverexception internalfailure "
        "serviceunavailableexception serviceunavailable",
    )
    | _words(Cause.MODEL, "model_not_found resourcenotfoundexception")
)
#: Bedrock's quota may be one of requests or of an account; it comes back by itself.
_BEDROCK_QUOTA = "servicequotaexceededexception"

_PHRASES: tuple[tuple[Cause, re.Pattern[str]], ...] = (
    (
        Cause.QUOTA,
        re.compile(
            r"credit balance is too low|reached your (?:specified )?(?:workspace )?api usage limits"
            r"|insufficient balance|billing hard limit|too many tokens per day",
            re.IGNORECASE,
        ),
    ),
    (
        Cause.CONTEXT,
        re.compile(
            r"prompt is too long"  # Anthropic, and its models at Bedrock and Vertex AI
            r"|input length and `?max_tokens`? exceed context limit"
            r"|input is too long for requested model|too many total text bytes"  # Bedrock
            r"|exceeds the maximum number of tokens"  # Gemini
            r"|maximum context length"  # OpenAI, vLLM, SGLang, OpenRouter, DeepSeek, Mistral
            r"|exceeds the context window"  # OpenAI's Responses
            r"|context window exceeds limit"  # MiniMax
            r"|longer than the maximum model length|longer than the model's context length"  # vLLM, SGLang
            r"|exceeds the available context size"  # llama.cpp
            r"|(?:exceeds|greater than) the context length"  # Ollama, LM Studio
            r"|maximum prompt length is \d"  # xAI
            r"|reduce the length of the messages"  # Groq
            r"|exceeded model token limit"  # Moonshot
            r"|too many tokens: (?:the )?total number of tokens"  # Cohere
            r"|token count \+ `?max_(?:new_)?tokens`?|`?inputs`? tokens \+ `?max_new_tokens`?",  # Together, TGI
            re.IGNORECASE,
        ),
    ),
    (
        Cause.FILTER,
        re.compile(
            r"content management policy|output blocked by content filtering policy|content exists risk"
            r"|data may contain inappropriate content|blocked by our moderation system"
            r"|requires moderation|(?:input|prompt) was flagged|request blocked: prompt injection",
            re.IGNORECASE,
        ),
    ),
    (
        Cause.MODEL,
        # Bedrock's ValidationException about the model's id, and not about the request.
        re.compile(
            r"model identifier is invalid|on-demand throughput isn|model id is invalid",
            re.IGNORECASE,
        ),
    ),
)
_ALL = frozenset(Cause)
_NONE: frozenset[Cause] = frozenset()
_ONLY_QUOTA = frozenset({Cause.QUOTA})
#: What a 403 may really be.
_REFINED = frozenset({Cause.QUOTA, Cause.CONTEXT, Cause.FILTER, Cause.MODEL})
#: What a word may make of a status. Of any other 4xx it may make everything, of another 5xx only an overload.
_WORDED: Mapping[int, frozenset[Cause]] = MappingProxyType(
    {
        **dict.fromkeys((401, 402, 408, 409, 410, 425, 529), _NONE),
        403: _REFINED,
        404: _ONLY_QUOTA,
        429: frozenset({Cause.QUOTA, Cause.CROWDED}),
    }
)
#: What a phrase may. Of any other 4xx everything, of another 5xx nothing.
_PHRASED: Mapping[int, frozenset[Cause]] = MappingProxyType(
    {
        **dict.fromkeys((401, 402, 404, 408, 409, 410, 425, 529), _NONE),
        403: _REFINED,
        429: _ONLY_QUOTA,
        500: frozenset({Cause.CONTEXT}),  # Ollama, and proxies in front of it
    }
)
_CROWDED = frozenset({Cause.CROWDED})
_STATUSES: Mapping[int, Cause] = MappingProxyType(
    {
        401: Cause.CREDENTIAL,
        402: Cause.QUOTA,
        403: Cause.CREDENTIAL,
        404: Cause.MODEL,
        408: Cause.DOWN,
        409: Cause.DOWN,  # a lock that was waited for too long, or a conflict that passes
        410: Cause.MODEL,
        425: Cause.DOWN,
        429: Cause.THROTTLED,
        529: Cause.CROWDED,
    }
)


class Said(msgspec.Struct, frozen=True):
    """What a provider's error says. `words`: the most exact first, in lower case."""

    message: str = NO_MESSAGE
    words: tuple[str, ...] = ()
    param: str | None = None
    wait_s: float | None = None
    """As the body has it, apart from its text."""
    envelope: bool = False
    """It was the dialect's own envelope."""
    flagged: bool = False
    """It lists what moderation found."""
    daily: bool = False
    """The quota is one of the day."""


def lower(words: Iterable[str | None]) -> tuple[str, ...]:
    """Words as `Said` has them."""
    return tuple(word.lower() for word in words if word)


def cause_of(status: int, said: Said) -> Cause:
    """Why an answer that is no 2xx was refused: by its status, then by what its body says."""
    by_status = _of_status(status)
    if by_status is Cause.ASTRAY:
        return by_status
    server = status >= 500
    found = _of_words(said, _WORDED.get(status, _CROWDED if server else _ALL))
    if found is None:
        found = _of_phrases(said, _PHRASED.get(status, _NONE if server else _ALL))
    if found is None and status == 403 and said.flagged:
        return Cause.FILTER
    if found is None and status == 429 and said.daily:
        return Cause.QUOTA
    return by_status if found is None else found


def cause_inside(said: Said) -> Cause | None:
    """Why an answer with status 200 holds an error; None: it does not say. The code counts before the type, which is
    wrong where a server calls every failure the client's fault."""
    if said.flagged:
        return Cause.FILTER
    for word in said.words:
        if word == _BEDROCK_QUOTA:
            return Cause.THROTTLED
        found = WORDS.get(word)
        if found is Cause.THROTTLED:
            spent = said.daily or _of_words(said, _ONLY_QUOTA) or _of_phrases(said, _ONLY_QUOTA)
            return Cause.QUOTA if spent else found
        if found is Cause.CREDENTIAL:
            return _of_words(said, _REFINED) or _of_phrases(said, _REFINED) or found
        if found is not None:
            return found
    return _of_phrases(said, _ALL)


def _of_status(status: int) -> Cause:
    if status < 400:
        return Cause.ASTRAY
    found = _STATUSES.get(status)
    if found is not None:
        return found
    return Cause.DOWN if status >= 500 else Cause.REQUEST


def _of_words(said: Said, allowed: frozenset[Cause]) -> Cause | None:
    for word in said.words:
        found = Cause.THROTTLED if word == _BEDROCK_QUOTA else WORDS.get(word)
        if found in allowed and not word.isdigit():
            return found
    return None


def _of_phrases(said: Said, allowed: frozenset[Cause]) -> Cause | None:
    for cause, phrases in _PHRASES:
        if cause in allowed and phrases.search(said.message):
            return cause
    return None


def wait_of(said: Said, headers: Headers, cause: Cause) -> float | None:
    """How long to wait, in seconds: as headers say, else the body, else its text. A spent quota may say a date."""
    if cause is Cause.QUOTA:
        # A quota of the day names the seconds of the minute's limit beside it: no word about the day's end.
        return until_s(said.message, headers) or (None if said.daily else retry_after_s(headers))
    wait = retry_after_s(headers)
    if wait is None:
        wait = said.wait_s
    return wait_in_text(said.message) if wait is None else wait
