"""The tables. Money in nano-dollars, times in Unix microseconds (`*_us`) or seconds (`*_at`), all UTC. A change here is
a new migration as well; a test compares the two."""

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
    String,
    Table,
    Text,
    false,
)

from waypost.stores.sql import kept_tables
from waypost.stores.sql.rollup import ADDED, SUMS

METADATA: Final = kept_tables.METADATA
SEQUENCE: Final = kept_tables.SEQUENCE
_DEED: Final = ("actor", "via", "action", "request_id", "address")


def _usage() -> list[Column[int] | Column[str]]:
    kinds = (
        "input",
        "output",
        "cache_read",
        "cache_write",
        "cache_write_1h",
        "reasoning",
        "audio_input",
        "audio_output",
    )
    return [*(Column(f"{kind}_tokens", BigInteger) for kind in kinds), Column("usage_source", String(16))]


#: A client's key: what it may do. Its secrets are beside it, because a rotated key has two for a while.
KEYS: Final = Table(
    "keys",
    METADATA,
    Column("key_id", String(64), primary_key=True),
    Column("name", Text, nullable=False, index=True),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    Column("revoked_at", Float),
    Column("models", Text, nullable=False),
    Column("rpm", Integer),
    Column("budget_nusd", BigInteger),
    Column("budget_per", String(8), nullable=False),
    Column("log_content", Boolean),
    Column("route", Text),
    Column("priority", String(8), nullable=False, server_default="normal"),
    Column("operator", Boolean, nullable=False, server_default=false()),
    Column("organization_id", String(64), nullable=False, server_default="default", index=True),
    Column("team_id", String(64)),
    Column("project_id", String(64)),
    Column("user_id", String(64), index=True),
    Column("service_id", String(64)),
    Column("tags", Text, nullable=False, server_default="[]"),
    Column("required_tags", Text, nullable=False, server_default="[]"),
    Column("endpoints", Text, nullable=False, server_default="[]"),
    Column("networks", Text, nullable=False, server_default="[]"),
    Column("made_by", String(80), nullable=False, server_default=""),
    Column("revision", BigInteger, nullable=False, index=True),
)

