"""Exchanges that are priced by something else than tokens: held, settled and told at the same price."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest

from transcript import ScriptedAnswer, Stage, provider, streamed, target
from waypost.catalog.override import override
from waypost.config.targets import Target
from waypost.core.usage import Units, Usage
from waypost.dialects.forms import FormPart, render_form
from waypost.errors import TimedOut

DIALECTS = ("openai_images", "openai_speech", "openai_transcriptions", "cohere_rerank", "openai_chat")
MINUTE_NUSD = 6_000_000


def priced(prices: Mapping[str, object]) -> Target:
    return target(provider(dialects=DIALECTS), tariff=override(prices, "x"))  # type: ignore[arg-type]


def reply(body: object) -> ScriptedAnswer:
    return ScriptedAnswer(200, msgspec.json.encode(body))


def form(**fields: str) -> bytes:
    parts = [FormPart("model", b"fast"), FormPart("file", b"x" * 90_000, "a.webm")]
    return render_form([*parts, *(FormPart(name, value.encode()) for name, value in fields.items())], b"x")


def limited(stage: Stage) -> Stage:
    """With a budget on its key."""
    stage.keys.rows = {
        digest: msgspec.structs.replace(key, budget_nusd=10**12) for digest, key in stage.keys.rows.items()
    }
    return stage


SOUND = priced({"audio_per_minute": "0.006"})


@pytest.mark.parametrize(
    ("answer", "units", "source"),
    [
        ({"text": "hi", "usage": {"type": "duration", "seconds": 30}}, 30_000, "reported"),
        ({"text": "hi", "duration": 29.5, "segments": []}, 29_500, "reported"),
        ({"text": "hi"}, 90_000, "estimated"),
    ],
)
async def test_a_transcript_is_priced_by_its_length(answer: object, units: int, source: str) -> None:
    stage = Stage([reply(answer)], (SOUND,))
    client = await stage.ask(form(), dialect="openai_transcriptions")
    (attempt,) = stage.attempts
    assert (attempt.cost_nusd, attempt.usage.source) == (units * MINUTE_NUSD // 60_000, source)
    assert attempt.usage.units == Units(audio_ms=units)
    assert client.header(b"x-waypost-cost") == f"0.{attempt.cost_nusd:09}".rstrip("0").encode()
    (mark,) = stage.ledger.marks
    assert (mark.units, mark.floor_nusd) == (Units(audio_ms=90_000), 9_000_000)


async def test_speech_is_priced_by_its_characters() -> None:
    sound = ScriptedAnswer(200, None, [b"ID3", b"\0"], [(b"content-type", b"audio/mpeg")])
    stage = Stage([sound], (priced({"per_million_characters": 15}),))
    await stage.ask({"model": "fast", "input": "Grüße!", "voice": "v"}, dialect="openai_speech")
    (attempt,) = stage.attempts
    assert (attempt.cost_nusd, attempt.usage.units) == (90_000, Units(characters=6))


@pytest.mark.parametrize(
    ("asked", "answer", "cost"),
    [
        ({"n": 3}, {}, 120_000_000),
        ({"size": "1024x1792", "quality": "hd", "n": 3}, {}, 360_000_000),
        ({"size": "1024x1792", "quality": "standard"}, {}, 240_000_000),
        ({}, {"size": "1024x1792", "quality": "hd"}, 360_000_000),
        ({"size": "256x256"}, {}, None),
    ],
)
async def test_images_are_priced_by_their_kind_and_number(
    asked: dict[str, object], answer: dict[str, object], cost: int | None
) -> None:
    """Three come, whatever was asked for."""
    kinds = {"1024x1792": "0.08", "hd/1024x1792": "0.12"}
    stage = Stage([reply({"data": [{}] * 3, **answer})], (priced({"per_image": 0.04, "images": kinds}),))
    client = await stage.ask({"model": "fast", "prompt": "a cat", **asked}, dialect="openai_images")
    assert stage.attempts[0].cost_nusd == cost
    if cost is None:
        assert client.header(b"x-waypost-cost") == b"unknown"


async def test_a_reranker_is_priced_by_its_searches() -> None:
    answer = {"results": [], "meta": {"billed_units": {"search_units": 2}}}
    stage = Stage([reply(answer), reply({"results": []})], (priced({"per_search": "0.002"}),))
    asked = {"model": "fast", "query": "q", "documents": ["a", "b"]}
    client = await stage.ask(asked, dialect="cohere_rerank")
    assert msgspec.json.decode(client.body)["meta"]["cost"] == 0.004
    await stage.ask(asked, dialect="cohere_rerank", number=2)
    one, other = (exchange.attempts[0] for exchange in stage.ledger.settled)
    assert (one.cost_nusd, one.usage) == (4_000_000, Usage(units=Units(searches=2)))
    assert (other.cost_nusd, other.usage.source) == (2_000_000, "estimated")


async def test_what_a_model_is_not_priced_by_has_no_known_price() -> None:
    stage = Stage([reply({"results": [], "meta": {"billed_units": {"search_units": 2}}})], (SOUND,))
    asked = {"model": "fast", "query": "q", "documents": ["a"]}
    client = await stage.ask(asked, dialect="cohere_rerank")
    assert msgspec.json.decode(client.body)["meta"]["cost"] is None
    assert stage.attempts[0].cost_nusd is None


async def test_an_answer_that_does_not_come_may_have_been_billed() -> None:
    stage = Stage([TimedOut("late", phase="total")], (SOUND,))
    await stage.ask(form(), dialect="openai_transcriptions")
    (attempt,) = stage.attempts
    assert (attempt.state, attempt.cost_nusd) == ("unknown", 9_000_000)
    assert attempt.usage.units == Units(audio_ms=90_000)


async def test_a_sound_that_breaks_off_is_billed_by_its_text() -> None:
    stage = Stage(
        [streamed([b"ID3", TimedOut("late", phase="total")])], (priced({"per_million_characters": 15}),)
    )
    await stage.ask({"model": "fast", "input": "hello", "voice": "v"}, dialect="openai_speech")
    (attempt,) = stage.attempts
    assert (attempt.state, attempt.cost_nusd) == ("settled", 75_000)


async def test_a_token_price_is_not_made_of_seconds() -> None:
    stage = Stage([reply({"text": "hi", "usage": {"type": "duration", "seconds": 30}})], (
        priced({"input": 2.5, "output": 10}),
    ))  # fmt: skip
    await stage.ask(form(), dialect="openai_transcriptions")
    assert stage.attempts[0].cost_nusd is None


@pytest.mark.parametrize(
    ("prices", "held"),
    [
        ({"audio_per_minute": "0.006"}, 9_000_000),
        ({"audio_per_minute": "0.006", "request": 1}, 1_009_000_000),
        ({"per_image": 1}, None),
    ],
)
async def test_the_most_it_can_cost_is_held(prices: dict[str, object], held: int | None) -> None:
    stage = limited(Stage([reply({"text": "hi", "duration": 1})], (priced(prices),)))
    client = await stage.ask(form(), dialect="openai_transcriptions")
    if held is None:
        assert b"model_unpriced" in client.body
        assert b"for what this request asks for" in client.body
        assert stage.ledger.holds == []
    else:
        assert client.status == 200
        assert [hold.amount_nusd for hold in stage.ledger.holds] == [held]


async def test_an_image_whose_kind_has_no_price_is_refused_under_a_budget() -> None:
    kinds = {"1024x1792": "0.08"}
    stage = limited(Stage([reply({"data": [{}]})] * 2, (priced({"images": kinds}),)))
    asked = {"model": "fast", "prompt": "a cat", "n": 2}
    for number, (size, refused) in enumerate((("1024x1792", False), ("auto", True)), 1):
        client = await stage.ask({**asked, "size": size}, dialect="openai_images", number=number)
        assert (b"model_unpriced" in client.body) is refused
    assert [hold.amount_nusd for hold in stage.ledger.holds] == [160_000_000]
