from __future__ import annotations

import msgspec
import pytest

from waypost.core.quirks import Quirks
from waypost.core.usage import Usage
from waypost.dialects.openai_input_tokens.codec import INPUT_TOKENS, goes_on, render_count
from waypost.errors import CredentialRefused, Garbled, InvalidRequest

BODY = b'{"model":"m","input":"x","personality":"friendly","max_output_tokens":16}'


def test_a_count_uses_nothing() -> None:
    asked = INPUT_TOKENS.parse_ask(BODY)
    assert (asked.choices, asked.max_output, asked.stream) == (0, None, False)
    assert INPUT_TOKENS.render_onward(asked, "n", Quirks()).body == BODY.replace(b'"m"', b'"n"')
    answer = b'{"object":"response.input_tokens","input_tokens":14,"new":1.50}'
    reply = INPUT_TOKENS.parse_reply(answer)
    assert reply.usage == Usage()
    assert INPUT_TOKENS.render_reply(reply, 0) == answer
    assert INPUT_TOKENS.estimate_output(asked, reply) == Usage()


def test_where_it_is_found() -> None:
    assert INPUT_TOKENS.onward_path("m", False) == "/responses/input_tokens"
    assert [entry.path for entry in INPUT_TOKENS.entries] == ["/responses/input_tokens"]
    assert (INPUT_TOKENS.operation, INPUT_TOKENS.codec) == ("count_tokens", None)


def test_answers_that_are_none() -> None:
    with pytest.raises(Garbled):
        INPUT_TOKENS.parse_reply(b"<html>")
    with pytest.raises(Garbled):
        INPUT_TOKENS.parse_reply(b'{"id":"x"}')
    with pytest.raises(CredentialRefused):
        INPUT_TOKENS.parse_reply(
            b'{"error":{"type":"invalid_request_error","code":"invalid_api_key","message":"x"}}'
        )
    with pytest.raises(InvalidRequest):
        INPUT_TOKENS.parse_ask(b'{"model":"m"}')


def test_our_own_count() -> None:
    assert msgspec.json.decode(render_count(14)) == {"object": "response.input_tokens", "input_tokens": 14}


@pytest.mark.parametrize(
    ("field", "kept"),
    [(b'"previous_response_id":"r"', True), (b'"conversation":"c"', True), (b'"user":"u"', False)],
)
def test_what_the_provider_keeps_is_not_seen_here(field: bytes, kept: bool) -> None:
    assert goes_on(INPUT_TOKENS.parse_ask(b'{"model":"m","input":"x",' + field + b"}")) is kept
