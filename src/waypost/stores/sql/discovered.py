"""The models that providers listed, kept so that a start does not wait for any provider. Blocking."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from sqlalchemy import delete, insert, select

from waypost.core.facts import ModelFacts
from waypost.stores.sql.engine import Database
from waypost.stores.sql.tables import DISCOVERED_MODELS


class DiscoveredModels:
    """Per provider, its newest list. Raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, provider: str, models: Mapping[str, ModelFacts], at: float) -> None:
        """Replace the provider's list by this one, seen at Unix time `at`."""
        table = DISCOVERED_MODELS
        rows = [
            {
                "provider": provider,
                "model": model,
                "seen_at": at,
                "facts": msgspec.json.encode(facts).decode(),
            }
            for model, facts in models.items()
        ]
        with self._database.write() as connection:
            connection.execute(delete(table).where(table.c.provider == provider))
            if rows:
                connection.execute(insert(table), rows)

    def list(self) -> dict[str, dict[str, ModelFacts]]:
        """Every provider's models by id, in the order of their names."""
        table = DISCOVERED_MODELS
        found: dict[str, dict[str, ModelFacts]] = {}
        query = select(table.c.provider, table.c.model, table.c.facts).order_by(
            table.c.provider, table.c.model
        )
        with self._database.read() as connection:
            for provider, model, facts in connection.execute(query):
                found.setdefault(provider, {})[model] = msgspec.json.decode(facts, type=ModelFacts)
        return found
