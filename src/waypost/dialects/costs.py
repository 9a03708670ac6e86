"""Counts and costs on the wire, for every dialect."""

from __future__ import annotations

from typing import Annotated, Any, overload

import msgspec

from waypost.core.markup import Marked
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


def details_raw(cost_nusd: Marked) -> msgspec.Raw:
    """What of a cost with a mark-up is the provider's, as OpenRouter spells it."""
    return msgspec.Raw(b'{"upstream_inference_cost":%b}' % bytes(cost_raw(cost_nusd.upstream_nusd)))


@overload
def put_cost(fields: dict[str, msgspec.Raw], cost_nusd: int | None) -> None: ...
@overload
def put_cost(fields: dict[str, object], cost_nusd: int | None) -> None: ...
def put_cost(fields: dict[str, Any], cost_nusd: int | None) -> None:
    """Write the cost into a usage object; where there is a mark-up, with what of it is the provider's."""
    fields["cost"] = cost_raw(cost_nusd)
    if cost_nusd.__class__ is Marked:
        fields["cost_details"] = details_raw(cost_nusd)
