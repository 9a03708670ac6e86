"""Where model servers on this machine usually listen."""

from __future__ import annotations

import msgspec

from waypost.providers.rows import LOCAL
from waypost.providers.spec import ProviderSpec


class LocalServer(msgspec.Struct, frozen=True):
    """A place to ask for a model list. Whether anything answers there is for the caller to find out."""

    spec: ProviderSpec
    port: int

    @property
    def base_url(self) -> str:
        """On loopback, with the version segment, without a trailing slash."""
        return f"http://127.0.0.1:{self.port}/v1"


def local_servers(skip_ports: frozenset[int] = frozenset()) -> tuple[LocalServer, ...]:
    """Every usual port of every local server. `skip_ports` are taken by the gateway itself."""
    return tuple(
        LocalServer(spec, port) for spec in LOCAL for port in spec.local_ports if port not in skip_ports
    )
