"""Every fault, on the wire and on the bill. A fault without a row here fails `test_every_fault_is_tested`."""

import gzip
from collections.abc import Callable

import msgspec
import pytest

from simulated import WALL, ask, chat, complete, events, request_bytes, simulator, split_head, talk, unchunk
from waypost.simulator.faults import FAULTS
from waypost.simulator.run import Simulator

__all__ = ["simulator"]

PROMPT = 5  # "hello there" and one message
TOKENS = 16
STATUSES = {
    "400": (400, "invalid_value"),
    "401": (401, "invalid_api_key"),
    "402": (402, "insufficient_credits"),
    "403": (403, "permission_denied"),
    "404": (404, "model_not_found"),
    "413": (413, "request_too_large"),
    "422": (422, None),
    "context-length": (400, "context_length_exceeded"),
    "content-filter": (400, "content_filter"),
    "quota": (429, "insufficient_quota"),
    "500": (500, None),
    "502": (502, None),
    "503": (503, None),
    "504": (504, None),
    "529": (529, "overloaded"),
}
RETRY = {
    "429": ("retry-after", "30"),
    "429-date": ("retry-after", "Fri, 15 Jan 2027 08:00:30 GMT"),
    "429-ms": ("retry-after-ms", "30000"),
    "429-reset": ("x-ratelimit-reset-requests", "30s"),
    "429-absurd": ("retry-after", "31536000000"),
    "429-negative": ("retry-after", "-30"),
    "429-garbage": ("retry-after", "soon"),
    "429-none": ("retry-after", None),
}


def parts(got: bytes) -> tuple[dict[str, str], bytes]:
    head, _, body = got.partition(b"\r\n\r\n")
    return split_head(head)[1], body


def tokens_in(body: bytes) -> int:
    """Whole token events in an HTTP body."""
    return sum(
        1 for event in events(unchunk(body)) if b'"delta":{"content":' in event and b'"role"' not in event
    )


async def wire_of(
    simulator: Simulator, fault: str, *, stream: bool = True
) -> tuple[dict[str, str], bytes, str]:
    request = request_bytes(chat(f"fault-{fault}", stream=stream, stream_options={"include_usage": True}))
    ends_itself = fault == "refuse" or fault.startswith(("reset", "half"))
    got, end = await talk(simulator.port, request, until=(lambda _: False) if ends_itself else None)
    headers, body = parts(got) if got.startswith(b"HTTP") and b"\r\n\r\n" in got else ({}, got)
    return headers, body, end


# --- statuses -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", STATUSES)
async def test_error_statuses(simulator: Simulator, name: str, stream: bool) -> None:
    status, headers, body = await ask(simulator.port, request_bytes(chat(f"fault-{name}", stream=stream)))
    error = msgspec.json.decode(body)["error"]
    assert (status, error["code"]) == STATUSES[name]
    assert set(error) == {"message", "type", "param", "code"}
    assert headers["content-type"] == "application/json"
    assert simulator.bill.count == 0


@pytest.mark.parametrize("name", RETRY)
async def test_retry_after(simulator: Simulator, name: str) -> None:
    assert WALL == 1_800_000_000
    status, headers, _ = await ask(simulator.port, request_bytes(chat(f"fault-{name}?s=30")))
    header, value = RETRY[name]
    assert (status, headers.get(header)) == (429, value)
    assert simulator.bill.count == 0


async def test_reset_durations_have_minutes(simulator: Simulator) -> None:
    for seconds, text in (("90.5", "1m30.5s"), ("0.006", "6ms"), ("60", "1m0s")):
        _, headers, _ = await ask(simulator.port, request_bytes(chat(f"fault-429-reset?s={seconds}")))
        assert headers["x-ratelimit-reset-requests"] == text


async def test_redirect(simulator: Simulator) -> None:
    status, headers, _ = await ask(simulator.port, request_bytes(chat("fault-redirect")))
    assert (status, headers["location"]) == (302, "http://127.0.0.1:9/elsewhere")


# --- what ends a connection, and when ---------------------------------------------------------------------------------

Body = Callable[[dict[str, str], bytes, str], bool]


def _three(end: str) -> Body:
    return lambda _, body, how: tokens_in(body) == 3 and how == end and not body.endswith(b"0\r\n\r\n")


def _whole(check: Body) -> Body:
    return lambda headers, body, end: (
        tokens_in(body) == TOKENS and b"[DONE]" in body and check(headers, body, end)
    )


