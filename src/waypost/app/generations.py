"""`GET /v1/generations/{id}`: what became of one request. `GET /v1/generation?id=` tells it in OpenRouter's form.

OpenRouter's fields are those of its OpenAPI document (`GET /generation`, read 2026-11-25). Its money and
times are numbers: US dollars and milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from waypost.core.money import NANO, render_usd
from waypost.core.record import Attempt, Exchange
from waypost.pipeline.explained import Explained, explain_decision

#: Operations as OpenRouter names them; others are told under their own name.
_KINDS = {
    "chat": "completions",
    "completions": "completions",
    "embeddings": "embeddings",
    "rerank": "rerank",
    "speech": "tts",
    "transcriptions": "stt",
    "images": "image",
}


class Tokens(msgspec.Struct, frozen=True):
    """Counts of all attempts."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0


class Tried(msgspec.Struct, frozen=True):
    """One attempt."""

    target: str
    provider: str
    model: str
    role: str
    state: str
    status: int | None
    error: str | None
    began_ms: float
    """After the request came in."""
    first_token_ms: float | None
    total_ms: float
    tokens: dict[str, object] | None
    cost_usd: str | None
    """What is charged, `markup_usd` included."""
    markup_usd: str


class Generation(msgspec.Struct, frozen=True):
    """One request. Costs are exact decimal US dollars, None where a price is unknown; times are milliseconds."""

    id: str
    object: str
    created_at: str
    key_id: str | None
    operation: str
    asked_model: str | None
    route: str | None
    provider: str | None
    model: str | None
    stream: bool
    status: int
    outcome: str
    error: str | None
    finish_reason: str | None
    tokens: Tokens
    cost_usd: str | None
    """What is charged."""
    upstream_cost_usd: str | None
    """What of it is the providers' cost; the rest is the operator's mark-up."""
    first_token_ms: float | None
    total_ms: float
    overhead_ms: float
    attempts: tuple[Tried, ...]
    decision: Explained | None
    drill: str | None


def describe(exchange: Exchange) -> Generation:
    """An exchange as the gateway itself tells it."""
    served = _served(exchange)
    return Generation(
        id=exchange.exchange_id,
        object="generation",
        created_at=_moment(exchange.started_us),
        key_id=exchange.key_id,
        operation=exchange.operation,
        asked_model=exchange.asked_model,
        route=exchange.route,
        provider=None if served is None else served.provider,
        model=None if served is None else served.model,
        stream=exchange.stream,
        status=exchange.status,
        outcome=exchange.outcome,
        error=exchange.error,
        finish_reason=exchange.finish_reason,
        tokens=_tokens(exchange.attempts),
        cost_usd=_usd(exchange.cost_nusd),
        upstream_cost_usd=_usd(_upstream(exchange)),
        first_token_ms=_ms(exchange.first_token_us),
        total_ms=exchange.total_us / 1000,
        overhead_ms=exchange.overhead_us / 1000,
        attempts=tuple(_tried(exchange, attempt) for attempt in exchange.attempts),
        decision=None if exchange.decision is None else explain_decision(exchange.decision),
        drill=exchange.drill,
    )


def describe_as_openrouter(exchange: Exchange) -> dict[str, object]:
    """An exchange under OpenRouter's names; what Waypost does not have is None."""
    served, tokens = _served(exchange), _tokens(exchange.attempts)
    cost = None if exchange.cost_nusd is None else exchange.cost_nusd / NANO
    upstream = _upstream(exchange)
    first = _ms(exchange.first_token_us)
    total = exchange.total_us / 1000
    return {
        "data": {
            "id": exchange.exchange_id,
            "api_type": _KINDS.get(exchange.operation, exchange.operation),
            "created_at": _moment(exchange.started_us),
            "model": exchange.asked_model if served is None else served.model,
            "provider_name": None if served is None else served.provider,
            "provider_responses": [
                {
                    "provider_name": attempt.provider,
                    "model_permaslug": attempt.model,
                    "status": attempt.status,
                    "latency": _ms(attempt.first_token_us),
                    "is_byok": True,
                }
                for attempt in exchange.attempts
            ],
            "router": exchange.route,
            "streamed": exchange.stream,
            "cancelled": exchange.outcome == "disconnected",
            "finish_reason": exchange.finish_reason,
            "native_finish_reason": exchange.finish_reason,
            "latency": total if first is None else first,
            "generation_time": None if first is None else total - first,
            "moderation_latency": None,
            "tokens_prompt": tokens.input,
            "tokens_completion": tokens.output,
            "native_tokens_prompt": tokens.input,
            "native_tokens_completion": tokens.output,
            "native_tokens_cached": tokens.cache_read,
            "native_tokens_reasoning": tokens.reasoning,
            "total_cost": cost or 0,
            "usage": cost or 0,
            "upstream_inference_cost": None if upstream is None else upstream / NANO,
            "cache_discount": None,
            "is_byok": True,
            "upstream_id": None,
            "origin": "",
            "app_id": None,
        }
    }


def _served(exchange: Exchange) -> Attempt | None:
    """The attempt that answered, else the last one."""
    answered = (attempt for attempt in exchange.attempts if attempt.error is None)
    return next(answered, exchange.attempts[-1] if exchange.attempts else None)


def _tried(exchange: Exchange, attempt: Attempt) -> Tried:
    key = f"#{attempt.key_name}" if attempt.key_name else ""
    return Tried(
        target=f"{attempt.provider}{key}/{attempt.model}",
        provider=attempt.provider,
        model=attempt.model,
        role=attempt.role,
        state=attempt.state,
        status=attempt.status,
        error=attempt.error,
        began_ms=max(0, attempt.started_us - exchange.started_us) / 1000,
        first_token_ms=_ms(attempt.first_token_us),
        total_ms=attempt.total_us / 1000,
        tokens=None if attempt.usage is None else msgspec.structs.asdict(attempt.usage),
        cost_usd=_usd(attempt.cost_nusd),
        markup_usd=render_usd(attempt.markup_nusd),
    )


def _tokens(attempts: Sequence[Attempt]) -> Tokens:
    used = [attempt.usage for attempt in attempts if attempt.usage is not None]
    return Tokens(
        input=sum(usage.input for usage in used),
        output=sum(usage.output for usage in used),
        cache_read=sum(usage.cache_read for usage in used),
        cache_write=sum(usage.cache_write + usage.cache_write_1h for usage in used),
        reasoning=sum(usage.reasoning for usage in used),
    )


def _upstream(exchange: Exchange) -> int | None:
    """What of the cost is the providers'."""
    if exchange.cost_nusd is None:
        return None
    return exchange.cost_nusd - exchange.markup_nusd


def _usd(nano: int | None) -> str | None:
    return None if nano is None else render_usd(nano)


def _ms(micro: int | None) -> float | None:
    return None if micro is None else micro / 1000


def _moment(micro: int) -> str:
    return datetime.fromtimestamp(micro // 1_000_000, UTC).isoformat().replace("+00:00", "Z")
