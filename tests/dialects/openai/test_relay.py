from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
import openai._streaming as sdk
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialects.golden import cases, counts_of, sse
from waypost.core.asked import Asked
from waypost.core.usage import Usage
from waypost.dialects.openai.relay import OpenAIRelay

COST = 120_000


def relay(wants_usage: bool = True, choices: int = 1) -> OpenAIRelay:
    asked = Asked("m", True, {}, wants_usage=wants_usage, choices=choices, input_estimate=7)
    return OpenAIRelay(asked, lambda usage, tier: COST, b"chat.completion.chunk")


def run(subject: OpenAIRelay, stream: bytes, cuts: list[int] = []) -> bytes:  # noqa: B006
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    out = b"".join(subject.feed(stream[a:b]) for a, b in pairwise(edges))
    return out + subject.end()


def state(subject: OpenAIRelay) -> dict[str, Any]:
    return {
        "committed": subject.committed,
        "finished": subject.finished,
        "failure": subject.failure and subject.failure.code,
        "deltas": subject.deltas,
        "finish_reason": subject.finish_reason,
        "usage": counts_of(subject.usage),
    }


def chunk(text: str | None = None, finish: str | None = None, index: int = 0) -> dict[str, Any]:
    delta = {} if text is None else {"content": text}
    return {"id": "c", "choices": [{"index": index, "delta": delta, "finish_reason": finish}]}


@pytest.mark.parametrize("case", cases("openai_chat", "streams"))
def test_golden(case: Any) -> None:
    subject = relay(case["wants_usage"], case["choices"])
    assert run(subject, sse(case["events"])) == sse(case["client"])
    assert state(subject) == case["state"]


@pytest.mark.parametrize("case", cases("openai_chat", "streams"))
@settings(deadline=None)
@given(cuts=st.lists(st.integers(0, 10_000), max_size=8))
def test_any_split_gives_the_same_bytes_and_state(case: Any, cuts: list[int]) -> None:
    subject = relay(case["wants_usage"], case["choices"])
    assert run(subject, sse(case["events"]), cuts) == sse(case["client"])
    assert state(subject) == case["state"]


@pytest.mark.parametrize("case", cases("openai_chat", "streams"))
def test_byte_by_byte_with_crlf(case: Any) -> None:
    stream = sse(case["events"]).replace(b"\n", b"\r\n")
    whole, single = relay(case["wants_usage"], case["choices"]), relay(case["wants_usage"], case["choices"])
    out = run(single, stream, list(range(len(stream))))
    assert out == run(whole, stream)
    assert out.replace(b"\r\n", b"\n") == sse(case["client"])
    assert state(single) == state(whole) == case["state"]


@pytest.mark.parametrize("case", cases("openai_chat", "streams"))
def test_the_official_sdk_reads_the_same_events(case: Any) -> None:
    out = run(relay(case["wants_usage"], case["choices"]), sse(case["events"]))
    decoded = [event.data for event in sdk.SSEDecoder().iter_bytes(iter([out]))]
    expected = [e if isinstance(e, str) else msgspec.json.encode(e).decode() for e in case["client"]]
    assert decoded == expected


texts = st.lists(st.text(max_size=12), min_size=1, max_size=12)


@settings(deadline=None)
@given(texts, st.lists(st.integers(0, 10_000), max_size=8))
def test_a_clean_stream_passes_byte_for_byte(words: list[str], cuts: list[int]) -> None:
    body = sse([chunk(word) for word in words] + [chunk(finish="stop")])
    usage = b'data: {"id":"c","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\n'
    subject = relay()
    out = run(subject, body + usage + b"data: [DONE]\n\n", cuts)
    assert out.startswith(body)
    assert out.endswith(b"data: [DONE]\n\n")
    patched = msgspec.json.decode(out[len(body) + 6 : -len(b"data: [DONE]\n\n")])
    assert patched["usage"] == {"prompt_tokens": 1, "completion_tokens": 2, "cost": 0.00012}
    assert subject.deltas == sum(1 for word in words if word)
    assert subject.usage == Usage(input=1, output=2)


def test_an_ordinary_chunk_is_the_same_object() -> None:
    subject = relay()
    subject.feed(sse([chunk("a")]))
    for count in (1, 3):
        ordinary = sse([chunk("b")] * count)
        assert subject.feed(ordinary) is ordinary
    assert subject.deltas == 5


