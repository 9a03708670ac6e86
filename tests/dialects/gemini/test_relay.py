from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialects.golden import cases, counts_of, sse
from waypost.core.asked import Asked
from waypost.core.usage import Usage
from waypost.dialects.gemini.relay import GeminiRelay
from waypost.errors import CredentialRefused, Garbled, Overloaded, Truncated

COST = 120_000
CASES = cases("gemini_generate", "streams")


def relay(form: str = "sse", choices: int = 1) -> GeminiRelay:
    asked = Asked("m", True, {}, wants_usage=True, choices=choices, input_estimate=7, form=form)
    return GeminiRelay(asked, lambda usage, tier: COST)


def run(subject: GeminiRelay, stream: bytes, cuts: list[int] = []) -> bytes:  # noqa: B006
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    out = b"".join(subject.feed(stream[a:b]) for a, b in pairwise(edges))
    return out + subject.end()


def state(subject: GeminiRelay) -> dict[str, Any]:
    return {
        "committed": subject.committed,
        "finished": subject.finished,
        "failure": subject.failure and subject.failure.code,
        "deltas": subject.deltas,
        "finish_reason": subject.finish_reason,
        "usage": counts_of(subject.usage),
    }


@pytest.mark.parametrize("case", CASES)
def test_golden(case: Any) -> None:
    subject = relay(choices=case["choices"])
    assert run(subject, sse(case["events"])) == sse(case["client"])
    assert state(subject) == case["state"]


@pytest.mark.parametrize("case", CASES)
@settings(deadline=None)
@given(cuts=st.lists(st.integers(0, 10_000), max_size=8))
def test_any_split_gives_the_same_bytes_and_state(case: Any, cuts: list[int]) -> None:
    subject = relay(choices=case["choices"])
    assert run(subject, sse(case["events"]), cuts) == sse(case["client"])
    assert state(subject) == case["state"]


@pytest.mark.parametrize("case", CASES)
def test_byte_by_byte_with_crlf(case: Any) -> None:
    stream = sse(case["events"]).replace(b"\n", b"\r\n")
    single = relay(choices=case["choices"])
    out = run(single, stream, list(range(len(stream))))
    assert out.replace(b"\r\n", b"\n") == sse(case["client"])
    assert state(single) == case["state"]


@pytest.mark.parametrize("case", CASES)
def test_an_array_client_gets_the_same_objects(case: Any) -> None:
    subject = relay("array", case["choices"])
    out = run(subject, sse(case["events"]))
    assert state(subject) == case["state"]
    if subject.failure is None:
        assert msgspec.json.decode(out) == case["client"]
    else:
        [*objects, error] = msgspec.json.decode(out + subject.fail(subject.failure))
        assert objects == case["client"]
        assert error["error"]["status"] in ("UNAVAILABLE", "RESOURCE_EXHAUSTED")


@pytest.mark.parametrize("form", ["sse", "array"])
def test_nothing_ends_a_stream_after_its_failure(form: str) -> None:
    subject = relay(form)
    subject.feed(sse([{"candidates": [{"content": {"parts": [{"text": "x"}]}}]}]))
    subject.end()
    assert isinstance(subject.failure, Truncated)
    assert subject.end() == b""
    error = subject.fail(Overloaded("busy"))
    assert error.endswith(b"]" if form == "array" else b"\n\n")
    assert b'"message":"busy"' in error


def test_the_end_of_the_body_ends_the_stream_and_nothing_else_does() -> None:
    subject = relay()
    last = {"candidates": [{"content": {"parts": [{"text": "x"}]}, "finishReason": "STOP"}]}
    subject.feed(sse([{**last, "usageMetadata": {"promptTokenCount": 1}}]))
    assert subject.usage == Usage(input=1)
    assert not subject.finished, "a later event may still come"
    assert b'"more":1' in subject.feed(sse([{"more": 1}]))
    subject.end()
    assert subject.finished


def test_a_signature_alone_is_no_content() -> None:
    subject = relay()
    subject.feed(sse([{"candidates": [{"content": {"parts": [{"text": "", "thoughtSignature": "c2ln"}]}}]}]))
    assert (subject.committed, subject.deltas) == (False, 0)


@pytest.mark.parametrize(
    "stream",
    [
        b'{\n "error": {\n  "code": 400,\n  "message": "API key not valid.",\n  "status": "INVALID_ARGUMENT",\n'
        b'  "details": [{"reason": "API_KEY_INVALID"}]\n }\n}\n',
        b'[{"error": {"code": 401, "message": "x", "status": "UNAUTHENTICATED"}}\n]',
    ],
)
def test_an_error_as_bare_json(stream: bytes) -> None:
    for ending in (b"", b"\n\n"):
        subject = relay()
        run(subject, stream + ending)
        assert isinstance(subject.failure, CredentialRefused)


@pytest.mark.parametrize("stream", [b"<html></html>", b'{"candidates":[]}', b"data: <html>\n\n"])
def test_what_is_no_stream_is_garbled(stream: bytes) -> None:
    subject = relay()
    assert run(subject, stream) == b""
    assert isinstance(subject.failure, Garbled)


def test_one_bad_event_in_the_middle_is_left_out() -> None:
    subject = relay()
    good = sse([{"candidates": [{"content": {"parts": [{"text": "x"}]}, "finishReason": "STOP"}]}])
    assert run(subject, good + b"data: oops\n\n" + b": ping\n\n") == good + b": ping\n\n"
    assert subject.finished
    again = relay()
    run(again, good + b"data: oops\n\n" * 3)
    assert isinstance(again.failure, Garbled)


def test_json_of_another_shape_passes() -> None:
    subject = relay()
    odd = sse([{"candidates": {"new": "shape"}}])
    assert subject.feed(odd) == odd


def test_a_last_event_without_a_blank_line() -> None:
    subject = relay()
    event = sse([{"candidates": [{"content": {"parts": [{"text": "x"}]}, "finishReason": "STOP"}]}])
    assert run(subject, event.rstrip(b"\n")) == event
    assert subject.finished


def test_ordinary_events_are_counted_like_those_that_are_read() -> None:
    subject = relay()
    event = {
        "candidates": [{"content": {"parts": [{"text": "x" * 40}]}}],
        "usageMetadata": {"promptTokenCount": 9},
    }
    stream = sse([event] * 3)
    assert subject.feed(stream) == stream
    assert subject.deltas == 3
    assert subject.partial() == Usage(input=9, output=30, source="partial")


def test_an_ordinary_event_that_is_no_json_does_no_harm() -> None:
    subject = relay()
    subject.feed(sse([{"candidates": [{"content": {"parts": [{"text": "x"}]}}]}]))
    subject.feed(b'data: {"text":"a","usageMetadata":{{}\n\n')
    assert subject.partial() == Usage(input=7, output=2, source="partial")
    subject.end()
    assert isinstance(subject.failure, Truncated)


def test_usage_of_a_stream_that_was_cut() -> None:
    subject = relay()
    counts = {"promptTokenCount": 40, "candidatesTokenCount": 9}
    event = {"candidates": [{"content": {"parts": [{"text": "x"}]}}], "usageMetadata": counts}
    subject.feed(sse([event]))
    assert subject.partial() == Usage(input=40, output=9, source="partial")
