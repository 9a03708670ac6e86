"""The faults by name: what each does, its parameters, and what of the answer is billed.

Chosen by model name (`fault-429-date?s=30`), by header (`x-simulate-fault: stall-stream;k=5`) or by the body field
`simulate: {"fault": "reset-stream", "k": 5}`. `first=N` lets only the first N requests for that model and fault fail;
`p=0.1` lets that share fail, chosen by the seed.

`billed` is `none`, `all` (the whole answer, also what the client never sees), or `k` (the prompt and the token
events that were written whole; a whole answer that is cut is billed whole, because it was complete before it was
sent).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import msgspec

from waypost.simulator import fault_shapes as shapes
from waypost.simulator import fault_warps as warps
from waypost.simulator.ask import Refused
from waypost.simulator.dialect import UsageForm
from waypost.simulator.fault_shapes import MIB, Shape, coded, error_status, squeeze, throttle
from waypost.simulator.fault_warps import Warp

Billed = Literal["none", "k", "all"]


class Fault(msgspec.Struct, frozen=True):
    """One row: `params` names the parameters it reads beside `first` and `p`."""

    summary: str
    billed: Billed
    params: tuple[str, ...] = ()
    usage: UsageForm = "exact"
    shape: Shape | None = None
    warp: Warp | None = None


def _status(status: int, message: str, kind: str, code: str | None, *more: tuple[bytes, bytes]) -> Fault:
    refused = Refused(status, message, kind=kind, code=code)
    return Fault(f"{status}: {message}", "none", shape=error_status(refused, *more))


def _throttle(form: str, summary: str) -> Fault:
    params = () if form in ("absurd", "negative", "garbage", "none") else ("s",)
    return Fault(f"429 with {summary}", "none", params, shape=throttle(form))


_INVALID, _SERVER = "invalid_request_error", "server_error"
_DOWN = "The server is overloaded or not ready yet."

_STATUSES = {
    "400": _status(400, "Invalid value for 'temperature'.", _INVALID, "invalid_value"),
    "401": _status(401, "Incorrect API key provided.", _INVALID, "invalid_api_key"),
    "402": _status(402, "Your credit balance is too low.", "billing_error", "insufficient_credits"),
    "403": _status(403, "You are not allowed to sample from this model.", _INVALID, "permission_denied"),
    "404": _status(
        404, "The model does not exist or you do not have access to it.", _INVALID, "model_not_found"
    ),
    "413": _status(413, "Request too large.", _INVALID, "request_too_large"),
    "422": _status(422, "The request could not be understood.", _INVALID, None),
    "context-length": _status(
        400,
        "This model's maximum context length is 8192 tokens. Please reduce the length of the messages.",
        _INVALID,
        "context_length_exceeded",
    ),
    "content-filter": _status(
        400, "The prompt was filtered by the content policy.", _INVALID, "content_filter"
    ),
    "quota": _status(429, "You exceeded your current quota.", "insufficient_quota", "insufficient_quota"),
    "429": _throttle("seconds", "`retry-after` in seconds"),
    "429-date": _throttle("date", "`retry-after` as an HTTP date, `s` seconds from now"),
    "429-ms": _throttle("ms", "`retry-after-ms`"),
    "429-reset": _throttle("reset", "`x-ratelimit-reset-requests` as a duration such as `1m30s`"),
    "429-absurd": _throttle("absurd", "`retry-after` of a thousand years"),
    "429-negative": _throttle("negative", "`retry-after: -30`"),
    "429-garbage": _throttle("garbage", "`retry-after: soon`"),
    "429-none": _throttle("none", "no word about when"),
    "500": _status(500, "The server had an error while processing your request.", _SERVER, None),
    "502": _status(502, "Bad gateway.", _SERVER, None),
    "503": _status(503, _DOWN, "service_unavailable_error", None, (b"retry-after", b"1")),
    "504": _status(504, "The upstream timed out.", _SERVER, None),
    "529": _status(529, "Overloaded.", "overloaded_error", "overloaded"),
    "redirect": Fault("302 to another host", "none", shape=shapes.redirect),
}

_CONNECTION = {
    "refuse": Fault(
        "RST before any byte, as soon as the request is read", "none", warp=warps.nothing("reset")
    ),
    "drop": Fault("FIN before any byte", "none", warp=warps.nothing("close")),
    "reset-headers": Fault("RST in the middle of the head", "none", warp=warps.half_head("reset")),
    "reset-stream": Fault("RST after k tokens", "k", ("k",), warp=warps.stop_at_k("reset")),
    "half-close": Fault(
        "FIN after k tokens, the socket stays open", "k", ("k",), warp=warps.stop_at_k("half")
    ),
    "close": Fault("complete, with `connection: close`", "all", warp=warps.closing(header=True)),
    "stale": Fault("complete, then closed without notice", "all", warp=warps.closing(header=False)),
    "http10": Fault("HTTP/1.0, the body ends with the connection", "all", warp=warps.until_eof),
    "early-hints": Fault(
        "103 before the answer",
        "all",
        warp=warps.before(b"HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n"),
    ),
    "continue-first": Fault(
        "100 before the answer, not asked for", "all", warp=warps.before(b"HTTP/1.1 100 Continue\r\n\r\n")
    ),
}

_SLOW = {
    "stall-headers": Fault("silence instead of a head", "none", warp=warps.nothing("hang")),
    "stall-body": Fault("a head, then silence", "none", warp=warps.only_head("hang")),
    "stall-stream": Fault("k tokens, then silence", "k", ("k",), warp=warps.stop_at_k("hang")),
    "pings": Fault("a head, then nothing but comments, every gap_ms", "none", ("gap_ms",), warp=warps.pings),
    "drip": Fault("one byte of the body every gap_ms", "all", ("gap_ms",), warp=warps.byte_by_byte("body")),
    "slow-headers": Fault(
        "one byte of the head every gap_ms", "all", ("gap_ms",), warp=warps.byte_by_byte("head")
    ),
}

_CUT = {
    "cut-headers": Fault("FIN in the middle of the head", "none", warp=warps.half_head("close")),
    "cut-body": Fault("FIN after k tokens, in the HTTP body", "k", ("k",), warp=warps.stop_at_k("close")),
    "cut-event": Fault(
        "FIN in the middle of the event after k tokens", "k", ("k",), warp=warps.cut_event(b"")
    ),
    "cut-utf8": Fault(
        "FIN inside a UTF-8 character after k tokens", "k", ("k",), warp=warps.cut_event(b"\xc3")
    ),
    "cut-crlf": Fault(
        "CRLF lines; FIN between CR and LF after k tokens", "k", ("k",), warp=warps.cut_event(b"\r")
    ),
    "cut-clean": Fault("the body ends properly after k tokens, no [DONE]", "k", ("k",), warp=warps.cut_clean),
    "no-done": Fault("complete but for [DONE]", "all", shape=shapes.no_done),
}

_CONTENT = {
    "garbage": Fault("bytes that are not HTTP", "none", warp=warps.noise),
    "garbage-body": Fault("a good head, a body that is nothing", "none", shape=shapes.garbage_body),
    "garbage-event": Fault("one broken event after k tokens", "all", ("k",), shape=shapes.garbage_events(1)),
    "garbage-events": Fault(
        "three broken events after k tokens", "all", ("k",), shape=shapes.garbage_events(3)
    ),
    "html": Fault("200 with an HTML page", "none", shape=shapes.html),
    "content-type": Fault("the right answer as text/plain", "all", shape=shapes.wrong_type),
    "no-answer": Fault("200 with an object that holds no answer", "none", shape=shapes.no_answer),
    "empty": Fault("200 with an empty body", "none", shape=shapes.empty),
    "error-first": Fault("200 with an error and nothing else", "none", shape=shapes.error_first),
    "error-stream": Fault(
        "an error event after k tokens", "k", ("k",), shape=shapes.error_later(shapes.OVERLOAD)
    ),
    "error-mislabelled": Fault(
        "an overload after k tokens that is typed as the client's fault",
        "k",
        ("k",),
        shape=shapes.error_later(shapes.MISLABELLED),
    ),
    "done-twice": Fault("two [DONE]", "all", shape=shapes.after_end("done")),
    "data-after-done": Fault(
        "a token event behind [DONE]; it is not billed", "all", shape=shapes.after_end("data")
    ),
    "finish-twice": Fault("two finish events", "all", shape=shapes.after_end("finish")),
    "usage-missing": Fault("no usage", "all", usage="missing"),
    "usage-null": Fault("usage is null", "all", usage="null"),
    "usage-zero": Fault("usage of zero", "all", usage="zero"),
    "usage-huge": Fault("usage of 10^15 tokens", "all", usage="huge"),
    "usage-negative": Fault("usage of -7 tokens", "all", usage="negative"),
    "usage-twice": Fault("two equal usage events", "all", usage="twice"),
    "usage-growing": Fault("the count so far on every token event", "all", usage="growing"),
    "usage-falling": Fault("a smaller count on every token event, 1 at last", "all", usage="falling"),
}

_SIZE = {
    "bytes": Fault("every byte is an HTTP chunk of its own", "all", warp=warps.one_byte_chunks),
    "big-event": Fault(
        "an event of size bytes (1 MiB) after k tokens", "all", ("k", "size"), shape=shapes.big_event(MIB)
    ),
    "over-cap": Fault(
        "an event of size bytes (16 MiB) after k tokens",
        "all",
        ("k", "size"),
        shape=shapes.big_event(16 * MIB),
    ),
    "many-events": Fault(
        "size (100,000) tiny events after k tokens", "all", ("k", "size"), shape=shapes.many_events
    ),
    "big-header": Fault("a header of size bytes (1 MiB)", "all", ("size",), warp=warps.large_head(1)),
    "many-headers": Fault("size (1,000) headers", "all", ("size",), warp=warps.large_head(1000)),
}


def _half_squeezed(data: bytes) -> bytes:
    squeezed = squeeze(data)
    return squeezed[: len(squeezed) // 2]


_CODING = {
    "gzip": Fault("a gzip body nobody asked for", "all", shape=coded(b"gzip", squeeze)),
    "gzip-twice": Fault("gzip, gzip", "all", shape=coded(b"gzip, gzip", lambda data: squeeze(squeeze(data)))),
    "gzip-lies": Fault("says gzip, is plain", "all", shape=coded(b"gzip", lambda data: data)),
    "gzip-cut": Fault("half of a gzip body, framed as whole", "all", shape=coded(b"gzip", _half_squeezed)),
    "gzip-bomb": Fault("size bytes (64 MiB) of zeros as gzip", "none", ("size",), shape=shapes.bomb),
}

_FRAMING = {
    "length-long": Fault("content-length 10 too large, then FIN", "all", warp=warps.lie(10, "close")),
    "length-short": Fault("content-length 10 too small, kept alive", "all", warp=warps.lie(-10, "keep")),
    "length-twice": Fault("two content-lengths that differ", "all", warp=warps.two_lengths),
    "length-and-chunked": Fault(
        "content-length beside transfer-encoding", "all", warp=warps.length_and_chunked
    ),
    "bad-chunk-size": Fault("a chunk size that is no number", "none", warp=warps.bad_chunks("size")),
    "bad-chunk-end": Fault("a chunk that does not end in CRLF", "none", warp=warps.bad_chunks("end")),
    "no-last-chunk": Fault("complete but for the last chunk", "all", warp=warps.bad_chunks("last")),
}

FAULTS: Mapping[str, Fault] = MappingProxyType(
    {**_STATUSES, **_CONNECTION, **_SLOW, **_CUT, **_CONTENT, **_SIZE, **_CODING, **_FRAMING}
)


def find_fault(name: str) -> Fault:
    """Raises Refused for a name that is not in the table."""
    fault = FAULTS.get(name)
    if fault is None:
        raise Refused(
            400, f"There is no fault named {name!r}; `GET /faults` lists them.", code="unknown_fault"
        )
    return fault
