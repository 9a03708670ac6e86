"""What is scrubbed, by name: headers, JSON fields, parameters and parts of paths, and the shapes of ids.

The names are those that the vendors' SDKs and the gateway's own tables use; they were not read off each vendor's page.
"""

from __future__ import annotations

import re
from typing import Final, Literal

Rule = Literal["secret", "account", "id", "date", "gone", "host"]

#: Request and response headers of every dialect, in lower case.
HEADERS: Final[dict[str, Rule]] = {
    # Framing: it is that of the connection, and wrong once the body is scrubbed.
    **dict.fromkeys(
        (
            "content-length",
            "transfer-encoding",
            "connection",
            "keep-alive",
            "accept-encoding",
            "content-encoding",
            "expect",
        ),
        "gone",
    ),
    "host": "host",
    **dict.fromkeys(
        (
            "authorization",
            "proxy-authorization",
            "x-api-key",
            "api-key",
            "x-goog-api-key",
            "xi-api-key",
            "x-amz-security-token",
            "x-amz-content-sha256",
            "x-portkey-api-key",
            "cookie",
            "set-cookie",
            "report-to",
            "nel",
        ),
        "secret",
    ),
    **dict.fromkeys(
        (
            "openai-organization",
            "openai-project",
            "anthropic-organization-id",
            "anthropic-workspace-id",
            "x-goog-user-project",
            "x-client-name",
            "x-ms-client-principal-name",
            "x-endpoint-monthly-call-limit-account",
            "http-referer",
            "referer",
            "x-title",
        ),
        "account",
    ),
    **dict.fromkeys(
        (
            "request-id",
            "x-request-id",
            "x-client-request-id",
            "x-correlation-id",
            "apim-request-id",
            "x-ms-request-id",
            "x-ms-client-request-id",
            "x-amzn-requestid",
            "x-amzn-trace-id",
            "amz-sdk-invocation-id",
            "x-cloud-trace-context",
            "x-debug-trace-id",
            "x-trace-id",
            "x-generation-id",
            "x-waypost-request-id",
            "traceparent",
            "tracestate",
            "cf-ray",
            "x-amz-cf-id",
            "x-amz-cf-pop",
            "x-served-by",
            "x-inference-id",
            "idempotency-key",
            "x-stainless-idempotency-key",
        ),
        "id",
    ),
    **dict.fromkeys(("date", "expires", "last-modified", "x-amz-date"), "date"),
}
#: Names of other headers and of query parameters that say that a secret is in them.
SECRET_NAME: Final = re.compile(
    r"(^|[-_])(key|apikey|auth|authorization|token|secret|sig|signature|session|cookie|credential|password)s?($|[-_])|token$",
    re.IGNORECASE,
)
#: Headers that the pattern would hit and that count tokens.
COUNTING: Final = re.compile(r"ratelimit|tokens-(remaining|limit|reset)|(input|output|total|billed)-tokens?")

#: Values of these fields are names of accounts and of people.
ACCOUNT_FIELDS: Final = frozenset(
    (
        "organization",
        "organization_id",
        "organizationId",
        "org_id",
        "project_id",
        "projectId",
        "workspace_id",
        "account",
        "account_id",
        "accountId",
        "user_id",
        "userId",
        "user",
        "end_user_id",
        "safety_identifier",
        "prompt_cache_key",
        "tenant_id",
    )
)
#: Values of these fields are ids, whatever they look like, unless they are words.
ID_FIELDS: Final = frozenset(
    (
        "request_id",
        "requestId",
        "response_id",
        "responseId",
        "previous_response_id",
        "generation_id",
        "conversation",
        "conversation_id",
        "system_fingerprint",
        "call_id",
        "tool_call_id",
        "tool_use_id",
        "toolUseId",
        "item_id",
        "file_id",
        "container_id",
        "approval_request_id",
    )
)
#: Sealed texts that only their provider can read; they may tell of the account.
SEALED_FIELDS: Final = frozenset(
    (
        "signature",
        "thoughtSignature",
        "thought_signature",
        "encrypted_content",
        "encrypted_index",
        "redactedContent",
        "encryptedContent",
        "encrypted_stdout",
    )
)
#: Fields of pictures, sounds, files and vectors: what looks random in them is content.
MEDIA_FIELDS: Final = frozenset(
    (
        "data",
        "bytes",
        "b64_json",
        "partial_image_b64",
        "url",
        "image_url",
        "file_data",
        "embedding",
        "float",
        "base64",
        "result",
    )
)
#: Free text.
TEXT_FIELDS: Final = frozenset(
    (
        "text",
        "content",
        "thinking",
        "reasoning",
        "reasoning_content",
        "refusal",
        "delta",
        "prompt",
        "instructions",
        "system",
        "input",
        "query",
        "texts",
        "documents",
        "preamble",
        "message",
        "description",
        "title",
        "cited_text",
        "output",
        "summary",
        "tool_plan",
        "stop_sequence",
        "stop_sequences",
        "stop",
        "transcript",
        "context",
    )
)
#: JSON inside a text: only its values are words.
NESTED_FIELDS: Final = frozenset(("arguments", "partial_json"))
#: Values somewhere below these are words.
ARGUMENT_FIELDS: Final = frozenset(
    ("args", "arguments", "input", "toolUse", "functionResponse", "toolResult")
)
#: Fields whose texts come in pieces, one event each.
PIECE_FIELDS: Final = TEXT_FIELDS | NESTED_FIELDS
#: Fields that are never words, wherever they stand.
PLAIN_FIELDS: Final = frozenset(
    (
        "type",
        "role",
        "name",
        "model",
        "id",
        "status",
        "object",
        "toolUseId",
        "tool_use_id",
        "tool_call_id",
        "call_id",
        "media_type",
        "mimeType",
        "format",
    )
)

