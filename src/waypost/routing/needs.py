"""Whether a target is what it has to be, and if not, why."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase

from waypost.config.nodes import Need
from waypost.config.targets import Provider, Target
from waypost.core.decision import Reason
from waypost.routing.expected import ListPrices, slot_of

Verdict = tuple[Reason, str]
"""Why a target is left out, and the same with its figures, for people."""

_NEEDS_MOST = 1024
_TARGETS_MOST = 4096
_GLOB = frozenset("*?[")
#: What a width of quantization includes, as OpenRouter publishes
#: (https://openrouter.ai/docs/features/provider-routing, 2026-11-25).
_INCLUDED = {"fp4": frozenset(("mxfp4", "nvfp4")), "fp8": frozenset(("mxfp8",))}


def matches(provider: Provider, patterns: Iterable[str]) -> bool:
    """Whether any pattern names the provider: by its name, which stands for all of its regions and keys, by
    `name/region`, or by a glob of either."""
    return any(names(provider, pattern) for pattern in patterns)


def names(provider: Provider, pattern: str) -> bool:
    """The same for one pattern."""
    name = provider.name
    if pattern == name:
        return True
    full = f"{name}/{provider.region}" if provider.region else name
    if pattern == full:
        return True
    if _GLOB.isdisjoint(pattern):
        return False
    return fnmatchcase(name, pattern) or fnmatchcase(full, pattern)


def missing(features: Collection[str], wanted: Collection[str]) -> list[str]:
    """Which of the wanted features a model is known not to have. Of a model without any, nothing is known."""
    told: list[str] = []
    if features:
        for feature in wanted:
            if feature not in features:
                told.append(feature)
        told.sort()
    return told


def unmet(need: Need, target: Target) -> Verdict | None:
    """The first part of a need that a target does not meet, its price apart, which changes with time; None: it meets
    all."""
    provider = target.provider
    if need.only and not matches(provider, need.only):
        return "not_allowed", f"only {_listed(need.only)} may be used"
    if need.ignore and matches(provider, need.ignore):
        return "ignored", f"{_listed(need.ignore)} may not be used"
    return _unmet_promise(need, target) or _unmet_size(need, target)


def _unmet_promise(need: Need, target: Target) -> Verdict | None:
    """What is not known of these counts as not allowed."""
    provider = target.provider
    if need.regions and provider.region not in need.regions:
        return "region", f"it is in {provider.region or 'no known region'}, not in {_listed(need.regions)}"
    if need.no_training and provider.trains is not False:
        told = "it trains" if provider.trains else "it is not known whether it trains"
        return "training", f"{told} on what it is sent"
    if need.zero_retention and provider.retains is not False:
        told = "it keeps" if provider.retains else "it is not known whether it keeps"
        return "retention", f"{told} what it is sent"
    if need.quantizations and not _allowed(target.quantization, need.quantizations):
        return "quantization", f"it is {target.quantization}, not {_listed(need.quantizations)}"
    return None


def _unmet_size(need: Need, target: Target) -> Verdict | None:
    """What is not known of these counts as allowed."""
    facts = target.facts
    if need.features and (lacking := missing(facts.features, need.features)):
        return "features", f"it has no {_listed(lacking)}"
    if need.context is not None and facts.context is not None and facts.context < need.context:
        return "context", f"its context is {facts.context:,} tokens, {need.context:,} are needed"
    return None


def _allowed(quantization: str, wanted: Collection[str]) -> bool:
    if quantization in wanted:
        return True
    return any(quantization in _INCLUDED[width] for width in wanted if width in _INCLUDED)


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words if isinstance(words, list | tuple) else sorted(words))


class Asker:
    """Asks targets whether they meet one need, at one time. Keeps what they said by their identity, for at most 4,096,
    then begins anew."""

    __slots__ = ("_at", "_kept", "_need", "_prices", "_tier")

    def __init__(self, need: Need, prices: ListPrices, at: float, tier: str | None) -> None:
        self._need = need
        self._prices = prices
        self._at = at
        self._tier = tier
        self._kept: dict[int, tuple[Target, Verdict | None]] = {}

    def of(self, target: Target) -> Verdict | None:
        """The first part that the target does not meet; None: it meets all."""
        kept = self._kept.get(id(target))
        if kept is None:
            if len(self._kept) >= _TARGETS_MOST:
                self._kept.clear()
            kept = self._kept[id(target)] = (target, self._ask(target))
        return kept[1]

    def _ask(self, target: Target) -> Verdict | None:
        verdict = unmet(self._need, target)
        most = self._need.max_price
        if verdict is None and most is not None:
            above = self._prices.above(most, target, self._at, self._tier)
            return None if above is None else ("max_price", above)
        return verdict


class Verdicts:
    """What targets said to the needs of nodes, which do not change; to those with a price, in this quarter of an hour.
    Keeps at most 1,024 needs, then begins anew."""

    __slots__ = ("_kept", "_prices")

    def __init__(self, prices: ListPrices) -> None:
        self._prices = prices
        self._kept: dict[tuple[int, int, str | None], tuple[Need, Asker]] = {}

    def asker(self, need: Need, at: float, tier: str | None) -> Asker:
        key = (id(need), 0, None) if need.max_price is None else (id(need), slot_of(at), tier)
        kept = self._kept.get(key)
        if kept is None:
            if len(self._kept) >= _NEEDS_MOST:
                self._kept.clear()
            kept = self._kept[key] = (need, Asker(need, self._prices, at, tier))
        return kept[1]
