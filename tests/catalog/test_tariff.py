"""The arithmetic of a price sheet, by example and by law."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.catalog.rows import PriceRow, unix_day
from waypost.catalog.tariff import PriceSheet, build_sheet
from waypost.core.usage import Units, Usage, sum_units
from waypost.dialects.anthropic_messages.usage import parse_usage

NOON = 1_790_000_000.0
rates = st.integers(0, 200_000_000_000)
optional = st.none() | rates
tokens = st.integers(0, 3_000_000)


def row(*prices: int | None, tier: str = "", starts: str | None = None, above: int = 0) -> PriceRow:
    return PriceRow(0, tier, starts, None, above, prices)


@st.composite
def sheets(draw: st.DrawFn, *, bands: bool = True) -> PriceSheet:
    thresholds = [0, *(draw(st.lists(st.integers(1, 1_000_000), max_size=2, unique=True)) if bands else [])]
    rows = [
        row(draw(rates), draw(optional), *(draw(optional) for _ in range(6)), above=above)
        for above in sorted(thresholds)
    ]
    return build_sheet("test", rows)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    """Counts whose parts do not exceed their whole."""
    parts = [draw(tokens) for _ in range(4)]
    out = [draw(tokens) for _ in range(2)]
    return Usage(
        input=sum(parts) + draw(tokens),
        output=sum(out) + draw(tokens),
        cache_read=parts[0],
        cache_write=parts[1] + parts[2],
        cache_write_1h=parts[2],
        audio_input=parts[3],
        reasoning=out[0],
        audio_output=out[1],
    )


garbled = st.builds(Usage, tokens, tokens, tokens, tokens, tokens, tokens, tokens, tokens)


def plus(a: Usage, b: Usage) -> Usage:
    return Usage(
        a.input + b.input,
        a.output + b.output,
        a.cache_read + b.cache_read,
        a.cache_write + b.cache_write,
        a.cache_write_1h + b.cache_write_1h,
        a.reasoning + b.reasoning,
        a.audio_input + b.audio_input,
        a.audio_output + b.audio_output,
    )


def test_a_plain_request_is_input_plus_output() -> None:
    sheet = build_sheet("v", [row(2_500_000_000, 10_000_000_000)])
    assert sheet.cost(Usage(1000, 100), NOON) == 2_500_000 + 1_000_000
    assert sheet.version == "v"


def test_a_line_is_rounded_up_once() -> None:
    sheet = build_sheet("v", [row(1, 1)])
    assert sheet.cost(Usage(1, 1), NOON) == 1
    assert sheet.cost(Usage(1_000_000, 1), NOON) == 2
    assert sheet.cost(Usage(0, 0), NOON) == 0


def test_every_kind_has_its_own_rate() -> None:
    sheet = build_sheet("v", [row(10**6, 10**8, 2, 3, 5, 7 * 10**6, 11 * 10**8, 13 * 10**8, 17 * 10**12)])
    usage = Usage(
        100, 50, cache_read=10, cache_write=50, cache_write_1h=30, audio_input=4, audio_output=5, reasoning=6
    )
    exact = (100 - 64) * 10**6 + 10 * 2 + 20 * 3 + 30 * 5 + 4 * 7 * 10**6
    exact += (50 - 11) * 10**8 + 5 * 11 * 10**8 + 6 * 13 * 10**8 + 17 * 10**12
    assert sheet.cost(usage, NOON) == -(-exact // 10**6)


def test_missing_rates_are_the_plain_ones() -> None:
    sheet = build_sheet("v", [row(3 * 10**6, 5 * 10**6)])
    usage = Usage(
        100, 50, cache_read=10, cache_write=50, cache_write_1h=30, audio_input=4, audio_output=5, reasoning=6
    )
    assert sheet.cost(usage, NOON) == 100 * 3 + 50 * 5


def test_the_one_hour_write_falls_back_to_the_five_minute_write() -> None:
    sheet = build_sheet("v", [row(10**6, 0, None, 4 * 10**6)])
    assert sheet.cost(Usage(10, 0, cache_write_1h=10), NOON) == 40


@pytest.mark.parametrize(
    ("plain", "short", "long", "cost"),
    [(0, 0, 1000, 6_000_000), (500, 0, 1000, 7_500_000), (0, 400, 600, 5_100_000), (0, 1000, 0, 3_750_000)],
)
def test_what_is_written_for_an_hour_is_billed_as_that(plain: int, short: int, long: int, cost: int) -> None:
    """As Claude Sonnet 4.5 is billed: https://docs.claude.com/en/docs/build-with-claude/prompt-caching (2026-11-26)."""
    created = {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long}
    told = {"input_tokens": plain, "cache_creation_input_tokens": short + long, "cache_creation": created}
    usage = parse_usage(msgspec.Raw(msgspec.json.encode(told)))
    assert usage is not None
    sheet = build_sheet("v", [row(3 * 10**9, 15 * 10**9, 300 * 10**6, 3750 * 10**6, 6 * 10**9)])
    assert sheet.cost(usage, NOON) == cost


