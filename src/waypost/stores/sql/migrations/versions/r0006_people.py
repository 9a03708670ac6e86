"""Organizations, people, what they may spend, and how they sign in."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_LISTS = ("tags", "required_tags", "endpoints", "networks")


def upgrade() -> None:
    for column in (
        sa.Column("organization_id", sa.String(64), nullable=False, server_default="default"),
        sa.Column("team_id", sa.String(64)),
        sa.Column("project_id", sa.String(64)),
        sa.Column("user_id", sa.String(64)),
        sa.Column("service_id", sa.String(64)),
        *(sa.Column(name, sa.Text(), nullable=False, server_default="[]") for name in _LISTS),
        sa.Column("made_by", sa.String(80), nullable=False, server_default=""),
    ):
        op.add_column("keys", column)
    op.create_index("ix_keys_organization_id", "keys", ["organization_id"])
    op.create_index("ix_keys_user_id", "keys", ["user_id"])
    objects = op.create_table(
        "objects",
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("object_id", sa.String(64), primary_key=True),
        sa.Column("organization_id", sa.String(64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.Float()),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sqlite_with_rowid=False,
    )
    living = objects.c.deleted_at.is_(None)
    names = ["kind", "organization_id", "name"]
    op.create_index(
        "objects_by_name", "objects", names, unique=True, sqlite_where=living, postgresql_where=living
    )
    op.create_index("ix_objects_revision", "objects", ["revision"])
    op.create_table(
        "passwords",
        sa.Column("user_id", sa.String(64), primary_key=True),
        sa.Column("hash", sa.Text()),
        sa.Column("totp", sa.LargeBinary()),
        sa.Column("totp_step", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("recovery", sa.Text(), nullable=False, server_default="[]"),
        sa.Column("changed_at", sa.Float(), nullable=False),
    )
    op.create_table(
        "sessions",
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("seen_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=False),
        sa.Column("strong", sa.Boolean(), nullable=False),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
    op.create_table(
        "credits",
        sa.Column("entry_id", sa.String(64), primary_key=True),
        sa.Column("organization_id", sa.String(64), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("amount_nusd", sa.BigInteger(), nullable=False),
        sa.Column("debit", sa.String(80), nullable=False),
        sa.Column("credit", sa.String(80), nullable=False),
        sa.Column("expires_at", sa.Float()),
        sa.Column("of_entry", sa.String(64)),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_by", sa.String(80), nullable=False),
    )
    op.create_index("credits_of_organization", "credits", ["organization_id", "at"])
    op.execute("INSERT INTO versions (name, value) VALUES ('directory', 0)")


def downgrade() -> None:
    for table in ("credits", "sessions", "passwords", "objects"):
        op.drop_table(table)
    op.execute("DELETE FROM versions WHERE name = 'directory'")
    op.drop_index("ix_keys_user_id", "keys")
    op.drop_index("ix_keys_organization_id", "keys")
    for name in ("organization_id", "team_id", "project_id", "user_id", "service_id", *_LISTS, "made_by"):
        op.drop_column("keys", name)
