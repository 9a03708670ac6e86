"""What clients are told of the free tier."""

from __future__ import annotations

from waypost.core.free_tier import FreeTier
from waypost.errors import CreditsExhausted, FreeTierExhausted
from waypost.ledger.windows import render_time, window
from waypost.pipeline.headers import field

_NAME = b"x-waypost-free-tier"


def header(tier: FreeTier, left: int | None, at: float) -> tuple[bytes, bytes]:
    """Of an answer that the free tier pays: what is left behind it, as far as this node knows."""
    renews = window(tier.period, at).ends_at or at
    told = "" if left is None else f"; remaining={tier.render(left)}"
    return (
        _NAME,
        field(f"{tier.unit}; limit={tier.render(tier.amount)}{told}; renews={render_time(renews)}"),
    )


def not_covered(model: str, tier: FreeTier) -> FreeTierExhausted:
    """The free tier is not for this model, which costs something."""
    return FreeTierExhausted(
        f"The free tier is not for the model {model[:200]!r}, only for: {', '.join(tier.models)}. Take one of these, "
        "or ask who pays for the organization to add credit.",
        param="model",
        budget=f"{tier.scope}/{tier.period}",
    )


def neither(refused: FreeTierExhausted, credit: CreditsExhausted) -> FreeTierExhausted:
    """What the free tier and prepaid credit say together."""
    return FreeTierExhausted(
        f"{refused.message} {credit.message}",
        param=refused.param,
        retry_after_s=refused.retry_after_s,
        budget=refused.budget,
    )
