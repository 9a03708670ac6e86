"""Prices the operator writes in the configuration, which take the catalogue's place."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from hashlib import blake2s

from waypost.catalog.rows import KINDS, PriceRow
from waypost.catalog.tariff import PriceSheet, build_sheet
from waypost.core.money import NANO, PER_MILLION
from waypost.errors import ConfigError


def override(prices: Mapping[str, str | int | float | Decimal], named: str) -> PriceSheet:
    """A tariff from `{input, output, cache_read, …}` in USD per million tokens (`request`: USD per request).

    `named` says where it stands in the configuration and becomes part of the version. `input` and `output` are
    required: what is free has to be written as 0. Raises ConfigError with the field in `param`.
    """
    for field in prices:
        if field not in KINDS:
            raise ConfigError(f"Unknown price {field!r}. Known ones: {', '.join(KINDS)}.", param=field)
    for field in ("input", "output"):
        if field not in prices:
            raise ConfigError(f"The price {field!r} is missing. Write 0 if it is not billed.", param=field)
    rates = tuple(_rate(field, prices[field]) if field in prices else None for field in KINDS)
    digest = blake2s(repr(rates).encode(), digest_size=4).hexdigest()
    return build_sheet(f"config:{named}#{digest}", (PriceRow(-1, "", None, None, 0, rates),))


def _rate(field: str, value: str | int | float | Decimal) -> int:
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
    factor = PER_MILLION if field == "request" else 1
    return int((amount * NANO * factor).to_integral_value(ROUND_CEILING))
