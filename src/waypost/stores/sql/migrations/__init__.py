"""Alembic revisions, oldest first. A database is brought up to date at start by `stores.sql.schema`."""
