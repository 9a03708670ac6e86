"""Files that clients keep, and batches."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "files",
        sa.Column("seq", _SEQUENCE, primary_key=True),
        sa.Column("file_id", sa.String(64), nullable=False),
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("purpose", sa.String(32), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float()),
    )
    op.create_index("files_by_id", "files", ["file_id"], unique=True)
    op.create_index("files_of_key", "files", ["key_id", "seq"])
    op.create_index("ix_files_expires_at", "files", ["expires_at"])
    op.create_table(
        "batches",
        sa.Column("seq", _SEQUENCE, primary_key=True),
        sa.Column("batch_id", sa.String(64), nullable=False),
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("input_file_id", sa.String(64), nullable=False),
        sa.Column("kept_until", sa.Float()),
        sa.Column("record", sa.LargeBinary(), nullable=False),
    )
    op.create_index("batches_by_id", "batches", ["batch_id"], unique=True)
    op.create_index("batches_of_key", "batches", ["key_id", "seq"])
    op.create_index("ix_batches_status", "batches", ["status"])
    op.create_index("ix_batches_kept_until", "batches", ["kept_until"])


def downgrade() -> None:
    op.drop_table("batches")
    op.drop_table("files")