KEY_SECRETS: Final = Table(
    "key_secrets",
    METADATA,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("key_id", String(64), nullable=False, index=True),
    Column("hint", String(64), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    sqlite_with_rowid=False,
)

#: The directory: organizations, teams, people, budgets … What they are is in `record`; what is looked up or has to be
#: unique stands beside it. Deleted ones stay as rows for a while, so that every node hears of it.
OBJECTS: Final = Table(
    "objects",
    METADATA,
    Column("kind", String(16), primary_key=True),
    Column("object_id", String(64), primary_key=True),
    Column("organization_id", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("revision", BigInteger, nullable=False, index=True),
    Column("deleted_at", Float),
    Column("record", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
Index(
    "objects_by_name",
    OBJECTS.c.kind,
    OBJECTS.c.organization_id,
    OBJECTS.c.name,
    unique=True,
    sqlite_where=OBJECTS.c.deleted_at.is_(None),
    postgresql_where=OBJECTS.c.deleted_at.is_(None),
)

#: How people prove who they are. Never in `record`, so that nothing that shows objects can show them.
PASSWORDS: Final = Table(
    "passwords",
    METADATA,
    Column("user_id", String(64), primary_key=True),
    Column("hash", Text),
    Column("totp", LargeBinary),
    Column("totp_step", BigInteger, nullable=False, server_default="0"),
    Column("recovery", Text, nullable=False, server_default="[]"),
    Column("changed_at", Float, nullable=False),
)

#: People who are signed in.
SESSIONS: Final = Table(
    "sessions",
    METADATA,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("user_id", String(64), nullable=False, index=True),
    Column("created_at", Float, nullable=False),
    Column("seen_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False, index=True),
    Column("strong", Boolean, nullable=False),
)

#: Prepaid balances: one immutable row per entry, of double entry. What is used is in `lines`.
CREDITS: Final = Table(
    "credits",
    METADATA,
    Column("entry_id", String(64), primary_key=True),
    Column("organization_id", String(64), nullable=False),
    Column("at", Float, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("amount_nusd", BigInteger, nullable=False),
    Column("debit", String(80), nullable=False),
    Column("credit", String(80), nullable=False),
    Column("expires_at", Float),
    Column("of_entry", String(64)),
    Column("reason", Text, nullable=False),
    Column("made_by", String(80), nullable=False),
    Index("credits_of_organization", "organization_id", "at"),
)

#: One number per kind of thing, raised in the same transaction as every change to it.
VERSIONS: Final = Table(
    "versions",
    METADATA,
    Column("name", String(32), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

#: One budget window of one scope. Nothing is ever reset: a new window is a new row.
ACCOUNTS: Final = Table(
    "accounts",
    METADATA,
    Column("account_id", String(160), primary_key=True),
    Column("scope", String(16), nullable=False),
    Column("scope_id", String(64), nullable=False),
    Column("window_start", String(40), nullable=False),
    Column("posted_nusd", BigInteger, nullable=False),
    Column("lines", BigInteger, nullable=False),
    Column("leased_nusd", BigInteger, nullable=False, server_default="0"),
    sqlite_with_rowid=False,
)

#: What a node may spend of an account without asking: held, settled and not yet posted, or free. Of an account,
#: `leased_nusd` is the sum. Only where several nodes share a database.
LEASES: Final = Table(
    "leases",
    METADATA,
    Column("account_id", String(160), primary_key=True),
    Column("node", String(16), primary_key=True),
    Column("amount_nusd", BigInteger, nullable=False),
    Index("leases_of_node", "node"),
    sqlite_with_rowid=False,
)

#: Who shares the database.
NODES: Final = Table(
    "nodes",
    METADATA,
    Column("node", String(16), primary_key=True),
    Column("name", Text, nullable=False),
    Column("version", String(32), nullable=False),
    Column("started_at", Float, nullable=False),
    Column("seen_at", Float, nullable=False),
)

#: The journal: one row per attempt that was or may have been billed. Rows are never changed and never deleted.
LINES: Final = Table(
    "lines",
    METADATA,
    Column("attempt_id", String(64), primary_key=True),
    Column("exchange_id", String(64), nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("key_id", String(64)),
    Column("provider", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("cost_nusd", BigInteger),
    Column("price_version", Text),
    Column("accounts", Text, nullable=False),
    *_usage(),
    Column("charged_nusd", BigInteger),
    Column("markup_nusd", BigInteger, nullable=False, server_default="0"),
    Column("units", Text),
    sqlite_with_rowid=False,
)

#: Sums of the lines and of the request log, posted with them (`rollup.py`). Never deleted.
USAGE: Final = Table(
    "usage",
    METADATA,
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("scope", String(16), primary_key=True),
    Column("scope_id", String(64), primary_key=True),
    Column("key_id", String(64), primary_key=True),
    Column("provider", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    *(Column(name, BigInteger, nullable=False, server_default=ADDED.get(name)) for name in SUMS),
    Index("usage_of_key", "key_id", "hour"),
    sqlite_with_rowid=False,
)

#: The request log, in the order of settlement (`seq`).
EXCHANGES: Final = Table(
    "exchanges",
    METADATA,
    Column("seq", SEQUENCE, primary_key=True, autoincrement=True),
    Column("exchange_id", String(64), nullable=False),
    Column("started_us", BigInteger, nullable=False),
    Column("key_id", String(64)),
    Column("operation", String(32), nullable=False),
    Column("asked_model", Text),
    Column("route", Text),
    Column("stream", Boolean, nullable=False),
    Column("status", Integer, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("error", String(64)),
    Column("first_token_us", BigInteger),
    Column("total_us", BigInteger, nullable=False),
    Column("overhead_us", BigInteger, nullable=False),
    Column("cost_nusd", BigInteger),
    Column("config_version", BigInteger, nullable=False),
    Column("accounts", Text, nullable=False),
    Column("finish_reason", String(64)),
    Column("decision", Text),
    Column("drill", String(64)),
    Index("exchanges_by_id", "exchange_id", unique=True),
    sqlite_autoincrement=True,
)

#: One row per attempt. Tokens and cost are in `lines`, once.
ATTEMPTS: Final = Table(
    "attempts",
    METADATA,
    Column("exchange_id", String(64), primary_key=True),
    Column("attempt_id", String(64), primary_key=True),
    Column("place", Integer, nullable=False),
    Column("provider", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("started_us", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("status", Integer),
    Column("error", String(64)),
    Column("first_token_us", BigInteger),
    Column("total_us", BigInteger, nullable=False),
    Column("key_name", Text, nullable=False, server_default=""),
    Column("role", String(16), nullable=False, server_default="first"),
    sqlite_with_rowid=False,
)

#: Bodies, only where content logging is switched on.
CONTENTS: Final = Table(
    "contents",
    METADATA,
    Column("exchange_id", String(64), primary_key=True),
    Column("request_body", LargeBinary),
    Column("response_body", LargeBinary),
)

INTENTS_APPLIED: Final = Table(
    "intents_applied",
    METADATA,
    Column("segment", String(64), primary_key=True),
    Column("upto", BigInteger, nullable=False),
)

DISCOVERED_MODELS: Final = Table(
    "discovered_models",
    METADATA,
    Column("provider", String(128), primary_key=True),
    Column("model", String(256), primary_key=True),
    Column("seen_at", Float, nullable=False),
    Column("facts", Text, nullable=False),
)

#: What was changed, by whom, in a chain of hashes (`core.deed`). The last number is in `versions`.
AUDIT: Final = Table(
    "audit",
    METADATA,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at_us", BigInteger, nullable=False, index=True),
    *(Column(name, String(200), nullable=False) for name in _DEED),
    Column("organization_id", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("object_id", String(200), nullable=False, index=True),
    Column("name", String(500), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("changes", Text, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    Index("audit_of_organization", "organization_id", "seq"),
    Index("audit_of_actor", "actor", "seq"),
)

#: Where the chain begins since older rows were dropped: the number and the hash of the last one of those.
AUDIT_ANCHORS: Final = Table(
    "audit_anchors",
    METADATA,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary(32), nullable=False),
)

META: Final = Table(
    "meta",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)
