"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _keys()
    _money()
    _log()
    _rest()
    op.execute("INSERT INTO versions (name, value) VALUES ('keys', 0)")


def downgrade() -> None:
    raise NotImplementedError("There is nothing before the first revision: restore a backup instead.")


def _keys() -> None:
    """Keys, their secrets and the versions that tell of changes."""
    op.create_table(
        "keys",
        sa.Column("key_id", sa.String(64), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float()),
        sa.Column("revoked_at", sa.Float()),
        sa.Column("models", sa.Text(), nullable=False),
        sa.Column("rpm", sa.Integer()),
        sa.Column("budget_nusd", sa.BigInteger()),
        sa.Column("budget_per", sa.String(8), nullable=False),
        sa.Column("log_content", sa.Boolean()),
        sa.Column("revision", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_keys_name", "keys", ["name"])
    op.create_index("ix_keys_revision", "keys", ["revision"])
    op.create_table(
        "key_secrets",
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("hint", sa.String(64), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float()),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_key_secrets_key_id", "key_secrets", ["key_id"])
    op.create_table(
        "versions",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("value", sa.BigInteger(), nullable=False),
    )


def _money() -> None:
    """Accounts and the journal."""
    op.create_table(
        "accounts",
        sa.Column("account_id", sa.String(160), primary_key=True),
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("scope_id", sa.String(64), nullable=False),
        sa.Column("window_start", sa.String(40), nullable=False),
        sa.Column("posted_nusd", sa.BigInteger(), nullable=False),
        sa.Column("lines", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "lines",
        sa.Column("attempt_id", sa.String(64), primary_key=True),
        sa.Column("exchange_id", sa.String(64), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.String(64)),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("cost_nusd", sa.BigInteger()),
        sa.Column("price_version", sa.Text()),
        sa.Column("accounts", sa.Text(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger()),
        sa.Column("output_tokens", sa.BigInteger()),
        sa.Column("cache_read_tokens", sa.BigInteger()),
        sa.Column("cache_write_tokens", sa.BigInteger()),
        sa.Column("cache_write_1h_tokens", sa.BigInteger()),
        sa.Column("reasoning_tokens", sa.BigInteger()),
        sa.Column("audio_input_tokens", sa.BigInteger()),
        sa.Column("audio_output_tokens", sa.BigInteger()),
        sa.Column("usage_source", sa.String(16)),
        sa.Column("charged_nusd", sa.BigInteger()),
        sqlite_with_rowid=False,
    )


def _log() -> None:
    """The request log."""
    op.create_table(
        "exchanges",
        sa.Column(
            "seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True
        ),
        sa.Column("exchange_id", sa.String(64), nullable=False),
        sa.Column("started_us", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.String(64)),
        sa.Column("operation", sa.String(32), nullable=False),
        sa.Column("asked_model", sa.Text()),
        sa.Column("route", sa.Text()),
        sa.Column("stream", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("error", sa.String(64)),
        sa.Column("first_token_us", sa.BigInteger()),
        sa.Column("total_us", sa.BigInteger(), nullable=False),
        sa.Column("overhead_us", sa.BigInteger(), nullable=False),
        sa.Column("cost_nusd", sa.BigInteger()),
        sa.Column("config_version", sa.BigInteger(), nullable=False),
        sa.Column("accounts", sa.Text(), nullable=False),
        sa.Column("finish_reason", sa.String(64)),
        sqlite_autoincrement=True,
    )
    op.create_index("exchanges_by_id", "exchanges", ["exchange_id"], unique=True)
    op.create_table(
        "attempts",
        sa.Column("exchange_id", sa.String(64), primary_key=True),
        sa.Column("attempt_id", sa.String(64), primary_key=True),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("started_us", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("error", sa.String(64)),
        sa.Column("first_token_us", sa.BigInteger()),
        sa.Column("total_us", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "contents",
        sa.Column("exchange_id", sa.String(64), primary_key=True),
        sa.Column("request_body", sa.LargeBinary()),
        sa.Column("response_body", sa.LargeBinary()),
    )


def _rest() -> None:
    """What recovery, discovery and the store itself remember."""
    op.create_table(
        "intents_applied",
        sa.Column("segment", sa.String(64), primary_key=True),
        sa.Column("upto", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "discovered_models",
        sa.Column("provider", sa.String(128), primary_key=True),
        sa.Column("model", sa.String(256), primary_key=True),
        sa.Column("seen_at", sa.Float(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
    )
    op.create_table(
        "meta",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.Text(), nullable=False),
    )
