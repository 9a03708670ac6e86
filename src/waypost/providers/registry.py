"""Provider rows by name."""

from __future__ import annotations

from waypost.providers.rows import CLOUD, LOCAL
from waypost.providers.spec import ProviderSpec


def all_providers() -> tuple[ProviderSpec, ...]:
    """Every row: providers with an account first, then servers on this machine."""
    return CLOUD + LOCAL


def find_provider(name: str) -> ProviderSpec | None:
    """The row a config `preset` names; None when there is none. For start-up: it looks through all rows."""
    return next((spec for spec in all_providers() if spec.name == name), None)
