"""The bill: what this provider charges, exactly, one line per request that produced something.

The rule. A request is billed when a piece of its answer that carries generated content was written to the socket:
a token event of a stream, its finish event, or the first byte of a whole answer. Its line then has

- the prompt in full (with its cached and audio parts), and
- the output tokens written so far: each token event is one token, counted when its last byte is written; hidden
  reasoning is counted with the first event after it; a whole answer counts all of its tokens.

With `keeps_on` the provider does not notice that its client left: a cancelled request is billed whole.

The line is closed when the answer ends, or when the client closes the connection. What a provider *reports* as
usage never changes the bill. The price is the sum over all kinds of tokens times their rate, rounded up once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import msgspec

from waypost.core.money import PER_MILLION, ceil_div, parse_usd
from waypost.simulator.models import base_name

End = Literal["done", "cut", "cancelled"]
"""`done`: written to its end. `cut`: a fault ended it. `cancelled`: the client closed first."""


class SimulatedPrice(msgspec.Struct, frozen=True):
    """Nano-dollars per million tokens, or of whatever else is counted; of sound, per hour."""

    input: int
    cached: int
    output: int
    reasoning: int
    audio_input: int
    audio_output: int
    cache_write: int
    cache_write_1h: int
    audio: int = 0
    characters: int = 0
    image: int = 0
    hd_image: int = 0
    search: int = 0


def _price(
    input: str, cached: str, output: str, *, audio_input: str = "", audio_output: str = ""
) -> SimulatedPrice:
    """From dollars per million tokens. Reasoning costs what output costs; audio too, unless it has its own rate.

    Writing to the five-minute cache costs 1.25 times the input, to the one-hour cache twice the input.
    """
    return SimulatedPrice(
        input=parse_usd(input),
        cached=parse_usd(cached),
        output=parse_usd(output),
        reasoning=parse_usd(output),
        audio_input=parse_usd(audio_input or input),
        audio_output=parse_usd(audio_output or output),
        cache_write=parse_usd(input) * 5 // 4,
        cache_write_1h=parse_usd(input) * 2,
    )


def _units(
    *,
    minute: str = "0",
    million_characters: str = "0",
    image: str = "0",
    hd_image: str = "0",
    search: str = "0",
) -> SimulatedPrice:
    """From dollars, of models that bill no tokens."""
    return msgspec.structs.replace(
        _price("0", "0", "0"),
        audio=parse_usd(minute) * 60,
        characters=parse_usd(million_characters),
        image=parse_usd(image) * PER_MILLION,
        hd_image=parse_usd(hd_image) * PER_MILLION,
        search=parse_usd(search) * PER_MILLION,
    )


#: By model name without parameters. `fault-…` names cost what `sim-fast` costs.
SIMULATED_PRICES: Mapping[str, SimulatedPrice] = MappingProxyType(
    {
        "sim-fast": _price("0.25", "0.025", "2.00"),
        "sim-static": _price("0.25", "0.025", "2.00"),
        "sim-slow": _price("1.25", "0.125", "10.00"),
        "sim-echo": _price("0.10", "0.01", "0.40"),
        "sim-tools": _price("0.25", "0.025", "2.00"),
        "sim-json": _price("0.25", "0.025", "2.00"),
        "sim-reason": _price("1.10", "0.275", "4.40"),
        "sim-cached": _price("3.00", "0.30", "15.00"),
        "sim-audio": _price("2.50", "1.25", "10.00", audio_input="40.00", audio_output="80.00"),
        "sim-refuse": _price("0.25", "0.025", "2.00"),
        "sim-embed": _price("0.02", "0.02", "0"),
        "sim-rerank": _units(search="0.002"),
        "sim-tts": _units(million_characters="15"),
        "sim-whisper": _units(minute="0.006"),
        "sim-image": _units(image="0.04", hd_image="0.08"),
    }
)


class Tokens(msgspec.Struct, frozen=True, gc=False):
    """`prompt` includes `cached`, `audio_input` and what was written to the caches (which never overlap);
    `completion` includes `reasoning` and `audio_output`. Behind them, what else is counted."""

    prompt: int = 0
    cached: int = 0
    audio_input: int = 0
    completion: int = 0
    reasoning: int = 0
    audio_output: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    audio_ms: int = 0
    characters: int = 0
    images: int = 0
    hd_images: int = 0
    searches: int = 0


class Line(msgspec.Struct, frozen=True, gc=False):
    """One billed request."""

    request_id: str
    model: str
    operation: str
    end: End
    tokens: Tokens
    nusd: int


def charge(price: SimulatedPrice, tokens: Tokens) -> int:
    """Nano-dollars for these tokens, rounded up once."""
    apart = tokens.cached + tokens.audio_input + tokens.cache_write + tokens.cache_write_1h
    total = (
        (tokens.prompt - apart) * price.input
        + tokens.cache_write * price.cache_write
        + tokens.cache_write_1h * price.cache_write_1h
        + tokens.cached * price.cached
        + tokens.audio_input * price.audio_input
        + (tokens.completion - tokens.reasoning - tokens.audio_output) * price.output
        + tokens.reasoning * price.reasoning
        + tokens.audio_output * price.audio_output
    )
    total += (
        tokens.characters * price.characters
        + tokens.images * price.image
        + tokens.hd_images * price.hd_image
        + tokens.searches * price.search
    )
    if not tokens.audio_ms:
        return ceil_div(total, PER_MILLION)
    # Per hour, in milliseconds: 3.6 million of them.
    return ceil_div(total * 18 + tokens.audio_ms * price.audio * 5, PER_MILLION * 18)


class _Sum:
    """Running totals, exact whatever happened to the lines themselves."""

    __slots__ = ("counts", "lines", "nusd")

    def __init__(self) -> None:
        self.lines = 0
        self.nusd = 0
        self.counts = [0] * len(Tokens.__struct_fields__)

    def add(self, line: Line) -> None:
        self.lines += 1
        self.nusd += line.nusd
        counts, tokens = self.counts, line.tokens
        counts[0] += tokens.prompt
        counts[1] += tokens.cached
        counts[2] += tokens.audio_input
        counts[3] += tokens.completion
        counts[4] += tokens.reasoning
        counts[5] += tokens.audio_output
        counts[6] += tokens.cache_write
        counts[7] += tokens.cache_write_1h
        counts[8] += tokens.audio_ms
        counts[9] += tokens.characters
        counts[10] += tokens.images
        counts[11] += tokens.hd_images
        counts[12] += tokens.searches

    def show(self) -> dict[str, object]:
        return {"lines": self.lines, "total_nusd": self.nusd, "tokens": Tokens(*self.counts)}


class Bill:
    """All lines since the last reset. Totals are exact; of the lines themselves the newest `keep` are kept."""

    def __init__(self, keep: int = 100_000) -> None:
        self._keep = keep
        self.reset()

    def reset(self) -> None:
        """Forget everything, requests under way excepted: they are billed when they end."""
        self.requests = 0
        self.lines: deque[Line] = deque(maxlen=self._keep)
        self._all = _Sum()
        self._by_model: dict[str, _Sum] = {}

    def add(self, request_id: str, model: str, operation: str, end: End, tokens: Tokens) -> Line:
        """Append a line. `model` may carry parameters; it is billed under its base name."""
        name = base_name(model)
        line = Line(request_id, name, operation, end, tokens, charge(SIMULATED_PRICES[name], tokens))
        self.lines.append(line)
        self._all.add(line)
        by_model = self._by_model.get(name)
        if by_model is None:
            by_model = self._by_model[name] = _Sum()
        by_model.add(line)
        return line

    @property
    def total_nusd(self) -> int:
        return self._all.nusd

    @property
    def count(self) -> int:
        """Lines since the last reset, kept or not."""
        return self._all.lines

    def show(self, *, open_requests: int, lines: bool = False) -> dict[str, object]:
        """What `GET /bill` answers. `requests` counts all that reached a model; `open` those not yet ended."""
        page: dict[str, object] = {
            **self._all.show(),
            "by_model": {name: total.show() for name, total in sorted(self._by_model.items())},
            "requests": self.requests,
            "open": open_requests,
        }
        if lines:
            page["entries"] = list(self.lines)
        return page
