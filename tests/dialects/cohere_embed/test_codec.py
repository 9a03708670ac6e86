from __future__ import annotations

from waypost.core.usage import Usage
from waypost.dialects.cohere_embed.codec import COHERE_EMBED


def test_one_answer() -> None:
    assert COHERE_EMBED.onward_path("m", False) == "/embed"
    body = b'{"id":"x","embeddings":{"float":[[0.10]]},"meta":{"billed_units":{"input_tokens":3}}}'
    reply = COHERE_EMBED.parse_reply(body)
    assert reply.usage == Usage(input=3)
    shown = COHERE_EMBED.render_reply(reply, 2)
    assert b"[[0.10]]" in shown
    assert b'"cost":0.000000002' in shown
