"""The shape of a provider row."""

from __future__ import annotations

from typing import Literal

import msgspec

from waypost.core.quirks import Quirks

AuthScheme = Literal["bearer", "header", "none"]


class ProviderSpec(msgspec.Struct, frozen=True):
    """One provider: base URL, auth, environment, dialects, quirks, and where that was read."""

    name: str
    title: str
    base_url: str
    """Including the version segment, without a trailing slash; `{name}` parts are filled from config."""
    dialects: tuple[str, ...]
    auth: AuthScheme = "bearer"
    auth_header: str = "authorization"
    env: tuple[str, ...] = ()
    """Environment variables that hold its key, in order of preference."""
    models_path: str | None = "/models"
    """Lists its models; None if it can not."""
    prices: str | None = None
    """The provider's id in the price catalogue, when it is not `name`."""
    local_ports: tuple[int, ...] = ()
    """A server usually run beside the gateway: ports to look at on loopback."""
    quirks: Quirks = Quirks()
    docs_url: str = ""
    checked: str = ""
    """ISO date of the last check against `docs_url`."""
