"""What accounts stand at, for those who look. The ledger has its own reader, in its writer's process."""

from __future__ import annotations

from sqlalchemy import select

from waypost.stores.sql.engine import Database
from waypost.stores.sql.tables import ACCOUNTS


class AccountRows:
    """Blocking. Raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def posted(self, account_id: str) -> int:
        """Nano-dollars posted so far; 0 for an account that nothing was posted to."""
        query = select(ACCOUNTS.c.posted_nusd).where(ACCOUNTS.c.account_id == account_id)
        with self._database.read() as connection:
            return int(connection.scalar(query) or 0)
