"""The prices of one model: dated rows, picked by tier, time and context size, summed in integers."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from waypost.catalog.rows import KINDS, PriceRow, unix_day
from waypost.core.money import PER_MILLION, ceil_div
from waypost.core.price import PARTS, UnitRates
from waypost.core.usage import Units, Usage

#: The kinds of `KINDS` that are tokens, or the request as such.
_TOKEN_KINDS = KINDS.index("request") + 1


class Rates(msgspec.Struct, frozen=True):
    """Every kind's rate in nano-dollars per million, missing ones filled in; what one call is priced with."""

    input: int
    output: int
    cache_read: int
    cache_write: int
    cache_write_1h: int
    audio_input: int
    audio_output: int
    reasoning: int
    request: int
    input_max: int
    """The highest rate an input token can have here or in a smaller context band."""
    output_max: int
    request_max: int
    units: UnitRates | None = None
    """None: it is priced by tokens alone."""
    by_tokens: bool = True
    """Tokens have a price, be it 0."""


class Band(msgspec.Struct, frozen=True):
    """Rates that apply when the request has more than `above` input tokens, cached ones included."""

    above: int
    rates: Rates


class Span(msgspec.Struct, frozen=True):
    """A part of the day, in seconds since midnight UTC, and its bands from the largest down."""

    begin: int
    end: int
    bands: tuple[Band, ...]


class Period(msgspec.Struct, frozen=True):
    """What applies from `starts` (Unix time) until the next period starts."""

    starts: float
    spans: tuple[Span, ...]


