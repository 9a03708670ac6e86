"""Every exchange that was recorded, from a provider or from the simulator: drop a file into tests/golden/recorded.

How to make one: docs/recording.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from waypost.core.asked import Asked
from waypost.core.events import Event
from waypost.core.fold import Fold
from waypost.dialects.dialect import ChatCodec, Dialect, StreamRelay
from waypost.dialects.registry import DIALECTS
from waypost.errors import UpstreamError
from waypost.recorder.check import asked_of, check_fixture
from waypost.recorder.fixture import Fixture, decode_fixture, split_lines
from waypost.recorder.known import Known
from waypost.recorder.paths import place_of

FOLDER = Path(__file__).parent.parent / "golden" / "recorded"
FIXTURES = [(file.stem, decode_fixture(file.read_bytes())) for file in sorted(FOLDER.rglob("*.json"))]
#: The ones the simulator speaks, which so have a recording. Others wait for people with keys.
SIMULATED = {
    "anthropic_count_tokens", "anthropic_messages", "anthropic_vertex",
    "bedrock_converse", "cohere_chat", "cohere_embed", "cohere_rerank",
    "gemini_count_tokens", "gemini_embed", "gemini_embed_batch", "gemini_generate", "openai_chat", "openai_completions",
    "openai_embeddings", "openai_responses",
}  # fmt: skip
_USAGE = re.compile(rb'"(usage|usageMetadata)"\s*:\s*\{|"billed_units"\s*:\s*\{\s*"(in|out)put')
_SIZES = (1, 2, 3, 7, 64, 1 << 20)


@pytest.fixture(params=[pytest.param(fixture, id=name) for name, fixture in FIXTURES])
def fixture(request: pytest.FixtureRequest) -> Fixture:
    found: Fixture = request.param
    return found


def test_there_is_one_for_each_dialect_of_the_simulator() -> None:
    assert {fixture.dialect for _, fixture in FIXTURES} >= SIMULATED


def test_nothing_in_it_is_secret(fixture: Fixture) -> None:
    assert check_fixture(fixture, Known()) == []


def test_its_dialect_reads_it(fixture: Fixture) -> None:
    if not fixture.dialect:
        return
    dialect, asked = DIALECTS[fixture.dialect], ask(fixture)
    data = fixture.response.data()
    if data is None:
        # A sound or a picture of which only the size was kept.
        assert fixture.response.content is not None
    elif fixture.response.status // 100 != 2:
        told = [(name.encode(), value.encode()) for name, value in split_lines(fixture.response.headers)]
        error = dialect.parse_error(fixture.response.status, told, data)
        assert isinstance(error, UpstreamError)
        assert error.message
    elif fixture.response.chunks is not None:
        read_stream(fixture, dialect, asked, [chunk.data() for chunk in fixture.response.chunks])
    else:
        reply = dialect.parse_reply(data)
        assert reply.usage is not None or not _USAGE.search(data)
        assert dialect.render_reply(reply, 1)
        if dialect.codec is not None:
            response = dialect.codec.parse_response(data)
            assert response.choices
            assert response.usage is not None or not _USAGE.search(data)


def ask(fixture: Fixture) -> Asked:
    """The request, read by its dialect, whose path has to be where the dialect is asked."""
    place = place_of(fixture.request.path)
    assert place is not None
    assert place.dialect == fixture.dialect
    dialect, body = DIALECTS[fixture.dialect], asked_of(fixture).body
    if not dialect.entries:
        # It is only spoken to providers, which have the model in their path where the gateway's clients say it.
        body = msgspec.json.encode({"model": place.ask.model, **msgspec.json.decode(body)})
    asked = dialect.parse_ask(body, path=place.ask)
    assert asked.stream or fixture.response.chunks is None
    return asked


def read_stream(fixture: Fixture, dialect: Dialect, asked: Asked, chunks: Sequence[bytes]) -> None:
    whole = b"".join(chunks)
    splits = [chunks, *([whole[at : at + size] for at in range(0, len(whole), size)] for size in _SIZES)]
    passed = [pass_on(dialect.stream_relay(asked, lambda usage, tier: 1), split, fixture) for split in splits]
    assert all(each == passed[0] for each in passed)
    if dialect.codec is not None:
        events = [parse(dialect.codec, split, fixture) for split in splits]
        assert all(each == events[0] for each in events)
        fold = Fold()
        for event in events[0]:
            fold.take(event)
        if fixture.response.complete:
            response = fold.response()
            assert response.choices
            assert all(choice.finish is not None for choice in response.choices)


def pass_on(relay: StreamRelay, split: Sequence[bytes], fixture: Fixture) -> bytes:
    out = b"".join(relay.feed(chunk) for chunk in split) + relay.end()
    assert relay.finished is fixture.response.complete
    assert (relay.failure is None) is fixture.response.complete
    if fixture.response.complete:
        assert relay.committed
        assert relay.usage is not None or not _USAGE.search(b"".join(split))
    return out


def parse(codec: ChatCodec, split: Sequence[bytes], fixture: Fixture) -> list[Event]:
    parser = codec.stream_parser()
    events = [event for chunk in split for event in parser.feed(chunk)] + parser.end()
    assert parser.finished is fixture.response.complete
    return events
