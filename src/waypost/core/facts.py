"""What is known of a model, apart from who serves it and what it costs."""

from __future__ import annotations

import msgspec


class ModelFacts(msgspec.Struct, frozen=True):
    """What is known of a model, all optional. Sizes in tokens."""

    context: int | None = None
    max_output: int | None = None
    modalities: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    """`tools`, `json_schema`, `vision`, `reasoning`, `audio`, …"""
    mode: str | None = None
    """`chat`, `embedding`, …"""
    deprecated_on: str | None = None
