"""What clients get for every fault a provider can have, and what the books say of it.

In the table, for an answer that is whole and one that is streamed (one word: the same for both):

- `ok`: the faulty provider's answer is served. What is odd about it is repaired or harmless.
- `told CODE`: the provider refuses the request itself; its status and error go to the client, also with a fallback.
- `next STATUS CODE`: nothing had reached the client, so the fallback answers; alone, the client gets this error.
- `cut CODE`: tokens had reached the client, so it gets an error in the stream, and no `[DONE]`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from process.fault_run import LONGEST_S, Case, Result, all_faults
from process.tongues import TONGUES
from waypost.simulator.faults import FAULTS

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

_CREDENTIAL = "next 502 upstream_credential_refused"
_SPENT = "next 502 upstream_quota_spent"
_BUSY = "next 429 upstream_rate_limited"
_CROWDED = "next 503 upstream_overloaded"
_SPENT = "next 502 upstream_quota_spent"
_CROWDED = "next 503 upstream_overloaded"
_DOWN = "next 502 upstream_unavailable"
_LATE = "next 504 upstream_timeout"
_SHORT = "next 502 upstream_truncated"
_BAD = "next 502 upstream_garbled"

TABLE: dict[str, tuple[str, ...]] = {
    # The request, or the gateway's own account, is refused.
    "400": ("told 400 invalid_value",),
    "401": (_CREDENTIAL,),
    "402": (_SPENT,),
    "403": (_CREDENTIAL,),
    "404": ("next 404 model_not_found",),
    "413": ("told 413 request_too_large",),
    "422": ("told 422 None",),
    # Another target may have a larger context, as long as nothing else is known.
    "context-length": ("next 400 context_length_exceeded",),
    "content-filter": ("told 400 content_filter",),
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
    "no-done": ("ok",),
    # It says something else than it should.
    "redirect": (_BAD,),
    "garbage": (_BAD,),
    "garbage-body": (_BAD, _SHORT),
    "garbage-event": ("ok",),
    "garbage-events": ("ok", "cut upstream_garbled"),
    "html": (_BAD,),
    "content-type": ("ok", _BAD),
    "no-answer": ("next 502 upstream_failed",),
    "empty": (_BAD, _SHORT),
    "error-first": (_DOWN,),
    "error-stream": (_DOWN, "cut upstream_unavailable"),
    "error-mislabelled": (_CROWDED, "cut upstream_overloaded"),
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
    "gzip-cut": (_BAD, "cut upstream_garbled"),
    "gzip-bomb": (_BAD,),
    "length-long": (_SHORT, "ok"),
    "length-short": (_BAD, "ok"),
    "length-twice": (_BAD,),
    "length-and-chunked": (_BAD,),
    "bad-chunk-size": (_BAD,),
    "bad-chunk-end": (_BAD, "cut upstream_garbled"),
    "no-last-chunk": (_SHORT, "ok"),
}

#: The answer was served and yet the ledger can not be the bill: the provider did not say, or lied about, its usage.
UNTOLD = {"usage-missing", "usage-null", "usage-huge", "usage-negative"}
"""No usage that can be believed, so tokens are counted: the output of streams is right, the rest is a guess."""
LIES = {("usage-falling", True): 1, ("usage-zero", True): 0, ("usage-zero", False): 0}
"""The provider's last word, which counts, is this many output tokens. (Zero is not always a lie: a filtered prompt
costs nothing.)"""
#: A refusal before any work: voided, and not billed. Any other error may come after work that was billed, so the
#: ledger has the estimated input (nothing was delivered) or what was delivered, marked as no more than that.
VOIDED = {
    name for name, told in TABLE.items() if told[0][:4] == "told" or told[0] in (_CREDENTIAL, _SPENT, _BUSY)
} | {
    "404",
    "context-length",
    "500",
    "502",
    "503",
    "529",
    "redirect",
}

CASES: list[Case] = [
    Case(name, stream, backed) for name in FAULTS for stream in (False, True) for backed in (False, True)
]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Case, Result]]:
    with all_faults(tmp_path_factory.mktemp("faults"), CASES) as results:
        yield results


def _expected(case: Case) -> str:
    row = TABLE[case.fault]
    return row[-1] if case.stream else row[0]


def test_every_fault_is_in_the_table() -> None:
    assert TABLE.keys() == FAULTS.keys()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_the_client_gets(case: Case, ran: dict[Case, Result]) -> None:
    what, *told = _expected(case).split()
    reply, tongue = ran[case].reply, TONGUES[case.client]
    assert reply.end == "whole", "never a hang, never a torn answer"
    assert reply.seconds < LONGEST_S
    if what == "ok" or (what == "next" and case.backed):
        assert reply.status == 200, reply
        assert tongue.complete(reply)
        assert reply.streamed == case.stream
        assert reply.headers["x-waypost-provider"].startswith("faulty" if what == "ok" else "healthy")
    elif what == "cut":
        assert (reply.status, tongue.cut(reply)) == (200, told[0])
        assert len(reply.events) > 1
        assert not tongue.complete(reply)
    else:
        assert (reply.status, tongue.told(reply)) == (int(told[0]), told[1])
        assert not reply.streamed


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_the_books_say(case: Case, ran: dict[Case, Result]) -> None:
    name = case.fault
    what = _expected(case).split()[0]
    result = ran[case]
    assert result.rows == 1
    assert result.faulty, "it was asked"
    assert len(result.attempts) - len(result.faulty) == (what == "next" and case.backed)
    sources = {line.source for line in result.faulty}
    if name in VOIDED:
        assert {line.state for line in result.faulty} == {"voided"}
        assert result.ledger == result.billed == []
    elif what == "ok" and name in UNTOLD:
        assert sources <= {"partial", "estimated"}
        assert 0 < result.ledger[0] < result.billed[0]
        assert not case.stream or result.ledger_output == result.billed_output
    elif what == "ok" and (name, case.stream) not in LIES:
        assert sources == {"reported"}
        assert result.ledger == result.billed
        assert len(result.billed) == 1
    elif what == "ok":
        assert sources == {"reported"}
        assert result.ledger_output == [LIES[name, case.stream]]
    elif what == "cut":
        assert sources == {"partial"}
        assert FAULTS[name].billed != "k" or result.ledger_output == result.billed_output, (
            "each delivered token"
        )
    else:
        assert sources == {"estimated"}
        assert {line.state for line in result.faulty} == {"unknown"}
        assert set(result.ledger_output) == {0}
