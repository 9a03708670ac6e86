"""Read `genai-prices` (MIT) into price rows: history, tiers, context bands and match rules."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from genai_prices import types as gp
from genai_prices.data import providers as all_providers

from tools.catalog_rates import KINDS, TOKEN_KINDS, Entry, Facts, ProviderPage, Row, Sheet, parse_rate

PRICE_KEYS = dict(
    zip(
        TOKEN_KINDS,
        (
            "input_mtok",
            "output_mtok",
            "cache_read_mtok",
            "cache_write_mtok",
            "cache_write_1h_mtok",
            "input_audio_mtok",
            "output_audio_mtok",
            "output_reasoning_mtok",
            "requests_kcount",
        ),
        strict=True,
    )
)
#: Context of a price variant → our tier. Variants selected by anything else (route, search type) are not tiers.
TIERS: dict[tuple[str, str], str] = {
    ("processing", "batch"): "batch",
    ("service_tier", "flex"): "flex",
    ("service_tier", "priority"): "priority",
    ("service_tier", "fast"): "fast",
    ("speed", "fast"): "fast",
}


def read_pages(source: int) -> dict[str, ProviderPage]:
    """Every provider of the package, by its id."""
    return {provider.id: _read_provider(provider, source) for provider in all_providers}


def _read_provider(provider: gp.Provider, source: int) -> ProviderPage:
    page = ProviderPage(fallback=tuple(provider.fallback_model_providers or ()))
    entries: dict[str, Entry] = {}
    for model in provider.models:
        facts = Facts(context=model.context_window) if model.context_window else None
        entries[model.id] = Entry(_read_sheet(model, source), facts)
    literals = {text.lower() for model in provider.models for text in _literals(model.match)}
    literals |= {model.id.lower() for model in provider.models}
    for literal in sorted(literals):
        found = provider.find_model(literal)
        if found is not None:
            page.models[literal] = entries[found.id]
    for model in provider.models:
        # A model whose own id does not lead to it still is the target of its rules.
        key = model.id.lower()
        if page.models.get(key) is not entries[model.id]:
            key = f"{key}\n"
            page.models[key] = entries[model.id]
        rules = list(_rules(model.match))
        if not rules and key.endswith("\n"):
            del page.models[key]
        page.rules.extend((rule, key) for rule in rules)
    return page


def _literals(match: Any) -> Iterator[str]:
    if isinstance(match, gp.ClauseEquals):
        yield match.equals
    elif isinstance(match, gp.ClauseOr):
        for clause in match.or_:
            yield from _literals(clause)


def _rules(match: Any) -> Iterator[list[object]]:
    if isinstance(match, gp.ClauseOr):
        for clause in match.or_:
            yield from _rules(clause)
    elif not isinstance(match, gp.ClauseEquals):
        yield _rule(match)


def _rule(match: Any) -> list[object]:
    match match:
        case gp.ClauseEquals():
            return ["equals", match.equals.lower()]
        case gp.ClauseStartsWith():
            return ["starts", match.starts_with.lower()]
        case gp.ClauseEndsWith():
            return ["ends", match.ends_with.lower()]
        case gp.ClauseContains():
            return ["contains", match.contains.lower()]
        case gp.ClauseRegex():
            return ["regex", match.regex]
        case gp.ClauseAnd():
            return ["and", [_rule(clause) for clause in match.and_]]
        case gp.ClauseOr():
            return ["or", [_rule(clause) for clause in match.or_]]
    raise TypeError(f"unknown match clause {type(match).__name__}")


def _read_sheet(model: gp.ModelInfo, source: int) -> Sheet | None:
    """All rows of a model, found by asking the package itself in every span of time that its constraints cut."""
    conditions = (
        model.prices if isinstance(model.prices, list) else [gp.ConditionalPrice(prices=model.prices)]
    )
    if not conditions or any(not _is_token_priced(condition.prices) for condition in conditions):
        return None
    variants = model.price_variants or []
    constraints = [item.constraint for item in conditions] + [item.constraint for item in variants]
    days = sorted({c.start_date for c in constraints if isinstance(c, gp.StartDateConstraint)})
    seconds = sorted(
        {_seconds(moment) for c in constraints if isinstance(c, gp.TimeOfDateConstraint)
         for moment in (c.start_time, c.end_time)}
    )  # fmt: skip
    contexts: dict[str, list[dict[str, str]]] = {"": [{}]}
    for variant in variants:
        if len(variant.when) == 1:
            (pair,) = variant.when.items()
            if pair in TIERS:
                contexts.setdefault(TIERS[pair], []).append(dict(variant.when))
    rows: list[Row] = []
    for tier in sorted(contexts):
        rows.extend(_read_tier(model, source, tier, contexts[tier][0], days, seconds))
    return tuple(rows)


def _is_token_priced(prices: gp.ModelPrice) -> bool:
    """Speech, pages and characters are billed in units no token count stands for: such a model is unpriced."""
    return prices.input_mtok is not None


def _read_tier(
    model: gp.ModelInfo, source: int, tier: str, context: dict[str, str], days: list[date], seconds: list[int]
) -> Iterator[Row]:
    previous: list[tuple[tuple[int, int] | None, dict[int, tuple[int | None, ...]]]] | None = None
    for start in [None, *days]:
        day = start or (days[0] - timedelta(days=1) if days else date(2024, 1, 1))
        spans: list[tuple[int, int] | None] = [None]
        if seconds:
            cuts = [0, *[s for s in seconds if s], 86400]
            spans = list(pairwise(cuts))
        sheet = []
        for span in spans:
            at = datetime.combine(day, time(), UTC) + timedelta(seconds=span[0] if span else 0)
            sheet.append((span, _read_bands(model.get_prices(at, context))))
        if all(bands == sheet[0][1] for _, bands in sheet):
            sheet = [(None, sheet[0][1])]
        if sheet == previous:
            continue
        previous = sheet
        for span, bands in sheet:
            for above, rates in sorted(bands.items()):
                yield Row(source, tier, start.isoformat() if start else None, span, above, rates)


def _seconds(moment: time) -> int:
    if moment.tzinfo is not None and moment.utcoffset():
        raise ValueError("a time of day that is not UTC")
    return moment.hour * 3600 + moment.minute * 60 + moment.second


def _read_bands(prices: gp.ModelPrice) -> dict[int, tuple[int | None, ...]]:
    values = {kind: getattr(prices, key) for kind, key in PRICE_KEYS.items()}
    starts = {0}
    for value in values.values():
        if isinstance(value, gp.TieredPrices):
            starts.update(tier.start for tier in value.tiers)
    return {above: tuple(_rate(kind, values.get(kind), above) for kind in KINDS) for above in sorted(starts)}


def _rate(kind: str, value: Any, above: int) -> int | None:
    if value is None:
        return None
    if isinstance(value, gp.TieredPrices):
        price = value.base
        for tier in value.tiers:
            if tier.start <= above and above:
                price = tier.price
    else:
        price = value
    return parse_rate(price * (1000 if kind == "request" else Decimal(1)))
