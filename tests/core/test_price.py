from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from waypost.core.money import PER_MILLION
from waypost.core.price import PARTS, UnitRates
from waypost.core.usage import Units

RATES = st.none() | st.integers(0, 10**12)
COUNTS = st.integers(0, 10**6)
NOTHING = UnitRates(None, None, None, None, {})


@given(st.lists(RATES, min_size=4, max_size=4), st.lists(COUNTS, min_size=4, max_size=4), st.booleans())
def test_an_amount_is_exact(rates: list[int | None], counts: list[int], known: bool) -> None:
    """An hour has 3.6 million milliseconds; everything else is per million."""
    audio, characters, image, search = rates
    units = UnitRates(audio, characters, image, search, {})
    found = units.amount(Units(*counts), known)
    pairs = list(zip(rates, counts, (3_600_000, PER_MILLION, PER_MILLION, PER_MILLION), strict=True))
    priced = [Fraction(count * rate, per) for rate, count, per in pairs if rate is not None and count]
    if not known and not priced:
        assert found is None
    else:
        assert found is not None
        assert Fraction(found, PARTS * PER_MILLION) == sum(priced)


def test_a_kind_of_images_without_a_rate_of_its_own() -> None:
    some = UnitRates(None, None, 5, None, {"hd": 7})
    assert [some.image_of(kind) for kind in ("", "hd", "low")] == [5, 7, None]
    assert some.amount(Units(images=1, image="low"), known=True) is None
    assert NOTHING.image_of("hd") is None
    assert NOTHING.amount(Units(images=1, image="hd"), known=True) == 0
