"""`GET /v1/models`: rows that OpenAI's, Anthropic's and Gemini's clients each accept, filtered to what the key may use.

Shapes: https://platform.openai.com/docs/api-reference/models/list,
https://docs.anthropic.com/en/api/models-list and https://ai.google.dev/api/models (read 2026-11-25); prices and sizes
beside them under their own names. Gemini's clients look for the rows in `models`, the others in `data`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from waypost.app.prices import unit_prices
from waypost.config.snapshot import OrgRoutes, Route, Snapshot
from waypost.core.markup import charged, render_percent
from waypost.core.money import NANO, PER_MILLION
from waypost.core.price import Tariff
from waypost.core.rules import Standing
from waypost.core.usage import Usage

_MODELS_CACHED = 64
#: Small enough for the first context band of every model, large enough for an exact quotient.
_SAMPLE = 1000
#: How Gemini's clients may ask a model, by the catalogue's word for what it does.
_METHODS = {
    "chat": ("generateContent", "streamGenerateContent", "countTokens"),
    "embedding": ("embedContent", "batchEmbedContents"),
}


_Slot = tuple[bool, tuple[str, ...], tuple[tuple[str, ...], ...], str]


class ModelsList:
    """Renders the list; keeps the last rendered ones, since clients ask for it at every start."""

    def __init__(self) -> None:
        self._version = 0
        self._rendered: dict[_Slot, bytes] = {}
        self._own: Mapping[str, OrgRoutes] | None = None

    def render(self, snapshot: Snapshot, standing: Standing, at: float, *, gemini: bool = False) -> bytes:
        """The JSON body for this key. `at` is Unix time: prices are the ones in force then."""
        if snapshot.version != self._version or (snapshot.own or None) is not self._own:
            self._rendered.clear()
            self._version, self._own = snapshot.version, snapshot.own or None
        home = standing.key.organization_id
        own = snapshot.own.get(home)
        slot = (gemini, standing.key.models, standing.models, "" if own is None else home)
        body = self._rendered.get(slot)
        if body is None:
            if len(self._rendered) >= _MODELS_CACHED:
                self._rendered.clear()
            found = [route for route in snapshot.routes.values() if standing.may_use(route.name)]
            found += own_routes(snapshot, standing)
            rows = [_row(route, at) for route in found]
            body = self._rendered[slot] = msgspec.json.encode({"models": rows} if gemini else _page(rows))
        return body


def own_routes(snapshot: Snapshot, standing: Standing) -> Iterator[Route]:
    """The routes of the key's organization that it may use, and that no route of the configuration stands before."""
    own = snapshot.own.get(standing.key.organization_id)
    for name, route in () if own is None else own.routes.items():
        if name == route.name and name not in snapshot.routes and standing.may_use_own(name):
            yield route


def _page(rows: list[dict[str, object]]) -> dict[str, object]:
    return {
        "object": "list",
        "data": rows,
        "has_more": False,
        "first_id": rows[0]["id"] if rows else None,
        "last_id": rows[-1]["id"] if rows else None,
    }


def _row(route: Route, at: float) -> dict[str, object]:
    first = route.targets[0]
    row: dict[str, object] = {
        "id": route.name,
        "object": "model",
        "type": "model",
        "display_name": route.name,
        "name": f"models/{route.name}",
        "displayName": route.name,
        "supportedGenerationMethods": _METHODS.get(first.facts.mode or "chat", ()),
        "lifecycle": "active" if first.facts.deprecated_on is None else "deprecated",
        # Providers' lists seldom say, and both clients insist on the fields: the epoch stands for "not known".
        "created": 0,
        "created_at": "1970-01-01T00:00:00Z",
        "owned_by": "waypost" if route.kind in ("config", "route") else first.provider.name,
        "targets": list(dict.fromkeys(target.name for target in route.targets)),
    }
    facts = first.facts
    if facts.context is not None:
        row["context_length"] = row["max_input_tokens"] = row["inputTokenLimit"] = facts.context
    if facts.max_output is not None:
        row["max_output_tokens"] = row["max_tokens"] = row["outputTokenLimit"] = facts.max_output
    if facts.modalities:
        row["modalities"] = list(facts.modalities)
    if facts.features:
        row["features"] = list(facts.features)
    row["pricing"] = None if first.tariff is None else _pricing(first.tariff, first.markup, at)
    return row


def _pricing(tariff: Tariff, markup: int, at: float) -> dict[str, object]:
    """USD per million tokens, and what is priced otherwise under the names of `prices`; for people and for pickers,
    the ledger never reads these. With a mark-up: what is charged, and beside it the mark-up and the provider's own
    prices."""
    kinds = {
        "input": Usage(input=_SAMPLE),
        "output": Usage(output=_SAMPLE),
        "cache_read": Usage(input=_SAMPLE, cache_read=_SAMPLE),
    }
    costs: dict[str, int] = {}
    for kind, usage in kinds.items():
        cost = tariff.cost(usage, at)
        if cost is not None:
            costs[kind] = cost * PER_MILLION // _SAMPLE
    prices: dict[str, object] = {kind: cost / NANO for kind, cost in costs.items()}
    prices |= _dollars(unit_prices(tariff, 0, at))
    if not markup:
        return prices
    return {
        **{kind: charged(cost, markup) / NANO for kind, cost in costs.items()},
        **_dollars(unit_prices(tariff, markup, at)),
        "markup": render_percent(markup),
        "upstream": prices,
    }


def _dollars(prices: Mapping[str, int | dict[str, int]]) -> dict[str, object]:
    return {
        name: {kind: each / NANO for kind, each in price.items()} if isinstance(price, dict) else price / NANO
        for name, price in prices.items()
    }
