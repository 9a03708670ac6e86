from __future__ import annotations

import pytest

from config.test_resolve import snap
from waypost.config.credits_schema import build_free_tier
from waypost.config.load import load_bytes
from waypost.core.free_tier import FreeTier
from waypost.core.scope import EXCHANGE
from waypost.errors import ConfigInvalid


def tier(text: str) -> FreeTier | None:
    return build_free_tier(load_bytes(text.encode()).config.credits)


def test_the_terms_of_a_free_tier() -> None:
    assert tier("") is None
    assert tier("credits: {free_tier: {requests: 50, per: day}}") == FreeTier(
        50 * EXCHANGE, requests=True, period="day"
    )
    told = tier('credits: {free_tier: {dollars: "0.25", each: user, models: ["lab/*"], without: [acme]}}')
    assert told == FreeTier(250_000_000, False, "month", "user", ("lab/*",), ("acme",))


@pytest.mark.parametrize(
    ("terms", "path"),
    [
        ("{}", "credits.free_tier"),
        ("{requests: 5, dollars: 5}", "credits.free_tier"),
        ("{dollars: 0}", "credits.free_tier.dollars"),
        ("{requests: 0}", "credits.free_tier.requests"),
        ("{requests: 5, per: hour}", "credits.free_tier.per"),
    ],
)
def test_terms_that_mean_nothing_are_refused_with_their_place(terms: str, path: str) -> None:
    with pytest.raises(ConfigInvalid) as told:
        snap(f"credits: {{free_tier: {terms}}}")
    assert [problem.path for problem in told.value.problems] == [path]