def _flat(check: Callable[[dict[str, str], bytes], bool]) -> Body:
    return lambda headers, body, end: check(headers, body) and end == "fin"


def _usages(body: bytes) -> list[dict[str, int] | None]:
    made = [msgspec.json.decode(event) for event in events(unchunk(body)) if event != b"[DONE]"]
    return [event["usage"] for event in made if "usage" in event]


def _told(body: bytes) -> list[int]:
    return [usage["completion_tokens"] for usage in _usages(body) if usage is not None]


def _plain(body: bytes) -> bool:
    return body.count(b'"delta":{"content":') == TOKENS and body.endswith(b"data: [DONE]\n\n")


#: fault → what a stream's headers, HTTP body and ending must be; then the output tokens billed (None: no line).
WIRE: dict[str, tuple[Body, int | None]] = {
    "refuse": (lambda h, b, e: b == b"" and e == "rst", None),
    "drop": (lambda h, b, e: b == b"" and e == "fin", None),
    "reset-headers": (lambda h, b, e: not h and e == "rst", None),
    "reset-stream": (_three("rst"), 3),
    "half-close": (_three("fin"), 3),
    "close": (_whole(lambda h, b, e: h["connection"] == "close" and e == "fin"), TOKENS),
    "stale": (_whole(lambda h, b, e: "connection" not in h and e == "fin"), TOKENS),
    "http10": (
        lambda h, b, e: not {"content-length", "transfer-encoding"} & set(h) and b.endswith(b"[DONE]\n\n"),
        TOKENS,
    ),
    "early-hints": (
        lambda h, b, e: "link" in h and b.startswith(b"HTTP/1.1 200") and b.endswith(b"0\r\n\r\n"),
        TOKENS,
    ),
    "continue-first": (lambda h, b, e: not h and b.startswith(b"HTTP/1.1 200"), TOKENS),
    "stall-headers": (lambda h, b, e: b == b"", None),
    "stall-body": (lambda h, b, e: h["transfer-encoding"] == "chunked" and b == b"", None),
    "stall-stream": (_three("fin"), 3),
    "cut-headers": (lambda h, b, e: not h and b.startswith(b"HTTP/1.1 200 OK\r\n") and e == "fin", None),
    "cut-body": (_three("fin"), 3),
    "cut-event": (lambda h, b, e: tokens_in(b) == 3 and not unchunk(b).endswith(b"\n"), 3),
    "cut-utf8": (lambda h, b, e: tokens_in(b) == 3 and unchunk(b).endswith(b"\xc3"), 3),
    "cut-crlf": (lambda h, b, e: unchunk(b).count(b"\r\n\r\n") == 4 and unchunk(b).endswith(b"}\r"), 3),
    "cut-clean": (lambda h, b, e: tokens_in(b) == 3 and b.endswith(b"0\r\n\r\n"), 3),
    "no-done": (
        lambda h, b, e: tokens_in(b) == TOKENS and b"[DONE]" not in b and b.endswith(b"0\r\n\r\n"),
        TOKENS,
    ),
    "garbage": (lambda h, b, e: not b.startswith(b"HTTP") and len(b) == 512, None),
    "garbage-body": (
        lambda h, b, e: "event-stream" in h["content-type"] and b == bytes(range(256)) * 4,
        None,
    ),
    "garbage-event": (_whole(lambda h, b, e: events(unchunk(b))[4].endswith(b"\xff not json")), TOKENS),
    "garbage-events": (_whole(lambda h, b, e: b.count(b"\xff not json\n\n") == 3), TOKENS),
    "html": (lambda h, b, e: h["content-type"].startswith("text/html") and b.startswith(b"<!DOCTYPE"), None),
    "content-type": (_whole(lambda h, b, e: h["content-type"] == "text/plain"), TOKENS),
    "empty": (lambda h, b, e: h["content-length"] == "0" and b == b"", None),
    "no-answer": (
        lambda h, b, e: h["content-type"] == "application/json" and b == b'{"detail":"Not Found"}',
        None,
    ),
    "error-first": (
        lambda h, b, e: b'data: {"error":' in events(unchunk(b))[0] or b"error" in unchunk(b)[:20],
        None,
    ),
    "error-stream": (
        lambda h, b, e: tokens_in(b) == 3 and b'"code":"server_error"' in events(unchunk(b))[-1],
        3,
    ),
    "error-mislabelled": (
        lambda h, b, e: tokens_in(b) == 3 and b"invalid_request_error" in events(unchunk(b))[-1],
        3,
    ),
    "done-twice": (_whole(lambda h, b, e: events(unchunk(b))[-2:] == [b"[DONE]"] * 2), TOKENS),
    "data-after-done": (
        lambda h, b, e: tokens_in(b) == TOKENS + 1 and events(unchunk(b))[-2] == b"[DONE]",
        TOKENS,
    ),
    "finish-twice": (_whole(lambda h, b, e: b.count(b'"finish_reason":"stop"') == 2), TOKENS),
    "usage-missing": (_whole(lambda h, b, e: _usages(b) == []), TOKENS),
    "usage-null": (_whole(lambda h, b, e: len(_usages(b)) == TOKENS + 3 and _told(b) == []), TOKENS),
    "usage-zero": (_whole(lambda h, b, e: _told(b) == [0]), TOKENS),
    "usage-huge": (_whole(lambda h, b, e: _told(b) == [10**15]), TOKENS),
    "usage-negative": (_whole(lambda h, b, e: _told(b) == [-7]), TOKENS),
    "usage-twice": (_whole(lambda h, b, e: _told(b) == [TOKENS, TOKENS]), TOKENS),
    "usage-growing": (_whole(lambda h, b, e: _told(b) == [*range(1, TOKENS + 1), TOKENS]), TOKENS),
    "usage-falling": (_whole(lambda h, b, e: _told(b) == [*range(TOKENS, 0, -1), 1]), TOKENS),
    "bytes": (lambda h, b, e: b.count(b"\r\n") == 2 * len(unchunk(b)) + 2 and _plain(unchunk(b)), TOKENS),
    "big-event": (
        _whole(lambda h, b, e: max(len(x) for x in unchunk(b).split(b"\n\n")) + 2 == 1 << 20),
        TOKENS,
    ),
    "over-cap": (
        _whole(lambda h, b, e: max(len(x) for x in unchunk(b).split(b"\n\n")) + 2 == 16 << 20),
        TOKENS,
    ),
    "many-events": (_whole(lambda h, b, e: b.count(b'data: {"choices":[]}\n\n') == 100_000), TOKENS),
    "big-header": (_whole(lambda h, b, e: len(h["x-large"]) == 1 << 20), TOKENS),
    "many-headers": (_whole(lambda h, b, e: len(h) > 1000), TOKENS),
    "gzip": (_flat(lambda h, b: h["content-encoding"] == "gzip" and _plain(gzip.decompress(b))), TOKENS),
    "gzip-twice": (_flat(lambda h, b: _plain(gzip.decompress(gzip.decompress(b)))), TOKENS),
    "gzip-lies": (_flat(lambda h, b: h["content-encoding"] == "gzip" and _plain(b)), TOKENS),
    "gzip-cut": (
        _flat(lambda h, b: b.startswith(b"\x1f\x8b") and int(h["content-length"]) == len(b)),
        TOKENS,
    ),
    "gzip-bomb": (_flat(lambda h, b: len(b) < 100_000 and len(gzip.decompress(b)) == 64 << 20), None),
    "length-long": (_flat(lambda h, b: int(h["content-length"]) == len(b) + 10), TOKENS),
    "length-short": (_flat(lambda h, b: int(h["content-length"]) == len(b) - 10), TOKENS),
    "length-twice": (_flat(lambda h, b: _plain(b)), TOKENS),
    "length-and-chunked": (
        _flat(lambda h, b: {"content-length", "transfer-encoding"} <= set(h) and _plain(unchunk(b))),
        TOKENS,
    ),
    "bad-chunk-size": (_flat(lambda h, b: b"\r\nzz\r\n" in b), None),
    "bad-chunk-end": (_flat(lambda h, b: b.endswith(b"\n\nXX")), None),
    "no-last-chunk": (_whole(lambda h, b, e: e == "fin" and not b.endswith(b"0\r\n\r\n")), TOKENS),
}
SLOW = {"pings", "drip", "slow-headers"}


