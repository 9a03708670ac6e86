"""Prices the operator writes in the configuration, which take the catalogue's place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from hashlib import blake2s
from types import MappingProxyType

from waypost.catalog.rows import KINDS, PriceRow
from waypost.catalog.tariff import PriceSheet, build_sheet
from waypost.core.money import NANO, PER_MILLION
from waypost.core.usage import image_kind
from waypost.errors import ConfigError

#: Fields that are not called after the kind they price: the kind, and how many of the field's unit make one of the
#: kind's. A million `request`s is what their rate is of.
_SPELLED: Mapping[str, tuple[str, int]] = MappingProxyType(
    {
        "request": ("request", PER_MILLION),
        "audio_per_minute": ("audio", 60),
        "per_million_characters": ("characters", 1),
        "per_image": ("image", PER_MILLION),
        "per_search": ("search", PER_MILLION),
    }
)
_IMAGES = "images"
_UNIT_KINDS = frozenset(("audio", "characters", "image", "search"))
_FIELDS = (*(kind for kind in KINDS if kind not in _UNIT_KINDS), *list(_SPELLED)[1:], _IMAGES)
_OF_TOKENS = frozenset(KINDS) - _UNIT_KINDS - {"request"}
_SIZE = re.compile(r"\d+x\d+")
Amount = str | int | float | Decimal


def override(prices: Mapping[str, Amount | Mapping[str, Amount]], named: str) -> PriceSheet:
    """A tariff from `{input, output, cache_read, …}` in USD per million tokens, and from what is priced otherwise
    (`config.price_schema`).

    `named` says where it stands in the configuration and becomes part of the version. `input` and `output` are
    required where nothing else is priced: what is free has to be written as 0. Raises ConfigError with the field in
    `param`.
    """
    rates: dict[str, int] = {}
    images: dict[str, int] = {}
    for field, value in prices.items():
        if field not in _FIELDS:
            raise ConfigError(f"Unknown price {field!r}. Known ones: {', '.join(_FIELDS)}.", param=field)
        if isinstance(value, Mapping):
            images = _images(value)
        else:
            kind, factor = _SPELLED.get(field, (field, 1))
            rates[kind] = _rate(field, value, factor)
    whole = rates.keys().isdisjoint(_UNIT_KINDS) and not images
    for field in ("input", "output"):
        if field not in prices and (whole or rates.keys() & _OF_TOKENS):
            raise ConfigError(f"The price {field!r} is missing. Write 0 if it is not billed.", param=field)
    row = PriceRow(-1, "", None, None, 0, tuple(rates.get(kind) for kind in KINDS), images)
    stated = (row.rates[: -len(_UNIT_KINDS)], row.rates[-len(_UNIT_KINDS) :], sorted(images.items()))
    digest = blake2s(repr(stated[0] if whole else stated).encode(), digest_size=4).hexdigest()
    return build_sheet(f"config:{named}#{digest}", (row,))


def _images(prices: Mapping[str, Amount]) -> dict[str, int]:
    found: dict[str, int] = {}
    for said, value in prices.items():
        quality, _, size = said.rpartition("/")
        if _SIZE.fullmatch(size.lower()) is None:
            quality, size = said, ""
        kind = image_kind(quality, size)
        if "/" in quality or not kind:
            raise ConfigError(
                f"The kind of images {said!r} is none. Write a size, a quality, or both as hd/1024x1792.",
                param=_IMAGES,
            )
        found[kind] = _rate(f"{_IMAGES}.{said}", value, PER_MILLION)
    return found


def _rate(field: str, value: Amount, factor: int) -> int:
    try:
        # A float from YAML is read by its shortest decimal form, which is what the operator wrote.
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    if isinstance(value, bool) or not amount.is_finite() or amount < 0:
        raise ConfigError(
            f"The price {field!r} is {value!r}; expected US dollars as a number of 0 or more, such as 0.25.",
            param=field,
        )
    return int((amount * NANO * factor).to_integral_value(ROUND_CEILING))
