"""Transcripts: a count of tokens is asked of who can count, and made here for everybody else."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from transcript import ScriptedAnswer, Stage, provider, target
from waypost.app.token_counter import CountingProcess
from waypost.config.targets import Target
from waypost.core.asked import PathAsk
from waypost.core.encoding import Encoding
from waypost.dialects.registry import DIALECTS
from waypost.pipeline.counting import can_count
from waypost.telemetry.logs import Log

CHAT = provider(dialects=("openai_chat",))
OTHER = target(CHAT)
OWN = target(provider("own", dialects=("anthropic_messages", "anthropic_count_tokens")))
GPT = target(CHAT, "gpt-4o-mini")
TEXT = "It was a bright cold day in April, and the clocks were striking thirteen. " * 40
ASK = {"model": "fast", "messages": [{"role": "user", "content": TEXT}]}
#: Of `TEXT`: `cl100k_base` and `o200k_base` make as many.
TOKENS = 641
FIELDS = {
    "anthropic_count_tokens": "input_tokens",
    "gemini_count_tokens": "totalTokens",
    "openai_input_tokens": "input_tokens",
}
#: The same message in every dialect.
SAME: list[tuple[str, dict[str, Any], PathAsk]] = [
    ("anthropic_count_tokens", ASK, PathAsk()),
    ("gemini_count_tokens", {"contents": [{"role": "user", "parts": [{"text": TEXT}]}]}, PathAsk("fast")),
    (
        "gemini_count_tokens",
        {"generate_content_request": {"model": "models/x", "contents": [{"parts": [{"text": TEXT}]}]}},
        PathAsk("fast"),
    ),
    ("openai_input_tokens", {"model": "fast", "input": TEXT}, PathAsk()),
    (
        "openai_input_tokens",
        {"model": "fast", "input": [{"role": "user", "content": [{"type": "input_text", "text": TEXT}]}]},
        PathAsk(),
    ),
]


class _Words:
    """A `TokenCounter`: a word is a token."""

    def __init__(self) -> None:
        self.asked: list[Encoding] = []

    async def count(self, encoding: Encoding, texts: Sequence[str]) -> int | None:
        self.asked.append(encoding)
        return sum(len(text.split()) for text in texts)


@pytest.mark.parametrize(
    ("dialects", "dialect", "body", "answer"),
    [
        (OWN.provider.dialects, "anthropic_count_tokens", ASK, b'{"input_tokens":17}'),
        (
            ("openai_responses", "openai_input_tokens"),
            "openai_input_tokens",
            {"model": "fast", "input": "x"},
            b'{"object":"response.input_tokens","input_tokens":17}',
        ),
    ],
)
async def test_a_provider_that_counts_is_asked(
    dialects: tuple[str, ...], dialect: str, body: object, answer: bytes
) -> None:
    counter = _Words()
    own = target(provider("own", dialects=dialects), "gpt-4o")
    stage = Stage([ScriptedAnswer(200, answer)], (own,), counter=counter)
    client = await stage.ask(body, dialect=dialect)
    assert client.body == answer
    assert client.header(b"x-waypost-count") is None
    assert stage.exchange.cost_nusd == 0
    assert counter.asked == []


@pytest.mark.parametrize(("dialect", "body", "path"), SAME)
async def test_for_every_other_target_it_is_estimated_and_says_so(
    dialect: str, body: object, path: PathAsk
) -> None:
    counter = _Words()
    stage = Stage([], (OTHER,), counter=counter)
    client = await stage.ask(body, dialect=dialect, path=path)
    assert client.status == 200
    assert client.header(b"x-waypost-count") == b"estimated"
    assert abs(msgspec.json.decode(client.body)[FIELDS[dialect]] - TOKENS) < TOKENS / 5
    assert (stage.upstream.sent, counter.asked) == ([], [])
    assert (stage.exchange.outcome, stage.exchange.attempts) == ("ok", ())


@pytest.mark.parametrize(("dialect", "body", "path"), SAME)
async def test_a_model_with_a_public_tokenizer_is_counted_exactly(
    dialect: str, body: object, path: PathAsk
) -> None:
    counter = _Words()
    stage = Stage([], (GPT,), counter=counter)
    client = await stage.ask(body, dialect=dialect, path=path)
    assert client.header(b"x-waypost-count") == b"exact"
    # Three tokens for the message, one for its role, three before the answer.
    assert msgspec.json.decode(client.body)[FIELDS[dialect]] == 40 * 14 + 7
    assert counter.asked == ["o200k_base"]


@pytest.mark.parametrize(
    ("models", "more"),
    [
        (("gpt-5",), {}),
        (("gpt-4o",), {"tools": [{"name": "f", "input_schema": {"type": "object"}}]}),
        (("gpt-4o",), {"system": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}),
    ],
)
async def test_what_is_not_published_makes_a_count_an_estimate(
    models: tuple[str, ...], more: dict[str, Any]
) -> None:
    counter = _Words()
    stage = Stage([], tuple(target(CHAT, model) for model in models), counter=counter)
    client = await stage.ask({**ASK, **more}, dialect="anthropic_count_tokens")
    assert client.header(b"x-waypost-count") == b"estimated"
    assert msgspec.json.decode(client.body)["input_tokens"] >= 40 * 14 + 7
    assert counter.asked == ["o200k_base"]


async def test_a_conversation_that_is_kept_elsewhere_is_not_seen() -> None:
    stage = Stage([], (GPT,), counter=_Words())
    body = {"model": "fast", "input": "hello", "previous_response_id": "resp_1"}
    client = await stage.ask(body, dialect="openai_input_tokens")
    assert client.header(b"x-waypost-count") == b"estimated"


@pytest.mark.parametrize("others", [(target(CHAT, "gpt-4"),), (OTHER,)])
async def test_targets_with_other_tokenizers_are_not_counted_by_one(others: tuple[Target, ...]) -> None:
    counter = _Words()
    stage = Stage([], (GPT, *others), counter=counter)
    client = await stage.ask(ASK, dialect="anthropic_count_tokens")
    assert client.header(b"x-waypost-count") == b"estimated"
    assert counter.asked == []


async def test_a_content_that_the_core_can_not_say_is_estimated_by_its_size() -> None:
    stage = Stage([], (GPT,), counter=_Words())
    body = {"contents": [{"role": "somebody", "parts": [{"text": TEXT}]}]}
    client = await stage.ask(body, dialect="gemini_count_tokens", path=PathAsk("fast"))
    assert client.header(b"x-waypost-count") == b"estimated"
    assert abs(msgspec.json.decode(client.body)["totalTokens"] - TOKENS) < TOKENS / 4


async def test_everything_works_without_the_tokenizer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tiktoken", None)
    monkeypatch.setattr("waypost.app.token_counter.find_spec", lambda name: None)
    counter = CountingProcess(Log(io.StringIO(), lambda: 0.0))
    stage = Stage([], (GPT,), counter=counter)
    client = await stage.ask(ASK, dialect="anthropic_count_tokens")
    assert client.header(b"x-waypost-count") == b"estimated"
    assert abs(msgspec.json.decode(client.body)["input_tokens"] - TOKENS) < TOKENS / 5
    assert counter.pid is None


async def test_the_real_tokenizer() -> None:
    counter = CountingProcess(Log(io.StringIO(), lambda: 0.0), answer_s=50.0)
    try:
        stage = Stage([], (GPT,), counter=counter)
        client = await stage.ask(ASK, dialect="anthropic_count_tokens")
    finally:
        await counter.close()
    assert client.header(b"x-waypost-count") == b"exact"
    assert msgspec.json.decode(client.body)["input_tokens"] == TOKENS + 7


async def test_a_key_that_may_not_use_the_model_may_not_count_for_it() -> None:
    stage = Stage([], (OTHER,))
    stage.keys.rows = {
        digest: msgspec.structs.replace(key, models=("other",)) for digest, key in stage.keys.rows.items()
    }
    assert (await stage.ask(ASK, dialect="anthropic_count_tokens")).status == 403


def test_only_counts_are_counted_here() -> None:
    assert {name for name, dialect in DIALECTS.items() if can_count(dialect)} == {
        name for name, dialect in DIALECTS.items() if dialect.operation == "count_tokens"
    }