def test_parts_beyond_their_whole_are_cut() -> None:
    sheet = build_sheet("v", [row(10 * 10**6, 0, 1 * 10**6)])
    assert sheet.cost(Usage(5, 0, cache_read=9), NOON) == 5


def test_the_context_band_is_chosen_by_all_input_and_prices_all_of_it() -> None:
    sheet = build_sheet("v", [row(10**6, 10**6), row(2 * 10**6, 3 * 10**6, above=1000)])
    assert sheet.cost(Usage(1000, 1), NOON) == 1001
    assert sheet.cost(Usage(1001, 1, cache_read=1001), NOON) == 2005


def test_the_tier_is_the_default_one_when_it_is_unknown() -> None:
    sheet = build_sheet("v", [row(2 * 10**6, 0), row(10**6, 0, tier="flex")])
    assert sheet.cost(Usage(10, 0), NOON, "flex") == 10
    assert sheet.cost(Usage(10, 0), NOON, "scale") == sheet.cost(Usage(10, 0), NOON) == 20


def test_the_date_chooses_the_row() -> None:
    sheet = build_sheet("v", [row(10**6, 0), row(2 * 10**6, 0, starts="2026-10-14")])
    start = unix_day("2026-10-14")
    assert sheet.cost(Usage(10, 0), start - 1) == 10
    assert sheet.cost(Usage(10, 0), start) == 20


def test_the_hour_chooses_the_row() -> None:
    rows = [
        PriceRow(0, "", None, (0, 3600), 0, (10**6, 0)),
        PriceRow(0, "", None, (3600, 86400), 0, (4 * 10**6, 0)),
    ]
    sheet = build_sheet("v", rows)
    midnight = unix_day("2026-11-21")
    assert [sheet.cost(Usage(1, 0), midnight + s) for s in (0, 3599.9, 3600, 86399)] == [1, 1, 4, 4]


def test_a_free_model_is_priced_and_costs_nothing() -> None:
    sheet = build_sheet("v", [row(0, 0)])
    assert sheet.cost(Usage(10**9, 10**9), NOON) == 0
    assert sheet.ceiling(10**9, 10**9, NOON) == 0


@pytest.mark.parametrize("rows", [[], [row(1, 1, tier="flex")], [row(None, 1)], [row(1, 1, above=5)]])
def test_a_sheet_without_a_default_price_is_refused(rows: list[PriceRow]) -> None:
    with pytest.raises(ValueError):
        build_sheet("v", rows)


@given(sheets(), garbled)
def test_no_split_costs_more_than_the_ceiling(sheet: PriceSheet, usage: Usage) -> None:
    assert 0 <= sheet.cost(usage, NOON) <= sheet.ceiling(usage.input, usage.output, NOON)


@given(sheets(), tokens, tokens, tokens, tokens)
def test_the_ceiling_holds_for_smaller_counts(
    sheet: PriceSheet, tokens_in: int, out: int, more_in: int, more_out: int
) -> None:
    assert sheet.cost(Usage(tokens_in, out), NOON) <= sheet.ceiling(tokens_in + more_in, out + more_out, NOON)


@given(sheets(bands=False), usages(), tokens, tokens)
def test_more_tokens_never_cost_less(sheet: PriceSheet, usage: Usage, more_in: int, more_out: int) -> None:
    assert sheet.cost(plus(usage, Usage(more_in, more_out)), NOON) >= sheet.cost(usage, NOON)


@given(sheets(bands=False), usages(), usages())
def test_a_band_is_additive_to_one_nano_dollar(sheet: PriceSheet, a: Usage, b: Usage) -> None:
    together, apart = sheet.cost(plus(a, b), NOON), sheet.cost(a, NOON) + sheet.cost(b, NOON)
    assert apart - 1 <= together <= apart


