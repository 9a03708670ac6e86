"""Waypost: a self-hosted LLM gateway. `docs/architecture.md` is the map; `pipeline/run.py` the life of a request."""

__version__ = "0.1.0"
