"""The composition root: the only place that wires adapters to ports, and the gateway's life from start to end."""

from __future__ import annotations

from waypost.app.gateway import Options, serve

__all__ = ["Options", "serve"]
