"""OpenRouter's `provider` object as preferences.

https://openrouter.ai/docs/features/provider-routing and its OpenAPI document (2026-08-22).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import ROUND_FLOOR, Context, Decimal, InvalidOperation
from typing import Final, TypeVar, get_args

import msgspec

from waypost.config.nodes import NO_PREFERENCES, MaxPrice, Need, Preferences, Quantization, SortBy
from waypost.config.targets import Provider
from waypost.dialects.fields import NULL, Fields, parse_nested
from waypost.errors import InvalidRequest

FIELD: Final = "provider"
NO_EXACTO: Final = "`exacto` is not measured here: the route's own order holds"

_LIST_MAX = 64
_NAME_MAX = 128
_PERCENTILES: Final = ("p50", "p75", "p90", "p99")
_PRICES: Final = {
    "prompt": "input",
    "completion": "output",
    "request": "request",
    "image": "image",
    "audio": "audio",
}
_PRICE_TEXT_MAX = 64
_DOLLARS_MAX = 10**9
_CONTEXT = Context(prec=2 * _PRICE_TEXT_MAX)

_T = TypeVar("_T")
_FLAG = msgspec.json.Decoder(bool)
_TEXT = msgspec.json.Decoder(str)
_NAMES = msgspec.json.Decoder(list[str])
_NUMBER = msgspec.json.Decoder(float)
_HOST: Final = "openrouter.ai"


class Requested(msgspec.Struct, frozen=True):
    """What the object says. `across`: sort over the targets of all models, not within each (`partition: "none"`)."""

    preferences: Preferences = NO_PREFERENCES
    across: bool = False
    notes: tuple[str, ...] = ()


NOTHING = Requested()


def is_openrouter(provider: Provider) -> bool:
    """Whether a provider is OpenRouter, which reads the object itself: its address says so. Its name does only where
    the address is not one that the operator gave: what is merely called so, or has OpenRouter's prices, is known to
    keep none of the object's promises."""
    host = provider.origin.host
    if host == _HOST or host.endswith(f".{_HOST}"):
        return True
    return provider.name == "openrouter" and not provider.origin.private


def parse_provider(raw: msgspec.Raw) -> Requested:
    """Raises InvalidRequest, naming the field by its path."""
    if bytes(raw) == NULL:
        return NOTHING
    try:
        fields = parse_nested(raw)
    except (ValueError, RecursionError):
        raise _wrong(FIELD, "has to be an object") from None
    fields = {name: value for name, value in fields.items() if bytes(value) != NULL}
    for name in fields:
        if name not in _KNOWN:
            raise InvalidRequest(
                f"`{FIELD}.{name[:64]}` is not known here. `{FIELD}` takes {', '.join(_KNOWN)}.",
                param=f"{FIELD}.{name[:64]}",
            )
    if not fields:
        return NOTHING
    _refuse(fields)
    by, across, notes = _sort(fields)
    preferences = Preferences(
        need=_need(fields),
        order=_names(fields, "order"),
        fallbacks=_flag(fields, "allow_fallbacks", unset=True),
        sort=by,
        require_parameters=_flag(fields, "require_parameters"),
        max_latency_s=_cutoffs(fields, "preferred_max_latency"),
        min_throughput=_cutoffs(fields, "preferred_min_throughput"),
    )
    return Requested(NO_PREFERENCES if preferences == NO_PREFERENCES else preferences, across, notes)


_KNOWN: Final = (
    "order",
    "allow_fallbacks",
    "require_parameters",
    "data_collection",
    "zdr",
    "enforce_distillable_text",
    "only",
    "ignore",
    "quantizations",
    "sort",
    "preferred_min_throughput",
    "preferred_max_latency",
    "max_price",
    "options",
)


def _refuse(fields: Fields) -> None:
    """What would be a promise that nobody here can keep."""
    if _flag(fields, "enforce_distillable_text"):
        raise _wrong(
            f"{FIELD}.enforce_distillable_text",
            "can not be true: which authors allow distillation is not known here. Leave it out, and name such models",
        )
    if "options" in fields and _object(fields["options"], f"{FIELD}.options"):
        raise _wrong(
            f"{FIELD}.options",
            "has to be empty: send a provider's own fields at the top of the body, from where they pass untouched",
        )


def _need(fields: Fields) -> Need | None:
    collection = _decode(_TEXT, fields, "data_collection", "has to be allow or deny")
    if collection not in (None, "allow", "deny"):
        raise _wrong(f"{FIELD}.data_collection", "has to be allow or deny")
    need = Need(
        max_price=_max_price(fields),
        no_training=collection == "deny",
        zero_retention=_flag(fields, "zdr"),
        quantizations=_quantizations(fields),
        only=_names(fields, "only"),
        ignore=_names(fields, "ignore"),
    )
    return None if need == Need() else need


def _quantizations(fields: Fields) -> frozenset[str]:
    asked = _names(fields, "quantizations")
    for name in asked:
        if name not in get_args(Quantization):
            raise _wrong(f"{FIELD}.quantizations", f"takes {', '.join(get_args(Quantization))}")
    return frozenset(asked)