def test_commit_waits_for_content() -> None:
    subject = relay()
    opening = b": ping\n\n" + sse(
        [{"id": "c", "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}]
    )
    assert subject.feed(opening) == opening
    assert not subject.committed
    subject.feed(sse([chunk("a")]))
    assert subject.committed


@pytest.mark.parametrize(
    "delta",
    [
        {"content": "a"},
        {"reasoning": "a"},
        {"reasoning_content": "a"},
        {"refusal": "a"},
        {"audio": {"id": "a"}},
        {"tool_calls": [{"index": 0}]},
        {"content": [{"type": "thinking"}]},
    ],
)
def test_what_commits(delta: Any) -> None:
    subject = relay()
    subject.feed(sse([{"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}]))
    assert subject.committed
    assert subject.deltas == 1


def test_pings_and_comments_pass_and_are_no_progress() -> None:
    subject = relay()
    stream = sse([chunk("a")]) + b": keep-alive\n\n" + sse([chunk("b")])
    assert subject.feed(stream) == stream
    assert subject.deltas == 2


def test_isolated_garbage_is_left_out() -> None:
    subject = relay(wants_usage=False)
    good = sse([chunk("a")])
    assert subject.feed(good + b"data: <html>\n\n" + good) == good + good
    assert (subject.skipped, subject.failure) == (1, None)


@pytest.mark.parametrize("together", [True, False])
def test_garbage_between_good_events_is_never_in_a_row(together: bool) -> None:
    subject = relay(wants_usage=False)
    good, bad = sse([chunk("a")]), b"data: oops\n\n"
    events = [good, bad, good, bad, good, bad, good]
    out = subject.feed(b"".join(events)) if together else b"".join(map(subject.feed, events))
    assert out == good * 4
    assert (subject.skipped, subject.failure, subject.deltas) == (3, None, 4)


def test_an_absurd_count_after_a_good_one_is_ignored() -> None:
    subject = relay()
    usage = {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 1}}
    absurd = {"choices": [], "usage": {"prompt_tokens": -3}}
    out = run(subject, sse([chunk("a", "stop"), usage, absurd, "[DONE]"]))
    assert b'"usage":{"prompt_tokens":3,"completion_tokens":1,"cost":0.00012}' in out
    assert subject.usage == Usage(input=3, output=1)


@pytest.mark.parametrize("lead", [b"", sse([chunk("a")]) + b"data: oops\n\ndata: oops\n\n"])
def test_garbage_first_or_three_times_ends_it(lead: bytes) -> None:
    subject = relay()
    subject.feed(lead + b"data: oops\n\n")
    assert subject.failure is not None
    assert subject.failure.code == "upstream_garbled"
    assert subject.feed(sse([chunk("b")])) == b""


def test_a_body_that_is_no_event_stream() -> None:
    garbled, failed = relay(), relay()
    garbled.feed(b'{"id":1}')
    garbled.end()
    failed.feed(b'{"error":{"message":"no","type":"x"}}')
    failed.end()
    assert garbled.failure is not None
    assert garbled.failure.code == "upstream_garbled"
    assert failed.failure is not None
    assert failed.failure.message.endswith("no")


def test_an_error_event_by_name() -> None:
    subject = relay()
    subject.feed(sse([chunk("a")]) + b"event: error\ndata: went away\n\n")
    assert subject.failure is not None
    assert subject.failure.code == "upstream_failed"


def test_a_last_event_without_its_blank_line() -> None:
    subject = relay(wants_usage=False)
    out = run(subject, sse([chunk("a", "stop")]) + b"data: [DONE]")
    assert out.endswith(b"data: [DONE]\n\n")
    assert subject.finished


def test_an_event_over_the_cap() -> None:
    subject = relay()
    good = sse([chunk("a")])
    assert subject.feed(good + b"data: {" + b"x" * 1_100_000) == good
    assert subject.failure is not None
    assert subject.failure.code == "upstream_garbled"


def test_partial_counts_deltas() -> None:
    subject = relay()
    subject.feed(sse([chunk("one "), chunk("two ")]))
    subject.feed(sse([chunk("three ")]))
    assert subject.partial() == Usage(input=7, output=3, source="partial")


def test_partial_of_batched_deltas_counts_text() -> None:
    subject = relay()
    for _ in range(4):
        subject.feed(sse([chunk("word " * 100)]))
    assert subject.partial().output == 500


def test_partial_takes_running_counts() -> None:
    subject = relay()
    running = {**chunk("a"), "usage": {"prompt_tokens": 40, "completion_tokens": 9, "total_tokens": 49}}
    subject.feed(sse([running]))
    assert subject.usage is None
    assert subject.partial() == Usage(input=40, output=9, source="partial")


def test_unknown_price_is_null() -> None:
    subject = OpenAIRelay(Asked("m", True, {}, wants_usage=True), lambda usage, tier: None, b"x")
    out = run(subject, sse([chunk("a", "stop"), {"choices": [], "usage": {"prompt_tokens": 1}}, "[DONE]"]))
    assert b'"cost":null' in out


def test_the_tier_reaches_the_price() -> None:
    seen: list[str | None] = []

    def price(usage: Usage, tier: str | None) -> int:
        seen.append(tier)
        return 1

    subject = OpenAIRelay(Asked("m", True, {}, wants_usage=True), price, b"x")
    last = {"choices": [], "usage": {"prompt_tokens": 1}, "service_tier": "flex"}
    run(subject, sse([chunk("a", "stop"), last, "[DONE]"]))
    assert (seen, subject.tier) == (["flex"], "flex")
