"""The shape of prices in `waypost.yaml`."""

from __future__ import annotations

from msgspec import Struct

from waypost.config.kinds import Price


class PricesConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a model costs: USD per million tokens, exact decimals. A kind left out costs what its plain kind costs."""

    input: Price
    """Input tokens that are not read from a cache. 0 if they are not billed."""
    output: Price
    """Output tokens. 0 if they are not billed, as with embeddings."""
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
    """USD per request (not per million), on top of the tokens."""