def _sort(fields: Fields) -> tuple[SortBy | None, bool, tuple[str, ...]]:
    raw = fields.get("sort")
    if raw is None:
        return None, False, ()
    path, partition = f"{FIELD}.sort", "model"
    if bytes(raw)[:1] == b"{":
        inner = {name: value for name, value in parse_nested(raw).items() if bytes(value) != NULL}
        for name in inner:
            if name not in ("by", "partition"):
                raise _wrong(f"{path}.{name[:64]}", "is not known here: `sort` takes `by` and `partition`")
        partition = _as(_TEXT, inner.get("partition", msgspec.Raw(b'"model"')), f"{path}.partition", _PARTED)
        if partition not in ("model", "none"):
            raise _wrong(f"{path}.partition", _PARTED)
        if "by" not in inner:
            return None, partition == "none", ()
        raw, path = inner["by"], f"{path}.by"
    return _sort_by(_as(_TEXT, raw, path, _SORTED), path, partition == "none")


_PARTED: Final = "has to be model or none"
_SORTED: Final = "has to be price, throughput, latency or exacto"


def _sort_by(word: str, path: str, across: bool) -> tuple[SortBy | None, bool, tuple[str, ...]]:
    match word:
        case "price" | "throughput" | "latency":
            return word, across, ()
        case "exacto":
            return None, across, (NO_EXACTO,)
        case _:
            raise _wrong(path, _SORTED)


def _cutoffs(fields: Fields, name: str) -> Mapping[str, float]:
    raw, path = fields.get(name), f"{FIELD}.{name}"
    if raw is None:
        return {}
    if bytes(raw)[:1] != b"{":
        return {"p50": _positive(raw, path)}
    found: dict[str, float] = {}
    for percentile, value in parse_nested(raw).items():
        if percentile not in _PERCENTILES:
            raise _wrong(f"{path}.{percentile[:64]}", f"is not one of {', '.join(_PERCENTILES)}")
        if bytes(value) != NULL:
            found[percentile] = _positive(value, f"{path}.{percentile}")
    return found


def _positive(raw: msgspec.Raw, path: str) -> float:
    number = _as(_NUMBER, raw, path, "has to be a number above 0")
    if not (number > 0 and math.isfinite(number)):
        raise _wrong(path, "has to be a number above 0")
    return number


def _max_price(fields: Fields) -> MaxPrice | None:
    raw, path = fields.get("max_price"), f"{FIELD}.max_price"
    if raw is None:
        return None
    found: dict[str, int] = {}
    for name, value in _object(raw, path).items():
        if name not in _PRICES:
            raise _wrong(f"{path}.{name[:64]}", f"is not one of {', '.join(_PRICES)}")
        if bytes(value) != NULL:
            found[_PRICES[name]] = _nano(value, f"{path}.{name}")
    return MaxPrice(**found) if found else None


def _nano(raw: msgspec.Raw, path: str) -> int:
    """Dollars, as a number or a text, in nano-dollars. Prices are whole ones, so that a finer limit rounds down."""
    text = bytes(raw)
    if text[:1] == b'"':
        text = _as(_TEXT, raw, path, _DOLLARS).strip().encode()
    try:
        amount = Decimal(text.decode("ascii")) if len(text) <= _PRICE_TEXT_MAX else Decimal("NaN")
    except (InvalidOperation, UnicodeDecodeError):
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0 or amount > _DOLLARS_MAX:
        raise _wrong(path, _DOLLARS)
    if amount.adjusted() < -_PRICE_TEXT_MAX:
        return 0
    return int(amount.scaleb(9, _CONTEXT).to_integral_value(ROUND_FLOOR, _CONTEXT))


_DOLLARS: Final = "has to be dollars, such as 0.25, as a number or a text"


def _names(fields: Fields, name: str) -> tuple[str, ...]:
    found = _decode(_NAMES, fields, name, "has to be an array of texts")
    if found is None:
        return ()
    if len(found) > _LIST_MAX or not all(0 < len(each) <= _NAME_MAX for each in found):
        raise _wrong(f"{FIELD}.{name}", f"takes up to {_LIST_MAX} names of 1 to {_NAME_MAX} characters")
    return tuple(dict.fromkeys(found))


def _flag(fields: Fields, name: str, *, unset: bool = False) -> bool:
    found = _decode(_FLAG, fields, name, "has to be true or false")
    return unset if found is None else found


def _decode(decoder: msgspec.json.Decoder[_T], fields: Fields, name: str, why: str) -> _T | None:
    raw = fields.get(name)
    return None if raw is None else _as(decoder, raw, f"{FIELD}.{name}", why)


def _as(decoder: msgspec.json.Decoder[_T], raw: msgspec.Raw, path: str, why: str) -> _T:
    try:
        return decoder.decode(raw)
    except (ValueError, RecursionError):
        raise _wrong(path, why) from None


def _object(raw: msgspec.Raw, path: str) -> Fields:
    try:
        return parse_nested(raw)
    except (ValueError, RecursionError):
        raise _wrong(path, "has to be an object") from None


def _wrong(path: str, why: str) -> InvalidRequest:
    return InvalidRequest(f"`{path}` {why}.", param=path)
