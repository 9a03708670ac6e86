"""What every dialect has to do, whatever its wire format."""

from __future__ import annotations

import pytest

from waypost.core.asked import Asked, PathAsk
from waypost.core.quirks import Quirks
from waypost.core.usage import Usage
from waypost.dialects.audio import OutgoingAudio
from waypost.dialects.dialect import NO_PATH, Dialect
from waypost.dialects.registry import DIALECTS
from waypost.errors import Garbled, InvalidRequest, Overloaded, Rejected, TooLarge, UpstreamError

NEW = b'"new_field":{"a": 1.0}'
#: The least that each dialect takes, and a field that it has never heard of.
BODIES = {
    "anthropic_count_tokens": b'{"model":"m","messages":[{"role":"user","content":"hi"}],%b}',
    "anthropic_messages": b'{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}],%b}',
    "anthropic_vertex": b'{"model":"m","messages":[{"role":"user","content":"hi"}],%b}',
    "bedrock_converse": b'{"messages":[{"role":"user","content":[{"text":"hi"}]}],%b}',
    "bedrock_embed": b'{"inputText":"hi",%b}',
    "cohere_chat": b'{"model":"m","messages":[{"role":"user","content":"hi"}],%b}',
    "cohere_embed": b'{"model":"m","texts":["hi"],%b}',
    "cohere_rerank": b'{"model":"m","query":"hi","documents":["a"],%b}',
    "gemini_count_tokens": b'{"contents":[{"parts":[{"text":"hi"}]}],%b}',
    "gemini_embed": b'{"content":{"parts":[{"text":"hi"}]},%b}',
    "gemini_embed_batch": b'{"requests":[{"content":{"parts":[{"text":"hi"}]},"model":"models/m"}],%b}',
    "gemini_generate": b'{"contents":[{"parts":[{"text":"hi"}]}],%b}',
    "openai_chat": b'{"model":"m","messages":[{"role":"user","content":"hi"}],%b}',
    "openai_completions": b'{"model":"m","prompt":"hi",%b}',
    "openai_embeddings": b'{"model":"m","input":"hi",%b}',
    "openai_image_edits": b'{"model":"m","image":"hi",%b}',
    "openai_images": b'{"model":"m","prompt":"hi",%b}',
    "openai_input_tokens": b'{"model":"m","input":"hi",%b}',
    "openai_moderations": b'{"model":"m","input":"hi",%b}',
    "openai_responses": b'{"model":"m","input":"hi",%b}',
    "openai_speech": b'{"model":"m","input":"hi",%b}',
    "openai_transcriptions": b'{"model":"m","file":"hi",%b}',
    "openai_translations": b'{"model":"m","file":"hi",%b}',
}
#: Dialects whose requests name their model in the path, on the way in and out.
IN_PATH = frozenset(
    (
        *("bedrock_converse", "bedrock_embed"),
        *("gemini_count_tokens", "gemini_embed", "gemini_embed_batch", "gemini_generate"),
    )
)
#: Dialects that leave the model out of what they send on, or put another word in its place.
REWRITTEN = frozenset(("anthropic_vertex",))
#: What is there in whatever answers, of those dialects whose answers can be told from anything else.
ANSWERS = {
    **dict.fromkeys(("anthropic_messages", "anthropic_vertex"), b'"content":[]'),
    "anthropic_count_tokens": b'"input_tokens":1',
    "bedrock_converse": b'"output":{}',
    "cohere_chat": b'"message":{}',
    "cohere_embed": b'"embeddings":{}',
    "cohere_rerank": b'"results":[]',
    "gemini_generate": b'"candidates":[]',
    **dict.fromkeys(("openai_chat", "openai_completions"), b'"choices":[]'),
    "openai_embeddings": b'"data":[]',
    "openai_input_tokens": b'"input_tokens":1',
    "openai_responses": b'"output":[]',
}
#: Operations that nobody charges for.
FREE = frozenset(("count_tokens",))
#: What stands only in the terminator of a stream.
TERMINATORS = {"bedrock_converse": b"metadata", "anthropic_messages": b"message_stop"}


def path_of(dialect: Dialect) -> PathAsk:
    return PathAsk("m") if dialect.name in IN_PATH else NO_PATH


def body_of(dialect: Dialect) -> bytes:
    return BODIES[dialect.name] % NEW


def ask(dialect: Dialect) -> Asked:
    return dialect.parse_ask(body_of(dialect), path=path_of(dialect))


#: Those of a WebSocket have no bodies, and in those that are only crossed to nobody asks.
ASKED_BY_BODY = sorted(
    name
    for name, each in DIALECTS.items()
    if not any(e.socket for e in each.entries) and not isinstance(each, OutgoingAudio)
)


@pytest.fixture(params=ASKED_BY_BODY)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return DIALECTS[request.param]


def test_an_unknown_field_passes_untouched(dialect: Dialect) -> None:
    sent = dialect.render_onward(ask(dialect), "m", Quirks()).body
    if dialect.name in REWRITTEN:
        assert NEW in sent
    else:
        assert sent == body_of(dialect)


def test_bad_bodies(dialect: Dialect) -> None:
    for body in (b"", b"[]", b"{}", b"{", b"\xff", b'{"model":"m"}'):
        with pytest.raises(InvalidRequest):
            dialect.parse_ask(body, path=path_of(dialect))
    with pytest.raises(TooLarge):
        dialect.parse_ask(b'{"model":' + b"[" * 100_000, path=path_of(dialect))


def test_bad_answers(dialect: Dialect) -> None:
    for body in (b"", b"<html>", b"[]"):
        with pytest.raises(Garbled):
            dialect.parse_reply(body)


def test_an_answer_without_usage_is_estimated(dialect: Dialect) -> None:
    asked = ask(dialect)
    reply = dialect.parse_reply(b"{%b}" % ANSWERS.get(dialect.name, b""))
    usage = dialect.estimate_output(asked, reply)
    if dialect.operation in FREE:
        assert reply.usage == Usage()
        assert (usage.input, usage.output) == (0, 0)
    else:
        assert reply.usage is None
        assert (usage.source, usage.input) == ("estimated", asked.input_estimate)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{}", Garbled),
        (b'{"new":1}', Garbled),
        (b'{"message":"The model is overloaded","code":503}', UpstreamError),
        (b'{"detail":"Not today"}', UpstreamError),
    ],
)
def test_an_object_without_an_answer_is_a_failure(
    dialect: Dialect, body: bytes, kind: type[UpstreamError]
) -> None:
    if dialect.name in ANSWERS:
        with pytest.raises(kind) as caught:
            dialect.parse_reply(body)
        assert caught.value.may_have_billed


def test_a_new_field_of_an_answer_passes(dialect: Dialect) -> None:
    reply = dialect.parse_reply(b'{"new":[1.50],%b}' % ANSWERS.get(dialect.name, b'"id":"x"'))
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