#: Parts of paths that name an account, with the account as the group.
ACCOUNT_PATH: Final = re.compile(
    r"(?<=/projects/)[^/?]+|(?<=/accounts/)[^/?]+|(?<=/organizations/)[^/?]+|(?<=/workspaces/)[^/?]+"
    r"|(?<=arn:aws:bedrock:)[a-z0-9-]*:\d{12}(?=:)|(?<=arn%3Aaws%3Abedrock%3A)[a-z0-9-]*%3A\d{12}(?=%3A)"
)
#: The organization in the name of a model of its own: `ft:gpt-4o:acme::Ab12`.
ACCOUNT_MODEL: Final = re.compile(r"(?<=\bft:)([\w.-]+:)([\w-]+)(?=:)")

#: Words that stand before the random part of an id, as a pattern.
PREFIXES: Final = (
    "account|acct|amsg|apikey|asst|at|aud|batch|call|chatcmpl|chat|ci|citation|cmp|cmpl|compl|cntr"
    "|container|conv|ctr|cu|embd|emb|evt|fc|fco|file|fp|ft|ftjob|gen|img|item|job|key|li|mcp|mcpl"
    "|mcpr|modr|msg|msgbatch|org|part|proj|prompt|req|reqid|resp|response|rs|run|sess|session|skill"
    "|srvtoolu|step|task|thread|tool|toolu|tooluse|upload|user|vs|vsfb|wrkspc|workspace|ws"
)
PREFIXED: Final = re.compile(rf"(?<![\w-])({PREFIXES})([-_])([A-Za-z0-9_-]{{8,}})")
UUID: Final = re.compile(
    r"(?<![0-9A-Fa-f])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9a-f])", re.IGNORECASE
)
EMAIL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,}")
#: Domains that are nobody's, or were redacted (RFC 2606, https://www.rfc-editor.org/rfc/rfc2606, 2026-11-25).
NOBODY: Final = re.compile(
    r"@(?:[\w-]+\.)*example\.(?:com|org|net)$|\.(?:invalid|test|example)$|@[x0.-]+$", re.IGNORECASE
)
IPV4: Final = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\w)")
IPV6: Final = re.compile(r"(?<![\w:.])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?![\w:])", re.IGNORECASE)
DATE: Final = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?\d{1,2}[ -](?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[ -]\d{4}"
    r"(?: \d{2}:\d{2}:\d{2}(?: GMT| UTC| [+-]\d{4})?)?"
    r"|\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?"
    r"|\b\d{8}T\d{6}Z\b"
    r"|(?<![\w.-])1[5-9]\d{8}(?:\.\d+|\d{3})?(?![\w.-])"
)
#: A base64 text, after the head of a `data:` URL.
BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
DATA_URL: Final = re.compile(r"data:[\w.+/-]*(?:;[\w.=+-]+)*;base64,")
#: What a long base64 text is shortened to: itself base64, so that readers of the field still can read it.
MARKER: Final = re.compile(r"waypost/shortened/\d+/characters/sha256/[0-9a-f]{64}/*")