class PriceSheet(msgspec.Struct, frozen=True):
    """A `core.price.Tariff` built from price rows. Immutable."""

    version: str
    rows: tuple[PriceRow, ...]
    """As they were compiled or configured, for people."""
    tiers: dict[str, tuple[Period, ...]]
    """By tier, latest period first; the default tier is the empty string."""
    plain: Rates | None
    """The default tier's rates when neither time nor context size changes them."""
    flat: tuple[int, int, int] | None
    """See `core.price.Tariff`: a part of `plain`."""

    def cost(self, usage: Usage, at: float, tier: str | None = None) -> int | None:
        """Nano-dollars for this usage, all kinds summed, rounded up once. None: nothing of it has a price here.

        Cached and audio tokens are parts of `usage.input`, those written for an hour of `usage.cache_write`, reasoning
        and audio of `usage.output`; what is left of each is billed at its plain rate. Parts that exceed their whole
        are cut to it.
        """
        rates = self.plain
        if rates is None or tier is not None:
            rates = self.rates(usage.input, at, tier)
        amount = rates.request + usage.input * rates.input + usage.output * rates.output
        if usage.cache_read or usage.cache_write or usage.cache_write_1h or usage.audio_input:
            amount += _input_difference(usage, rates)
        if usage.reasoning or usage.audio_output:
            amount += _output_difference(usage, rates)
        if rates.units is not None:
            return _with_units(amount, rates, rates.units, usage.units)
        if amount > 0:
            return -(-amount // PER_MILLION)
        # What is counted otherwise alone says nothing of what tokens cost, unless they are free.
        unknown = usage.units is not None and not usage.input and not usage.output
        return None if unknown and (rates.input_max or rates.output_max) else 0

    def ceiling(
        self,
        input_tokens: int,
        output_tokens: int,
        at: float,
        tier: str | None = None,
        units: Units | None = None,
    ) -> int | None:
        """An upper bound in nano-dollars: no split of these counts, or of smaller ones, costs more. None: as of
        `cost`."""
        rates = self.plain
        if rates is None or tier is not None:
            rates = self.rates(input_tokens, at, tier)
        amount = rates.request_max + input_tokens * rates.input_max + output_tokens * rates.output_max
        if rates.units is not None:
            return _with_units(amount, rates, rates.units, units)
        return ceil_div(amount, PER_MILLION)

    def unit_rates(self, at: float) -> UnitRates | None:
        """See `core.price.Tariff`."""
        return self.rates(0, at, None).units

    def rates(self, input_tokens: int, at: float, tier: str | None) -> Rates:
        """The rates of a request with this many input tokens at Unix time `at`; an unknown tier is the default."""
        tiers = self.tiers
        periods = tiers[tier] if tier is not None and tier in tiers else tiers[""]
        period = periods[-1]
        for candidate in periods:
            if candidate.starts <= at:
                period = candidate
                break
        spans = period.spans
        span = spans[0]
        if len(spans) > 1:
            second = at % 86400
            for candidate_span in spans:
                if candidate_span.begin <= second < candidate_span.end:
                    span = candidate_span
                    break
        bands = span.bands
        for band in bands:
            if input_tokens > band.above:
                return band.rates
        return bands[-1].rates


def _with_units(amount: int, rates: Rates, unit_rates: UnitRates, used: Units | None) -> int | None:
    """The cost of tokens and of a request as such, which come to `amount`, and of what was used beside them."""
    if used is None:
        return max(0, ceil_div(amount, PER_MILLION)) if rates.by_tokens else None
    more = unit_rates.amount(used, rates.by_tokens)
    return None if more is None else max(0, ceil_div(amount * PARTS + more, PER_MILLION * PARTS))


def _input_difference(usage: Usage, rates: Rates) -> int:
    """What the special input kinds cost more (or less) than the same tokens at the plain rate."""
    plain, left, amount = rates.input, usage.input, 0
    for count, rate in (
        (usage.cache_read, rates.cache_read),
        (usage.cache_write - usage.cache_write_1h, rates.cache_write),
        (usage.cache_write_1h, rates.cache_write_1h),
        (usage.audio_input, rates.audio_input),
    ):
        if count > 0:
            part = count if count < left else left
            left -= part
            amount += part * (rate - plain)
    return amount


def _output_difference(usage: Usage, rates: Rates) -> int:
    plain, left, amount = rates.output, usage.output, 0
    for count, rate in ((usage.reasoning, rates.reasoning), (usage.audio_output, rates.audio_output)):
        if count > 0:
            part = count if count < left else left
            left -= part
            amount += part * (rate - plain)
    return amount


def build_sheet(version: str, rows: Sequence[PriceRow]) -> PriceSheet:
    """A tariff from rows ordered by tier, then start, then hours, then context band.

    Raises ValueError when there is no default row without a start date and a lower bound.
    """
    grouped: dict[str, dict[str | None, dict[tuple[int, int], list[PriceRow]]]] = {}
    for row in rows:
        starts = grouped.setdefault(row.tier, {})
        starts.setdefault(row.starts, {}).setdefault(row.hours or (0, 86400), []).append(row)
    tiers = {}
    for tier, starts in grouped.items():
        periods = [
            Period(unix_day(start), tuple(Span(*hours, _bands(bands)) for hours, bands in spans.items()))
            for start, spans in starts.items()
        ]
        tiers[tier] = tuple(sorted(periods, key=lambda period: period.starts, reverse=True))
    if "" not in tiers:
        raise ValueError("a price sheet has no default tier")
    plain = _plain(tiers[""])
    flat = None if plain is None or plain.units is not None else (plain.input, plain.output, plain.request)
    return PriceSheet(version, tuple(rows), tiers, plain, flat)


def _bands(rows: Sequence[PriceRow]) -> tuple[Band, ...]:
    bands: list[Band] = []
    for row in sorted(rows, key=lambda row: row.above):
        bands.insert(0, Band(row.above, _fill(row, bands[0].rates if bands else None)))
    if not bands or bands[-1].above != 0:
        raise ValueError("a price sheet has no rates for small requests")
    return tuple(bands)


def _fill(row: PriceRow, below: Rates | None) -> Rates:
    """Special rates that are missing are the plain one; a missing output rate means output is not billed, and where
    something else has a rate, a missing input rate means that tokens are not."""
    padded = [*row.rates, *(None,) * (len(KINDS) - len(row.rates))]
    (
        tokens_in,
        tokens_out,
        cache_read,
        cache_write,
        cache_write_1h,
        audio_in,
        audio_out,
        reasoning,
        request,
    ) = padded[:_TOKEN_KINDS]
    units = _unit_rates(padded[_TOKEN_KINDS:], row.images, None if below is None else below.units)
    by_tokens = tokens_in is not None
    if tokens_in is None:
        if units is None:
            raise ValueError("a price row has no input rate")
        tokens_in = 0
    plain_out = tokens_out or 0
    write = tokens_in if cache_write is None else cache_write
    filled = (
        tokens_in,
        plain_out,
        tokens_in if cache_read is None else cache_read,
        write,
        write if cache_write_1h is None else cache_write_1h,
        tokens_in if audio_in is None else audio_in,
        plain_out if audio_out is None else audio_out,
        plain_out if reasoning is None else reasoning,
        request or 0,
    )
    input_max = max(filled[0], *filled[2:6])
    output_max = max(filled[1], *filled[6:8])
    request_max = filled[8]
    if below is not None:
        input_max = max(input_max, below.input_max)
        output_max = max(output_max, below.output_max)
        request_max = max(request_max, below.request_max)
    return Rates(*filled, input_max, output_max, request_max, units, by_tokens)


def _unit_rates(
    given: Sequence[int | None], images: dict[str, int], below: UnitRates | None
) -> UnitRates | None:
    """A context band that states none of these has those of the smaller one."""
    if not images and all(rate is None for rate in given):
        return below
    audio, characters, image, search = given
    return UnitRates(audio, characters, image, search, images)


def _plain(periods: tuple[Period, ...]) -> Rates | None:
    if len(periods) == 1 and len(periods[0].spans) == 1 and len(periods[0].spans[0].bands) == 1:
        return periods[0].spans[0].bands[0].rates
    return None
