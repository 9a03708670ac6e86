"""The tables of what is kept for clients. The rules of `tables.py` hold, which has all others."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

METADATA: Final = MetaData()
#: SQLite counts rows by itself only in a column of type INTEGER.
SEQUENCE: Final = BigInteger().with_variant(Integer(), "sqlite")

#: Answers of the Responses dialect that clients asked to keep. `node`: who makes or made it.
RESPONSES: Final = Table(
    "responses",
    METADATA,
    Column("response_id", String(128), primary_key=True),
    Column("key_id", String(64), nullable=False),
    Column("expires_at", Float, nullable=False, index=True),
    Column("status", String(16), nullable=False, index=True),
    Column("record", LargeBinary, nullable=False),
    Column("node", String(16), nullable=False, server_default=""),
)

#: Answers kept for requests that come again under the same idempotency key.
REPLAYS: Final = Table(
    "replays",
    METADATA,
    Column("replay_id", SEQUENCE, primary_key=True, autoincrement=True),
    Column("key_id", String(64), nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
    Column("fingerprint", LargeBinary(32), nullable=False),
    Column("exchange_id", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("headers", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("streamed", Boolean, nullable=False),
    Column("expires_at", Float, nullable=False, index=True),
    Index("replays_by_scope", "key_id", "digest", unique=True),
)

#: Who makes the answer for an idempotency key, while it is made: `node`, until `expires_at` at the longest.
CLAIMS: Final = Table(
    "claims",
    METADATA,
    Column("key_id", String(64), primary_key=True),
    Column("digest", LargeBinary(32), primary_key=True),
    Column("fingerprint", LargeBinary(32), nullable=False),
    Column("exchange_id", String(64), nullable=False),
    Column("node", String(16), nullable=False),
    Column("made_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False, index=True),
)

#: What clients keep: the content is on the disk of a node, under the id.
FILES: Final = Table(
    "files",
    METADATA,
    Column("seq", SEQUENCE, primary_key=True, autoincrement=True),
    Column("file_id", String(64), nullable=False),
    Column("key_id", String(64), nullable=False),
    Column("purpose", String(32), nullable=False),
    Column("filename", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, index=True),
    Column("node", String(16), nullable=False, server_default=""),
    Index("files_by_id", "file_id", unique=True),
    Index("files_of_key", "key_id", "seq"),
)

#: Requests worked off out of a file, by a node. `kept_until` is set when one is over.
BATCHES: Final = Table(
    "batches",
    METADATA,
    Column("seq", SEQUENCE, primary_key=True, autoincrement=True),
    Column("batch_id", String(64), nullable=False),
    Column("key_id", String(64), nullable=False),
    Column("status", String(16), nullable=False, index=True),
    Column("input_file_id", String(64), nullable=False),
    Column("kept_until", Float, index=True),
    Column("record", LargeBinary, nullable=False),
    Column("node", String(16), nullable=False, server_default=""),
    Index("batches_by_id", "batch_id", unique=True),
    Index("batches_of_key", "key_id", "seq"),
)
