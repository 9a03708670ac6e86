from __future__ import annotations

import msgspec
import pytest

from waypost.core.usage import Units, Usage
from waypost.dialects.openai_media.reply import parse_reply, parse_usage, render_reply
from waypost.errors import Garbled, UpstreamError


def test_the_cost_stands_in_the_usage() -> None:
    body = b'{"created":1,"data":[{"b64_json":"AA"}],"usage":{"input_tokens":5,"output_tokens":7,"total_tokens":12}}'
    reply = parse_reply(body)
    assert reply.usage == Usage(input=5, output=7, units=Units(images=1))
    assert msgspec.json.decode(render_reply(reply, 12))["usage"]["cost"] == 0.000000012


def test_an_answer_without_usage_passes_as_it_came() -> None:
    body = b'{"id":"modr-1","results":[{"flagged":false,"score":1.50}]}'
    reply = parse_reply(body)
    assert reply.usage is None
    assert render_reply(reply, None) == body


@pytest.mark.parametrize(
    ("raw", "usage"),
    [
        (b'{"type":"tokens","input_tokens":9,"output_tokens":2,"input_token_details":{"audio_tokens":8}}',
         Usage(input=9, output=2, audio_input=8)),
        (b'{"type":"duration","seconds":3.5}', Usage(units=Units(audio_ms=3500))),
        (b'{"prompt_audio_seconds":203,"prompt_tokens":4,"total_tokens":3264,"completion_tokens":635}',
         Usage(units=Units(audio_ms=203_000))),
        (b'{"type":"duration","seconds":-3}', None),
        (b'{"type":"duration"}', None),
        (b'{"input_tokens":-1}', None),
        (b"null", None),
    ],
)  # fmt: skip
def test_usage(raw: bytes, usage: Usage | None) -> None:
    assert parse_usage(msgspec.Raw(raw)) == usage


@pytest.mark.parametrize(
    ("body", "units"),
    [
        (b'{"task":"transcribe","duration":8.470000267,"text":"x"}', Units(audio_ms=8470)),
        (b'{"duration":"2.5","text":"x"}', Units(audio_ms=2500)),
        (b'{"duration":9.9,"text":"x","usage":{"type":"duration","seconds":10}}', Units(audio_ms=10_000)),
        (b'{"duration":"long","text":"x"}', None),
        (b'{"data":[{"url":"a"},{"url":"b"}]}', Units(images=2)),
        (b'{"data":[{}],"size":"1024x1536","quality":"high"}', Units(images=1, image="high/1024x1536")),
        (b'{"data":7}', None),
        (b'{"text":"x"}', None),
    ],
)
def test_what_is_not_counted_in_tokens(body: bytes, units: Units | None) -> None:
    usage = parse_reply(body).usage
    assert (None if usage is None else usage.units) == units


def test_a_transcript_may_be_plain_text() -> None:
    reply = parse_reply(b"WEBVTT\n\n00:00 hello")
    assert render_reply(reply, None) == b"WEBVTT\n\n00:00 hello"


@pytest.mark.parametrize("body", [b"", b"  ", b"<!DOCTYPE html><p>", b"<html>", b'{"a":', b"[1"])
def test_what_is_no_answer_is_garbled(body: bytes) -> None:
    with pytest.raises(Garbled):
        parse_reply(body)


def test_an_error_inside_a_200_is_a_failure() -> None:
    with pytest.raises(UpstreamError, match="no credit"):
        parse_reply(b'{"error":{"message":"no credit"}}')
