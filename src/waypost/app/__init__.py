"""The composition root: the only place that wires adapters to ports, and the gateway's life from start to end."""

from __future__ import annotations

from waypost.app.gateway import serve
from waypost.app.options import Options

__all__ = ["Options", "serve"]
