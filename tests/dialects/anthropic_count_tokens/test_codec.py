from __future__ import annotations

import msgspec
import pytest

from waypost.core.quirks import Quirks
from waypost.core.usage import Usage
from waypost.dialects.anthropic_count_tokens.codec import COUNT_TOKENS, render_count
from waypost.errors import CredentialRefused, Garbled

BODY = b'{"model":"m","messages":[{"role":"user","content":"x"}]}'


def test_a_count_uses_nothing() -> None:
    asked = COUNT_TOKENS.parse_ask(BODY)
    assert asked.choices == 0
    assert COUNT_TOKENS.render_onward(asked, "n", Quirks()).body == BODY.replace(b'"m"', b'"n"')
    reply = COUNT_TOKENS.parse_reply(b'{"input_tokens":14,"new":1.50}')
    assert reply.usage == Usage()
    assert COUNT_TOKENS.render_reply(reply, 0) == b'{"input_tokens":14,"new":1.50}'
    assert COUNT_TOKENS.estimate_output(asked, reply) == Usage(source="estimated")


def test_where_it_is_found() -> None:
    assert COUNT_TOKENS.onward_path("m", False) == "/messages/count_tokens"
    assert [entry.path for entry in COUNT_TOKENS.entries] == [
        "/messages/count_tokens",
        "/anthropic/v1/messages/count_tokens",
    ]
    assert (COUNT_TOKENS.operation, COUNT_TOKENS.codec) == ("count_tokens", None)


def test_answers_that_are_none() -> None:
    with pytest.raises(Garbled):
        COUNT_TOKENS.parse_reply(b"<html>")
    with pytest.raises(CredentialRefused):
        COUNT_TOKENS.parse_reply(b'{"type":"error","error":{"type":"authentication_error","message":"x"}}')


def test_our_own_count() -> None:
    assert msgspec.json.decode(render_count(14)) == {"input_tokens": 14}