def test_every_fault_is_tested() -> None:
    assert set(FAULTS) == {*STATUSES, *RETRY, *WIRE, *SLOW, "redirect"}


@pytest.mark.parametrize("name", WIRE)
async def test_streams_on_the_wire(simulator: Simulator, name: str) -> None:
    check, billed = WIRE[name]
    headers, body, end = await wire_of(simulator, name)
    assert check(headers, body, end), (headers, body[-300:], end)
    await simulator.idle()
    assert [line.tokens.completion for line in simulator.bill.lines] == ([] if billed is None else [billed])
    assert [line.tokens.prompt for line in simulator.bill.lines] == ([] if billed is None else [PROMPT])
    said = FAULTS[name].billed
    assert said == {None: "none", 3: "k", TOKENS: "all"}[billed]


@pytest.mark.parametrize("name", WIRE)
async def test_whole_answers_are_billed_whole_or_not_at_all(simulator: Simulator, name: str) -> None:
    await wire_of(simulator, name, stream=False)
    await simulator.idle()
    billed = [] if FAULTS[name].billed == "none" or name.startswith("error-") else [TOKENS]
    assert [line.tokens.completion for line in simulator.bill.lines] == billed


async def test_half_of_a_whole_answer(simulator: Simulator) -> None:
    headers, body, end = await wire_of(simulator, "cut-body", stream=False)
    assert (len(body), end) == (int(headers["content-length"]) // 2, "fin")


async def test_cut_headers_stop_in_the_middle(simulator: Simulator) -> None:
    got, end = await talk(simulator.port, request_bytes(chat("fault-cut-headers")))
    assert (got[:15], b"\r\n\r\n" in got, end) == (b"HTTP/1.1 200 OK", False, "fin")


async def test_pings_come_and_nothing_else(simulator: Simulator) -> None:
    request = request_bytes(chat("fault-pings?gap_ms=0.1", stream=True))
    got, _ = await talk(simulator.port, request, until=lambda got: got.count(b": ping") >= 5)
    assert set(events(unchunk(parts(got)[1]))) == {b": ping"}
    await simulator.idle()
    assert simulator.bill.count == 0


async def test_a_drip_is_complete_in_the_end(simulator: Simulator) -> None:
    request = request_bytes(chat("fault-drip?gap_ms=0.01&tokens=2"))
    got, _ = await talk(simulator.port, request, until=complete)
    assert msgspec.json.decode(parts(got)[1])["usage"]["completion_tokens"] == 2
    assert [line.tokens.completion for line in simulator.bill.lines] == [2]


async def test_slow_headers_are_complete_in_the_end(simulator: Simulator) -> None:
    request = request_bytes(chat("fault-slow-headers?gap_ms=0.01&tokens=2"))
    got, _ = await talk(simulator.port, request, until=complete)
    assert got.startswith(b"HTTP/1.1 200")
    assert simulator.bill.count == 1


@pytest.mark.parametrize(("name", "size"), [("drip", 1), ("slow-headers", 1)])
async def test_the_first_byte_comes_alone(simulator: Simulator, name: str, size: int) -> None:
    request = request_bytes(chat(f"fault-{name}?gap_ms=3600000"))
    got, _ = await talk(simulator.port, request)
    slow = parts(got)[1] if name == "drip" else got
    assert len(slow) == size
    await simulator.idle()
    assert simulator.bill.count == 0


# --- choosing --------------------------------------------------------------------------------------------------------


async def test_a_fault_by_header_and_by_body(simulator: Simulator) -> None:
    header = request_bytes(chat("sim-slow"), headers={"X-Simulate-Fault": "429-date;s=1"})
    assert (await ask(simulator.port, header))[0] == 429
    body = request_bytes(chat("sim-fast", simulate={"fault": "503"}))
    assert (await ask(simulator.port, body))[0] == 503
    static = request_bytes(chat("sim-static"), headers={"x-simulate-fault": "500"})
    assert (await ask(simulator.port, static))[0] == 500


async def test_only_the_first_fail(simulator: Simulator) -> None:
    request = request_bytes(chat("fault-500?first=2"))
    assert [(await ask(simulator.port, request))[0] for _ in range(4)] == [500, 500, 200, 200]
    other = request_bytes(chat("sim-echo", simulate={"fault": "500", "first": 1}))
    assert [(await ask(simulator.port, other))[0] for _ in range(2)] == [500, 200]


async def test_a_share_fails(simulator: Simulator) -> None:
    request = request_bytes(chat("fault-500?p=0.3"))
    failed = [(await ask(simulator.port, request))[0] for _ in range(100)].count(500)
    assert 15 < failed < 45
    assert simulator.bill.count == 100 - failed


async def test_unknown_faults_are_refused(simulator: Simulator) -> None:
    status, _, body = await ask(simulator.port, request_bytes(chat("fault-nothing")))
    assert (status, msgspec.json.decode(body)["error"]["code"]) == (400, "unknown_fault")
