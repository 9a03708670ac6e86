"""What every dialect has to do, whatever its wire format."""

from __future__ import annotations

import pytest

from waypost.core.asked import Asked, PathAsk
from waypost.core.quirks import Quirks
from waypost.dialects.dialect import NO_PATH, Dialect
from waypost.dialects.registry import DIALECTS
from waypost.errors import Garbled, InvalidRequest, Overloaded, Rejected, TooLarge

BODIES = {
    "openai_chat": b'{"model":"m","messages":[{"role":"user","content":"hi"}],"new_field":{"a": 1.0}}',
    "openai_completions": b'{"model":"m","prompt":"hi","new_field":{"a": 1.0}}',
    "openai_responses": b'{"model":"m","input":"hi","new_field":{"a": 1.0}}',
    "openai_embeddings": b'{"model":"m","input":"hi","new_field":{"a": 1.0}}',
    "openai_images": b'{"model":"m","prompt":"hi","new_field":{"a": 1.0}}',
    "openai_image_edits": b'{"model":"m","image":"hi","new_field":{"a": 1.0}}',
    "openai_speech": b'{"model":"m","input":"hi","new_field":{"a": 1.0}}',
    "openai_transcriptions": b'{"model":"m","file":"hi","new_field":{"a": 1.0}}',
    "openai_translations": b'{"model":"m","file":"hi","new_field":{"a": 1.0}}',
    "openai_moderations": b'{"model":"m","input":"hi","new_field":{"a": 1.0}}',
    "bedrock_converse": b'{"messages":[{"role":"user","content":[{"text":"hi"}]}],"new_field":{"a": 1.0}}',
}
#: For dialects that name the model in the path.
PATHS = {"bedrock_converse": PathAsk("m")}
#: What stands only in the terminator of a stream.
TERMINATORS = {"bedrock_converse": b"metadata"}


def ask(dialect: Dialect) -> Asked:
    return dialect.parse_ask(BODIES[dialect.name], path=PATHS.get(dialect.name, NO_PATH))


@pytest.fixture(params=sorted(DIALECTS))
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return DIALECTS[request.param]


def test_an_unknown_field_passes_untouched(dialect: Dialect) -> None:
    assert dialect.render_onward(ask(dialect), "m", Quirks()).body == BODIES[dialect.name]


def test_bad_bodies(dialect: Dialect) -> None:
    for body in (b"", b"[]", b"{}", b"{", b"\xff", b'{"model":"m"}'):
        with pytest.raises(InvalidRequest):
            dialect.parse_ask(body, path=PATHS.get(dialect.name, NO_PATH))
    with pytest.raises(TooLarge):
        dialect.parse_ask(b'{"model":' + b"[" * 100_000)


def test_bad_answers(dialect: Dialect) -> None:
    for body in (b"", b"<html>", b"[]"):
        with pytest.raises(Garbled):
            dialect.parse_reply(body)


def test_an_answer_without_usage_is_estimated(dialect: Dialect) -> None:
    asked = ask(dialect)
    reply = dialect.parse_reply(b"{}")
    assert reply.usage is None
    usage = dialect.estimate_output(asked, reply)
    assert (usage.source, usage.input) == ("estimated", asked.input_estimate)


def test_a_new_field_of_an_answer_passes(dialect: Dialect) -> None:
    reply = dialect.parse_reply(b'{"id":"x","new":[1.50]}')
    assert b'"new":[1.50]' in dialect.render_reply(reply, None)


def test_errors(dialect: Dialect) -> None:
    assert b"gateway is busy" in dialect.render_error(Overloaded("gateway is busy"))
    relay = dialect.stream_relay(ask(dialect), lambda usage, tier: 0)
    event = relay.fail(Overloaded("gateway is busy"))
    # A sound has no room for words: it just ends before its end.
    assert b"gateway is busy" in event or dialect.operation == "speech"
    assert TERMINATORS.get(dialect.name, b"DONE") not in event
    assert isinstance(dialect.parse_error(400, [], b""), Rejected)


def test_a_stream_of_nothing_is_an_error(dialect: Dialect) -> None:
    relay = dialect.stream_relay(ask(dialect), lambda usage, tier: 0)
    assert relay.feed(b"") == b""
    relay.end()
    assert relay.failure is not None
    assert not relay.finished