@given(sheets(), tokens, tokens)
def test_flat_rates_say_what_plain_tokens_cost(sheet: PriceSheet, tokens_in: int, tokens_out: int) -> None:
    assert (sheet.flat is None) == (sheet.plain is None)
    if sheet.flat is not None:
        input, output, request = sheet.flat
        amount = tokens_in * input + tokens_out * output + request
        assert -(-amount // 1_000_000) == sheet.cost(Usage(tokens_in, tokens_out), NOON)


def unit_row(audio: int | None, characters: int | None, image: int | None, search: int | None) -> PriceRow:
    return row(*(None,) * 9, audio, characters, image, search)


def test_what_is_not_counted_in_tokens_is_exact() -> None:
    """0.0043 dollars a minute are no whole number of nano-dollars per millisecond, and 0.258 an hour are."""
    sheet = build_sheet("v", [unit_row(258_000_000, 15_000_000_000, 40_000_000 * 10**6, 2_000_000 * 10**6)])
    assert sheet.cost(Usage(7, 9, units=Units(audio_ms=60_000)), NOON) == 4_300_000
    assert sheet.cost(Usage(units=Units(audio_ms=1)), NOON) == 72  # 71.67
    assert sheet.cost(Usage(units=Units(characters=1001)), NOON) == 15_015_000
    assert sheet.cost(Usage(units=Units(images=3)), NOON) == 120_000_000
    assert sheet.cost(Usage(units=Units(searches=2)), NOON) == 4_000_000
    assert sheet.flat is None


def test_tokens_and_what_is_counted_beside_them_are_rounded_up_once() -> None:
    sheet = build_sheet("v", [row(1, 1, *(None,) * 6, 1, 1, 1, None, None)])
    assert sheet.cost(Usage(1, 0), NOON) == 1
    assert sheet.cost(Usage(1, 1, units=Units(characters=999_998)), NOON) == 2
    assert sheet.cost(Usage(1, 1, units=Units(characters=999_997)), NOON) == 1


def test_what_has_no_price_is_not_free() -> None:
    sheet = build_sheet("v", [unit_row(360_000_000, None, None, None)])
    for units in (None, Units(), Units(characters=5), Units(images=1, searches=1)):
        assert sheet.cost(Usage(1000, 10, units=units), NOON) is None
        assert sheet.ceiling(1000, 10, NOON, None, units) is None
    by_tokens = build_sheet("v", [row(1_000_000, 0)])
    assert by_tokens.cost(Usage(units=Units(audio_ms=5000)), NOON) is None
    assert build_sheet("v", [row(0, 0)]).cost(Usage(units=Units(audio_ms=5000)), NOON) == 0
    assert by_tokens.cost(Usage(10, 0, units=Units(audio_ms=5000)), NOON) == 10
    assert build_sheet("v", [unit_row(0, None, None, None)]).cost(Usage(units=Units(audio_ms=9)), NOON) == 0


def test_images_of_a_kind_have_a_price_of_their_own() -> None:
    million = 10**6
    kinds = {"1024x1024": 40 * million, "hd/1024x1024": 80 * million}
    sheet = build_sheet("v", [PriceRow(0, "", None, None, 0, (*(None,) * 11, 50 * million), kinds)])

    def cost(image: str) -> int | None:
        return sheet.cost(Usage(units=Units(images=2, image=image)), NOON)

    assert (cost("1024x1024"), cost("hd/1024x1024"), cost("")) == (80, 160, 100)
    assert cost("hd") is cost("hd/1792x1024") is None
    assert sheet.ceiling(0, 0, NOON, None, Units(images=1, image="hd")) is None
    plain = build_sheet("v", [unit_row(None, None, 50 * million, None)])
    assert plain.cost(Usage(units=Units(images=1, image="hd/1792x1024")), NOON) == 50


def test_a_larger_context_keeps_what_is_not_counted_in_tokens() -> None:
    rows = [row(1_000_000, 0, *(None,) * 7, None, 1_000_000), row(2_000_000, 0, above=100)]
    sheet = build_sheet("v", rows)
    assert sheet.cost(Usage(101, 0, units=Units(characters=3)), NOON) == 202 + 3


counts = st.builds(
    Units, audio_ms=tokens, characters=tokens, images=st.integers(0, 99), searches=st.integers(0, 99)
)


@given(st.lists(optional, min_size=4, max_size=4), st.none() | st.just(5_000), usages(), counts, counts)
def test_no_less_of_anything_costs_more(
    unit_rates: list[int | None], input: int | None, usage: Usage, one: Units, other: Units
) -> None:
    if input is None and all(rate is None for rate in unit_rates):
        return
    sheet = build_sheet("v", [row(input, None if input is None else 7, *(None,) * 7, *unit_rates)])
    less = sheet.cost(msgspec.structs.replace(usage, units=one), NOON)
    most = sheet.ceiling(usage.input, usage.output, NOON, None, sum_units(one, other))
    if less is not None:
        assert most is not None
        assert less <= most
