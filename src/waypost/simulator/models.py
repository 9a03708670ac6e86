"""Model names and what they do.

A name is a row of `MODELS`, or `fault-NAME` (`sim-fast` with that fault), and may carry parameters:
`sim-slow?tokens=20&ttft_ms=50&tps=100&p99_ms=800`. The header `x-simulate: tokens=20;tps=100`, the header
`x-simulate-fault: NAME;k=3` and the body field `simulate: {"tokens": 20}` set the same parameters, and win in that
order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from waypost.simulator.ask import Refused

Count = Annotated[int, Meta(ge=0, le=1_000_000)]
Millis = Annotated[float, Meta(ge=0, le=3_600_000)]
Act = Literal["text", "echo", "tools", "json", "refuse", "static"]


class Behaviour(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every parameter. Latency is the time to the first token; what is not set follows the next lower percentile."""

    act: Act = "text"
    tokens: Count = 16
    """Visible output tokens of a text answer."""
    ttft_ms: Millis = 0.0
    """Sets p50; the other percentiles follow unless they are set."""
    p50_ms: Millis | None = None
    p90_ms: Millis | None = None
    p95_ms: Millis | None = None
    p99_ms: Millis | None = None
    tps: Annotated[float, Meta(ge=0, le=1_000_000)] = 0.0
    """Tokens per second after the first; 0: all at once."""
    prompt_tokens: Count | None = None
    """Overrides the counted prompt."""
    cached: Count = 0
    """Prompt tokens read from the cache; at most the prompt."""
    cached_percent: Annotated[int, Meta(ge=0, le=100)] = 0
    cache_write: Count = 0
    """Prompt tokens written to the five-minute cache, beside what the request's own marks write."""
    cache_write_1h: Count = 0
    reasoning: Count = 0
    """Reasoning tokens before the answer: part of the output."""
    show: bool = False
    """Send reasoning as `reasoning_content`, one token per chunk, as vLLM and DeepSeek do."""
    redact: bool = False
    """Send reasoning as something that only the provider can read, where the dialect has that."""
    audio: Count = 0
    """Audio tokens after the text: part of the output."""
    calls: Annotated[int, Meta(ge=1, le=16)] = 2
    """Tool calls, at most one per tool; 1 when the client forbids parallel ones."""
    preface: Annotated[int, Meta(ge=0, le=1000)] | None = None
    """Tokens of text before tool calls; unset: as many as the dialect expects."""
    ids: bool = True
    """Name tool calls by ids, where a dialect can do without (Gemini)."""
    finish: str | None = None
    """The reason for the end that the answer gives, in the dialect's own word, such as `pause_turn`."""
    named: str | None = None
    """What else is in its name: for what is told from a name, as `named=claude-opus-4-1`. It changes nothing here."""
    keeps_on: bool = False
    """Go on generating when the client leaves: a cancelled request is billed whole, whenever it was cancelled."""
    dimensions: Annotated[int, Meta(ge=1, le=8192)] = 16
    fault: str | None = None
    k: Count = 3
    """Token events before a fault in the stream."""
    s: Annotated[float, Meta(ge=-1e18, le=1e18)] = 2.0
    """Seconds that a fault's header names."""
    gap_ms: Annotated[float, Meta(ge=0.01, le=3_600_000)] = 100.0
    """Milliseconds between the bytes or pings of a slow fault."""
    size: Annotated[int, Meta(ge=1, le=1 << 30)] | None = None
    """Bytes (or events) of a large fault; the fault has its own default."""
    first: Count | None = None
    """Only the first so many requests for this model fail; the later ones are answered."""
    p: Annotated[float, Meta(ge=0, le=1)] = 1.0
    """The share of requests that fail."""

    def latency_s(self, unit: float) -> float:
        """The time to the first token for a draw in [0, 1): linear between percentiles, never above p99.

        The lowest draw gives half of p50.
        """
        p50 = self.ttft_ms if self.p50_ms is None else self.p50_ms
        p90 = max(p50, self.p90_ms or 0.0)
        p95 = max(p90, self.p95_ms or 0.0)
        p99 = max(p95, self.p99_ms or 0.0)
        low, floor = 0.0, p50 / 2 if self.p50_ms is not None else p50
        for high, value in ((0.5, p50), (0.9, p90), (0.95, p95), (0.99, p99)):
            if unit < high:
                return (floor + (value - floor) * (unit - low) / (high - low)) / 1000
            low, floor = high, value
        return p99 / 1000


MODELS: Mapping[str, Behaviour] = {
    "sim-fast": Behaviour(),
    "sim-static": Behaviour(act="static"),
    "sim-slow": Behaviour(tokens=40, p50_ms=200, p90_ms=500, p95_ms=800, p99_ms=2000, tps=20),
    "sim-echo": Behaviour(act="echo"),
    "sim-tools": Behaviour(act="tools"),
    "sim-json": Behaviour(act="json"),
    "sim-reason": Behaviour(reasoning=32),
    "sim-cached": Behaviour(cached_percent=50),
    "sim-audio": Behaviour(audio=8),
    "sim-refuse": Behaviour(act="refuse", tokens=8),
    "sim-embed": Behaviour(),
    "sim-rerank": Behaviour(),
    "sim-tts": Behaviour(),
    "sim-whisper": Behaviour(),
    "sim-image": Behaviour(),
}


def base_name(model: str) -> str:
    """The row of `MODELS` (and of the price table) that a name stands for; "" if there is none."""
    name = model.partition("?")[0]
    if name in MODELS:
        return name
    return "sim-fast" if name.startswith("fault-") else ""


def read_pairs(text: str, separator: str) -> dict[str, object]:
    """`a=1&b=2` as a dictionary; a key without a value is `true`."""
    pairs: dict[str, object] = {}
    for part in text.split(separator):
        key, _, value = part.strip().partition("=")
        if key:
            pairs[key] = value or "true"
    return pairs


def read_fault(text: str) -> dict[str, object]:
    """The value of `x-simulate-fault`: `NAME;k=3`."""
    name, _, rest = text.partition(";")
    return {**read_pairs(rest, ";"), "fault": name.strip()}


def resolve(model: str, overrides: Mapping[str, object]) -> Behaviour:
    """What a model name with these overrides does. Raises Refused: 404 for an unknown model, 400 for a parameter."""
    base = base_name(model)
    if not base:
        raise Refused(404, f"The model `{model}` does not exist.", code="model_not_found", param="model")
    name, _, query = model.partition("?")
    given = read_pairs(query, "&")
    if name != base:
        given["fault"] = name.removeprefix("fault-")
    given.update(overrides)
    if not given:
        return MODELS[base]
    merged = {**msgspec.structs.asdict(MODELS[base]), **given}
    try:
        return msgspec.convert(merged, Behaviour, strict=False)
    except msgspec.ValidationError as error:
        raise Refused(
            400, f"A simulation parameter is wrong: {error}.", code="invalid_value", param="model"
        ) from None
