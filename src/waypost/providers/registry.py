"""Provider rows by name, and what follows from a row alone."""

from __future__ import annotations

from posixpath import normpath
from urllib.parse import urlsplit

from waypost.providers.rows import CLOUD, LOCAL
from waypost.providers.spec import ProviderSpec


def all_providers() -> tuple[ProviderSpec, ...]:
    """Every row: providers with an account first, then servers on this machine."""
    return CLOUD + LOCAL


def find_provider(name: str) -> ProviderSpec | None:
    """The row a config `preset` names; None when there is none. For start-up: it looks through all rows."""
    return next((spec for spec in all_providers() if spec.name == name), None)


def models_request_path(spec: ProviderSpec) -> str | None:
    """The path on the provider's origin that lists its models, such as `/v1/models`; None if it has no list.

    A `models_path` may climb out of the base URL's path with `..` segments.
    """
    if spec.models_path is None:
        return None
    return normpath(urlsplit(spec.base_url).path + spec.models_path)
