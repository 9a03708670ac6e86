"""What every fault of a provider comes to: for the client, and in the books.

A row has the outcome of an answer that is whole, and of one that is streamed (one word: the same for both):

- `ok`: the faulty provider's answer is served. What is odd about it is repaired or harmless.
- `told CODE`: the provider refuses the request itself; its status and error go to the client, also with a fallback.
- `next CODE`: nothing had reached the client, so the fallback answers; alone, the client gets this error.
- `cut CODE`: tokens had reached the client, so it gets an error in the stream, and not the stream's end. What a busy
  machine reads together with the first token comes before the client has anything: then it is `next`, in at most a
  quarter of the cases of one fault.
- `torn CODE`: `next` or `cut`. Half of a squeezed body is delivered at once; whether a token is in it depends on how
  well the rest squeezed.

CODE is the gateway's own. `spoken` has what each client dialect calls it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from process.fault_run import Case
from waypost.simulator.faults import FAULTS

Row = tuple[str, ...]

_TOLD = "told upstream_rejected"
_CREDENTIAL = "next upstream_credential_refused"
_SPENT = "next upstream_quota_spent"
_BUSY = "next upstream_rate_limited"
_CROWDED = "next upstream_overloaded"
_DOWN = "next upstream_unavailable"
_LATE = "next upstream_timeout"
_SHORT = "next upstream_truncated"
_BAD = "next upstream_garbled"
_FAILED = "next upstream_failed"

#: The rules, for the targets of every dialect.
TABLE: Mapping[str, Row] = MappingProxyType(
    {
        # The request, or the gateway's own account, is refused.
        "400": (_TOLD,),
        "401": (_CREDENTIAL,),
        "402": (_SPENT,),
        "403": (_CREDENTIAL,),
        "404": ("next upstream_rejected",),
        "413": (_TOLD,),
        "422": (_TOLD,),
        # Another target may have a larger context, as long as nothing else is known.
        "context-length": ("next context_length_exceeded",),
        "content-filter": ("told content_filter",),
        "quota": (_SPENT,),
        # The provider is busy or down.
        **{name: (_BUSY,) for name in FAULTS if name.startswith("429")},
        "529": (_CROWDED,),
        **dict.fromkeys(("500", "502", "503", "504", "refuse", "drop"), (_DOWN,)),
        # Its connection breaks or stalls.
        "reset-headers": (_SHORT,),
        "reset-stream": (_SHORT, "cut upstream_truncated"),
        "half-close": (_SHORT, "cut upstream_truncated"),
        "close": ("ok",),
        "stale": ("ok",),
        "http10": ("ok",),
        "early-hints": ("ok",),
        "continue-first": ("ok",),
        "stall-headers": (_LATE,),
        "stall-body": (_LATE,),
        "stall-stream": (_LATE, "cut upstream_timeout"),
        "pings": (_LATE,),
        "drip": (_LATE,),
        "slow-headers": (_LATE,),
        "cut-headers": (_SHORT,),
        **dict.fromkeys(
            ("cut-body", "cut-event", "cut-utf8", "cut-crlf", "cut-clean"), (_SHORT, "cut upstream_truncated")
        ),
        # The reason of the end has come, and with it all there is.
        "no-done": ("ok",),
        # It says something else than it should.
        "redirect": (_BAD,),
        "garbage": (_BAD,),
        "garbage-body": (_BAD, _SHORT),
        "garbage-event": ("ok",),
        "garbage-events": ("ok", "cut upstream_garbled"),
        "html": (_BAD,),
        "content-type": ("ok", _BAD),
        "no-answer": (_BAD,),
        "empty": (_BAD, _SHORT),
        "error-first": (_DOWN,),
        "error-stream": (_DOWN, "cut upstream_unavailable"),
        # No word of it says what it was: another attempt may do, whatever its type says.
        "error-mislabelled": (_FAILED, "cut upstream_failed"),
        "done-twice": ("ok",),
        "data-after-done": ("ok",),
        "finish-twice": ("ok",),
        **{name: ("ok",) for name in FAULTS if name.startswith("usage-")},
        # It says too much, or codes or frames it in its own way.
        "bytes": ("ok",),
        "big-event": ("ok",),
        "over-cap": ("ok", "cut upstream_garbled"),
        "many-events": ("ok",),
        "big-header": (_BAD,),
        "many-headers": ("ok",),
        "gzip": ("ok",),
        "gzip-twice": (_BAD,),
        "gzip-lies": (_BAD,),
        "gzip-cut": (_BAD, "torn upstream_garbled"),
        "gzip-bomb": (_BAD,),
        # Once the stream's own end was seen, its framing does not matter.
        "length-long": (_SHORT, "ok"),
        "length-short": (_BAD, "ok"),
        "no-last-chunk": (_SHORT, "ok"),
        "length-twice": (_BAD,),
        "length-and-chunked": (_BAD,),
        "bad-chunk-size": (_BAD,),
        "bad-chunk-end": (_BAD,),
    }
)

#: An answer's last event is the only one that says why it ended: without it nobody knows that it did.
_LAST_EVENT_LOST: Mapping[str, Row] = {
    "no-done": ("ok", "cut upstream_truncated"),
    "length-short": (_BAD, "cut upstream_truncated"),
}
#: The errors of OpenAI's dialects have a `code` beside their `type`, which tells the truth of a mislabelled one; and
#: what FastAPI says as `detail` is an error of the many servers that speak them.
_CODED: Mapping[str, Row] = {
    "error-mislabelled": (_CROWDED, "cut upstream_overloaded"),
    "no-answer": (_FAILED,),
}
#: The broken chunk is the third write. Here it is the second delta, elsewhere an event before the first one.
_DELTA_IN_SECOND_WRITE: Mapping[str, Row] = {"bad-chunk-end": (_BAD, "cut upstream_garbled")}
#: No status or type of its own for an overload: 503 says no more than that it is down.
_NO_OVERLOAD: Mapping[str, Row] = {"529": (_DOWN,)}

#: Where the wire of a target's dialect makes another rule right.
OF_TARGET: Mapping[str, Mapping[str, Row]] = MappingProxyType(
    {
        "chat": {**_CODED, **_DELTA_IN_SECOND_WRITE},
        "responses": {**_CODED, **_LAST_EVENT_LOST},
        # The failure that the simulator puts into a stream of Anthropic's is an `overloaded_error`, as theirs are.
        "messages": {"error-first": (_DOWN, _CROWDED), "error-stream": (_DOWN, "cut upstream_overloaded")},
        "gemini": {
            **_LAST_EVENT_LOST,
            **_NO_OVERLOAD,
            # A prompt that was filtered is an answer: 200, with the reason in `promptFeedback`.
            "content-filter": ("ok",),
            # The first event has text in it already, so the broken third write comes behind the commit point.
            "bad-chunk-size": (_BAD, "cut upstream_garbled"),
            "bad-chunk-end": (_BAD, "cut upstream_garbled"),
            # Nothing but the body's own end says that no more events come: when that is broken, so is the stream.
            "length-long": (_SHORT, "cut upstream_truncated"),
            "no-last-chunk": (_SHORT, "cut upstream_truncated"),
        },
        "converse": {
            **_LAST_EVENT_LOST,
            **_NO_OVERLOAD,
            **_DELTA_IN_SECOND_WRITE,
            # ModelErrorException (424): the model failed while it worked on the request.
            "422": (_DOWN,),
            # A filter has no exception: what it refuses is one of many invalid requests.
            "content-filter": (_TOLD,),
            # ServiceQuotaExceededException may mean requests or the account; it comes back by itself.
            "quota": (_BUSY,),
            # Binary frames: a message that is none has no frame to wait for the end of.
            "garbage-body": (_BAD,),
            # The type of an error stands in a header, which a 200 does not have.
            "error-first": (_FAILED, _DOWN),
            "error-stream": (_FAILED, "cut upstream_unavailable"),
        },
        "cohere": {
            **_NO_OVERLOAD,
            # Errors are a status and a sentence; without the status (in a 200) nothing says of which kind they are.
            "content-filter": (_TOLD,),
            "no-answer": (_FAILED,),
            "error-first": (_FAILED,),
            "error-stream": (_FAILED, "cut upstream_failed"),
        },
    }
)


def expected(case: Case) -> str:
    """The outcome of a case, as the table says."""
    row = OF_TARGET[case.target].get(case.fault) or TABLE[case.fault]
    return row[-1] if case.stream else row[0]


# --- what clients read --------------------------------------------------------------------------------------------

#: The status before a stream has begun. (Of `upstream_rejected` it is the provider's.)
STATUSES: Mapping[str, int] = MappingProxyType(
    {
        "context_length_exceeded": 400,
        "content_filter": 400,
        "upstream_rate_limited": 429,
        "upstream_overloaded": 503,
        "upstream_credential_refused": 502,
        "upstream_quota_spent": 502,
        "upstream_unavailable": 502,
        "upstream_truncated": 502,
        "upstream_garbled": 502,
        "upstream_failed": 502,
        "upstream_timeout": 504,
    }
)
_REFUSED_STATUS = {"400": 400, "404": 404, "413": 413, "422": 422, "content-filter": 400}

#: OpenAI's dialects show the code. The others, for a status, their own word:
#: https://platform.claude.com/docs/en/api/errors (2026-11-25)
_ANTHROPIC = {400: "invalid_request_error", 404: "not_found_error", 413: "request_too_large",
              422: "invalid_request_error", 429: "rate_limit_error", 502: "api_error", 503: "overloaded_error",
              504: "timeout_error"}  # fmt: skip
#: https://google.aip.dev/193 (2026-11-25)
_GOOGLE = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 413: "INVALID_ARGUMENT", 422: "INVALID_ARGUMENT",
           429: "RESOURCE_EXHAUSTED", 502: "UNAVAILABLE", 503: "UNAVAILABLE",
           504: "DEADLINE_EXCEEDED"}  # fmt: skip
#: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html (2026-11-25)
_AMAZON = {400: "ValidationException", 404: "ResourceNotFoundException", 413: "ValidationException",
           422: "ValidationException", 429: "ThrottlingException", 502: "ModelErrorException",
           503: "ServiceUnavailableException", 504: "ModelTimeoutException"}  # fmt: skip
#: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html (2026-11-25): the five
#: exceptions of a stream.
_AMAZON_IN_STREAM = {502: "modelStreamErrorException", 503: "serviceUnavailableException",
                     504: "modelStreamErrorException"}  # fmt: skip
#: What an OpenAI-compatible provider itself calls what it refuses; its envelope goes on as it is.
_OPENAI_OWN = {"400": "invalid_value", "404": "model_not_found", "413": "request_too_large", "422": "None"}


def spoken(case: Case, code: str, *, in_stream: bool) -> str:
    """An error as a client of the case's dialect reads it: `STATUS WORD`, or in a stream `WORD`."""
    status = STATUSES.get(code) or _REFUSED_STATUS[case.fault]
    match case.client:
        case "messages":
            word = _ANTHROPIC[status]
            status = 529 if code == "upstream_overloaded" else status
        case "gemini":
            word = _GOOGLE[status]
        case "converse":
            word = (_AMAZON_IN_STREAM if in_stream else _AMAZON)[status]
        case _:
            own = case.client == case.target and code == "upstream_rejected"
            word = _OPENAI_OWN[case.fault] if own else code
    return word if in_stream else f"{status} {word}"


