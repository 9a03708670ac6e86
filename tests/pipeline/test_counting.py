"""Transcripts: a count of tokens is asked of who can count, and made here for everybody else."""

from __future__ import annotations

import msgspec
import pytest

from transcript import ScriptedAnswer, Stage, provider, target
from waypost.core.asked import PathAsk
from waypost.dialects.registry import DIALECTS
from waypost.pipeline.counting import can_count

OTHER = target(provider(dialects=("openai_chat",)))
OWN = target(provider("own", dialects=("anthropic_messages", "anthropic_count_tokens")))
TEXT = "It was a bright cold day in April, and the clocks were striking thirteen. " * 40
ASK = {"model": "fast", "messages": [{"role": "user", "content": TEXT}]}


async def test_a_provider_that_counts_is_asked() -> None:
    stage = Stage([ScriptedAnswer(200, b'{"input_tokens":17}')], (OWN,))
    client = await stage.ask(ASK, dialect="anthropic_count_tokens")
    assert msgspec.json.decode(client.body) == {"input_tokens": 17}
    assert client.header(b"x-waypost-count") is None
    assert stage.exchange.cost_nusd == 0


@pytest.mark.parametrize(
    ("dialect", "body", "path", "field"),
    [
        ("anthropic_count_tokens", ASK, PathAsk(), "input_tokens"),
        ("gemini_count_tokens", {"contents": [{"parts": [{"text": TEXT}]}]}, PathAsk("fast"), "totalTokens"),
    ],
)
async def test_for_every_other_target_it_is_estimated_and_says_so(
    dialect: str, body: object, path: PathAsk, field: str
) -> None:
    stage = Stage([], (OTHER,))
    client = await stage.ask(body, dialect=dialect, path=path)
    assert client.status == 200
    assert client.header(b"x-waypost-count") == b"estimated"
    # cl100k_base makes 641 tokens of this text: within a fifth is what an estimate can do.
    assert 513 <= msgspec.json.decode(client.body)[field] <= 769
    assert stage.upstream.sent == []
    assert (stage.exchange.outcome, stage.exchange.attempts) == ("ok", ())


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
