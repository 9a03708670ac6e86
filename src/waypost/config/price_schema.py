"""The shape of prices in `waypost.yaml`."""

from __future__ import annotations

from msgspec import Struct, field

from waypost.config.kinds import Price


class PricesConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a model costs: USD per million tokens, exact decimals, and what is not billed by tokens. A kind of tokens
    left out costs what its plain kind costs."""

    input: Price | None = None
    """Input tokens that are not read from a cache. 0 if they are not billed. Needed, except where one of the prices
    below that are not of tokens is given."""
    output: Price | None = None
    """Output tokens. 0 if they are not billed, as with embeddings. Needed where `input` is."""
    cache_read: Price | None = None
    """Input tokens read from the provider's prompt cache. Left out: the `input` price."""
    cache_write: Price | None = None
    """Input tokens written to the provider's prompt cache. Left out: the `input` price."""
    cache_write_1h: Price | None = None
    """Input tokens written to the one-hour cache. Left out: the `cache_write` price."""
    audio_input: Price | None = None
    """Audio input tokens. Left out: the `input` price."""
    audio_output: Price | None = None
    """Audio output tokens. Left out: the `output` price."""
    reasoning: Price | None = None
    """Reasoning tokens. Left out: the `output` price."""
    request: Price | None = None
    """USD per request (not per million), on top of everything else."""
    audio_per_minute: Price | None = None
    """USD per minute of sound that is transcribed or translated; counted in milliseconds."""
    per_million_characters: Price | None = None
    """USD per million characters of a text that is spoken."""
    per_image: Price | None = None
    """USD per image that is made. Where some have prices of their own in `images`: per image of which the request names
    neither size nor quality."""
    images: dict[str, Price] = field(default_factory=dict)
    """USD per image of a kind: a size (`1024x1792`), a quality (`low`), or both (`hd/1024x1792`). `standard` is what a
    quality that is not named is. What an image costs whose kind is named and not listed is not known."""
    per_search: Price | None = None
    """USD per search of a reranker."""