# --- what the books say -------------------------------------------------------------------------------------------

#: The answer was served and yet the ledger can not be the bill: the provider did not say, or lied about, its usage.
UNTOLD = frozenset({"usage-missing", "usage-null", "usage-huge", "usage-negative"})
"""No usage that can be believed, so tokens are counted: the output of streams is right, the rest is a guess."""


def lie(case: Case) -> int | None:
    """The output tokens that a provider's last word has, where it is not what was billed. Its word counts. (Zero is not
    always a lie: a filtered prompt costs no output.)"""
    match case.fault:
        case "usage-falling":
            # A whole answer has one count, which falls to the last one where a stream's does; OpenAI's chat is exact.
            return 1 if case.stream or case.target != "chat" else None
        case "usage-zero":
            return 0
        case "content-filter":
            # The prompt is counted in the answer that says that it was blocked, and is on no bill.
            return 0
        case "data-after-done" if case.target == "gemini" and case.stream:
            # There is no event for the end, so the one that is repeated behind it has the last count.
            return 1
    return None


_REFUSALS = frozenset({"404", "context-length", "500", "502", "503", "529", "redirect"})


def voided(case: Case) -> bool:
    """A refusal before any work: not billed. Any other error may come after work that was billed, so the ledger has the
    estimated input (nothing was delivered) or what was delivered, marked as no more than that."""
    if (case.fault, case.target) == ("422", "converse"):
        return False  # a model was at work
    return expected(case).startswith(("told", _CREDENTIAL, _SPENT, _BUSY)) or case.fault in _REFUSALS
