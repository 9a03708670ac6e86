from __future__ import annotations

import pytest

from waypost.core.price import PARTS, UnitRates
from waypost.core.usage import Units

RATES = UnitRates(
    audio=360_000_000,
    characters=15_000_000_000,
    image=None,
    search=2_000_000_000,
    images={"hd/1024x1024": 80},
)


@pytest.mark.parametrize(
    ("used", "nusd"),
    [
        (Units(audio_ms=10_000), 1_000_000),
        (Units(audio_ms=1), 100),
        (Units(characters=1_000), 15_000_000),
        (Units(searches=3), 6_000),
        (Units(searches=3, characters=1_000), 15_006_000),
    ],
)
def test_each_kind_has_its_own_unit(used: Units, nusd: int) -> None:
    assert RATES.amount(used, known=False) == nusd * PARTS * 1_000_000


def test_what_has_no_rate_is_not_known_unless_something_else_of_it_is() -> None:
    rates = UnitRates(audio=None, characters=None, image=None, search=1, images={})
    assert rates.amount(Units(audio_ms=5), known=False) is None
    assert rates.amount(Units(audio_ms=5), known=True) == 0
    assert rates.amount(Units(audio_ms=5, searches=1), known=False) == PARTS


def test_where_kinds_of_images_have_rates_no_other_kind_is_guessed() -> None:
    assert RATES.image_of("hd/1024x1024") == 80
    assert RATES.image_of("1024x1024") is None
    assert RATES.amount(Units(images=2, image="hd/1024x1024"), known=False) == 160 * PARTS
    assert RATES.amount(Units(images=2, image="1024x1024"), known=True) is None
    same = UnitRates(audio=None, characters=None, image=40, search=None, images={})
    assert same.image_of("anything") == same.image_of("") == 40
