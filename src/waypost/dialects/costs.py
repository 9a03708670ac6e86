"""Counts and costs on the wire, for every dialect."""

from __future__ import annotations

from typing import Annotated

import msgspec

from waypost.core.money import NANO, render_usd

#: A token count. One outside this is taken for a fault of the provider: nothing it says is then believed.
Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]


def cost_raw(cost_nusd: int | None) -> msgspec.Raw:
    """Dollars as an exact JSON number; null when the price is unknown."""
    if cost_nusd is None:
        return msgspec.Raw(b"null")
    if 0 <= cost_nusd < NANO:
        digits = b"%09d" % cost_nusd
        return msgspec.Raw(b"0." + (digits.rstrip(b"0") or b"0") if cost_nusd else b"0")
    return msgspec.Raw(render_usd(cost_nusd).encode())
