from __future__ import annotations

import msgspec
import pytest

from waypost.core.usage import Usage
from waypost.dialects.openai_media.reply import parse_reply, parse_usage, render_reply
from waypost.errors import Garbled, UpstreamError


def test_the_cost_stands_in_the_usage() -> None:
    body = b'{"created":1,"data":[{"b64_json":"AA"}],"usage":{"input_tokens":5,"output_tokens":7,"total_tokens":12}}'
    reply = parse_reply(body)
    assert reply.usage == Usage(input=5, output=7)
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
        (b'{"type":"duration","seconds":3.5}', None),
        (b'{"input_tokens":-1}', None),
        (b"null", None),
    ],
)  # fmt: skip
def test_usage(raw: bytes, usage: Usage | None) -> None:
    assert parse_usage(msgspec.Raw(raw)) == usage


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
