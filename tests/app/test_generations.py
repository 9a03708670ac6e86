from __future__ import annotations

import msgspec
import pytest

from ledger.books import attempt, exchange
from waypost.app.generations import describe, describe_as_openrouter
from waypost.core.decision import Considered, Decision
from waypost.core.record import Exchange
from waypost.core.usage import Usage


def failed_over() -> Exchange:
    usage = Usage(100, 20, 5, 3, 2, 4)
    broken = msgspec.structs.replace(
        attempt(1, 0, "voided"), provider="near", key_name="eu", error="upstream_unavailable", status=503
    )
    answered = msgspec.structs.replace(
        attempt(2, 1_500_000, usage=usage), role="failover", started_us=1_001_000
    )
    return msgspec.structs.replace(
        exchange(1, 1_500_000, attempts=(broken, answered)),
        started_us=1_001_000 - 250_000,
        total_us=900_000,
        first_token_us=400_000,
        decision=Decision((Considered("near#eu/m", "order"),)),
        drill="d-1",
    )


def test_a_generation_tells_its_cost_its_times_its_way_and_why() -> None:
    told = describe(failed_over())
    assert (told.id, told.provider, told.model, told.cost_usd) == ("exc-1", "openai", "gpt-5-mini", "0.0015")
    assert (told.first_token_ms, told.total_ms, told.overhead_ms) == (400.0, 900.0, 0.085)
    first, second = told.attempts
    assert (first.target, first.role, first.state, first.error, first.cost_usd) == (
        "near#eu/gpt-5-mini",
        "first",
        "voided",
        "upstream_unavailable",
        "0",
    )
    assert (second.role, second.began_ms, second.cost_usd) == ("failover", 250.0, "0.0015")
    assert second.tokens is not None
    assert second.tokens["output"] == 20
    assert second.tokens["units"] is None
    assert (told.tokens.input, told.tokens.cache_write, told.drill) == (100, 5, "d-1")
    assert told.decision is not None
    assert told.decision.candidates[0].why
    view = msgspec.json.decode(msgspec.json.encode(told))
    assert view["created_at"] == "1970-01-01T00:00:00Z"


def test_openrouters_names() -> None:
    data = describe_as_openrouter(failed_over())["data"]
    assert isinstance(data, dict)
    assert (data["id"], data["provider_name"], data["model"]) == ("exc-1", "openai", "gpt-5-mini")
    assert (data["total_cost"], data["usage"], data["upstream_inference_cost"]) == (0.0015, 0.0015, 0.0015)
    assert (data["latency"], data["generation_time"]) == (400.0, 500.0)
    assert (data["native_tokens_prompt"], data["native_tokens_cached"], data["native_tokens_reasoning"]) == (
        100,
        5,
        4,
    )
    assert [one["status"] for one in data["provider_responses"]] == [503, 200]
    assert (data["api_type"], data["streamed"], data["cancelled"]) == ("completions", False, False)


@pytest.mark.parametrize("cost", [None, 0])
def test_a_request_that_no_target_was_asked_for(cost: int | None) -> None:
    refused = msgspec.structs.replace(
        exchange(1, cost, attempts=()),
        outcome="refused",
        status=402,
        error="budget_exceeded",
        first_token_us=None,
    )
    told = describe(refused)
    assert (told.provider, told.model, told.attempts, told.status) == (None, None, (), 402)
    data = describe_as_openrouter(refused)["data"]
    assert isinstance(data, dict)
    assert (data["model"], data["provider_name"], data["total_cost"]) == ("fast", None, 0)
    assert data["generation_time"] is None


def test_a_markup_is_told_apart() -> None:
    tried = msgspec.structs.replace(attempt(1, 1_500_000), markup_nusd=500_000)
    made = exchange(1, 1_500_000, attempts=(tried,))
    told = describe(made)
    assert (told.cost_usd, told.upstream_cost_usd, told.attempts[0].markup_usd) == (
        "0.0015",
        "0.001",
        "0.0005",
    )
    data = describe_as_openrouter(made)["data"]
    assert isinstance(data, dict)
    assert (data["total_cost"], data["upstream_inference_cost"]) == (0.0015, 0.001)
    unknown = msgspec.structs.replace(made, cost_nusd=None)
    assert describe(unknown).upstream_cost_usd is None
