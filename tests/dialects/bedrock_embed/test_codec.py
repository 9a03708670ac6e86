from __future__ import annotations

import pytest

from waypost.core.asked import PathAsk
from waypost.core.usage import Usage
from waypost.dialects.bedrock_embed.codec import BEDROCK_EMBED
from waypost.errors import InvalidRequest, Throttled


def test_paths() -> None:
    assert BEDROCK_EMBED.onward_path("amazon.titan-embed-text-v2:0", False) == (
        "/model/amazon.titan-embed-text-v2%3A0/invoke"
    )
    with pytest.raises(InvalidRequest):
        BEDROCK_EMBED.onward_path("..", False)


def test_it_is_spoken_to_targets_alone() -> None:
    assert (BEDROCK_EMBED.entries, BEDROCK_EMBED.codec, BEDROCK_EMBED.family) == ((), None, "bedrock_embed")


def test_an_answer_passes_as_it_came() -> None:
    body = b'{"embedding":[0.10],"inputTextTokenCount":3}'
    reply = BEDROCK_EMBED.parse_reply(body)
    assert (reply.usage, BEDROCK_EMBED.render_reply(reply, 5)) == (Usage(input=3), body)
    asked = BEDROCK_EMBED.parse_ask(b'{"inputText":"abc"}', path=PathAsk("m"))
    assert BEDROCK_EMBED.estimate_output(asked, reply) == Usage(
        input=asked.input_estimate, source="estimated"
    )


def test_errors_are_those_of_bedrock() -> None:
    headers = [(b"x-amzn-errortype", b"ThrottlingException:http://internal.amazon.com/coral/")]
    assert isinstance(BEDROCK_EMBED.parse_error(400, headers, b'{"message":"slow down"}'), Throttled)
