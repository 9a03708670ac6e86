"""What models cost. Rates are nano-dollars per million tokens, so every published price is an exact integer."""

from __future__ import annotations

from typing import Final, Protocol

import msgspec

from waypost.core.usage import Units, Usage

#: Nano-dollars times a million times this are whole numbers, for counts and for milliseconds at a rate per hour alike.
PARTS: Final = 18
_OF_MS: Final = 5


class UnitRates(msgspec.Struct, frozen=True):
    """What is not priced by tokens, in nano-dollars; None: not stated."""

    audio: int | None
    """Per hour."""
    characters: int | None
    """Per million, as all that follow."""
    image: int | None
    search: int | None
    images: dict[str, int]
    """By kind (`core.usage.Units.image`)."""

    def image_of(self, kind: str) -> int | None:
        """The rate of images of this kind. Where kinds have rates of their own, any other that is named has none."""
        rate = self.images.get(kind)
        return self.image if rate is None and not (kind and self.images) else rate

    def amount(self, used: Units, known: bool) -> int | None:
        """In 18ths of a millionth of a nano-dollar. `known`: something else of it has a price. None: nothing has, or it
        is images of a kind without a rate."""
        amount = 0
        if used.images:
            rate = self.image_of(used.image)
            if rate is None and self.images:
                return None
            if rate is not None:
                amount, known = used.images * rate * PARTS, True
        for count, each, parts in (
            (used.audio_ms, self.audio, _OF_MS),
            (used.characters, self.characters, PARTS),
            (used.searches, self.search, PARTS),
        ):
            if count and each is not None:
                amount, known = amount + count * each * parts, True
        return amount if known else None


class Tariff(Protocol):
    """The prices of one model at one provider, all dates and tiers of it. Immutable; a lookup does no I/O."""

    @property
    def version(self) -> str:
        """Names the exact price rows: kept on every ledger line, so that a line can be recomputed."""
        ...

    @property
    def flat(self) -> tuple[int, int, int] | None:
        """The default tier's rates of input, output and a request as such, where neither time nor the size of the
        context changes them: what `cost` sums for plain tokens. None: ask `cost`."""
        ...

    def cost(self, usage: Usage, at: float, tier: str | None = None) -> int | None:
        """Nano-dollars for this usage at Unix time `at`, all kinds summed, rounded up once. None: it can not be known,
        because what was used is none of what this model is priced by."""
        ...

    def ceiling(
        self,
        input_tokens: int,
        output_tokens: int,
        at: float,
        tier: str | None = None,
        units: Units | None = None,
    ) -> int | None:
        """An upper bound in nano-dollars: no split of these counts into kinds costs more. None: as of `cost`."""
        ...

    def unit_rates(self, at: float) -> UnitRates | None:
        """What is not priced by tokens, for people. None: it is priced by tokens alone."""
        ...
