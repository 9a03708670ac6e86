"""What commands take where nothing is said. No library is loaded for it."""

from __future__ import annotations

from pathlib import Path

DEFAULT_DATA = Path("data")
DEFAULT_URL = "http://127.0.0.1:4100"
DEFAULT_CONFIG = Path("waypost.yaml")


def chosen_config(config: Path | None) -> Path | None:
    """The file that was named, or the usual one if it is there."""
    if config is not None:
        return config
    return DEFAULT_CONFIG if DEFAULT_CONFIG.is_file() else None
