"""What a request asks of the gateway itself, read once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

#: As OpenRouter bounds it: https://openrouter.ai/docs/openapi (2026-08-22).
IDENTITY_MAX = 256


class Wishes(msgspec.Struct, frozen=True):
    """None everywhere: nothing was asked, and what is configured holds."""

    route: str | None = None
    """A named route, with or without `route/` before it."""
    route_from: str = "x-waypost-route"
    """Which header or field named it, for errors."""
    config: bytes | None = None
    """`x-portkey-config`, as it came."""
    provider: str | None = None
    """`x-portkey-provider` or `x-portkey-virtual-key`, without its `@`."""
    user: str | None = None
    session: str | None = None
    trace: str | None = None
    metadata: Mapping[str, str] = {}
    continue_on_failure: bool = False
    """Finish an answer that broke off on another target, from the text so far."""
    hedge: float | Literal["auto", "off"] | None = None
    """Ask a second target too after so many seconds; `auto`: after the first one's own 95th percentile."""
    deadline_s: float | None = None
    """For the whole exchange, from the head of the request to the end of the answer."""


NO_WISHES = Wishes()
