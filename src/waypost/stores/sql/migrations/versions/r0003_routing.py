"""Why an exchange went where it went, what each attempt was for, and what a key's requests are given."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("exchanges", sa.Column("decision", sa.Text()))
    op.add_column("exchanges", sa.Column("drill", sa.String(64)))
    op.add_column("attempts", sa.Column("key_name", sa.Text(), nullable=False, server_default=""))
    op.add_column("attempts", sa.Column("role", sa.String(16), nullable=False, server_default="first"))
    op.add_column("keys", sa.Column("route", sa.Text()))
    op.add_column("keys", sa.Column("priority", sa.String(8), nullable=False, server_default="normal"))
    op.add_column("keys", sa.Column("operator", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    for table, column in (
        ("exchanges", "decision"),
        ("exchanges", "drill"),
        ("attempts", "key_name"),
        ("attempts", "role"),
        ("keys", "route"),
        ("keys", "priority"),
        ("keys", "operator"),
    ):
        op.drop_column(table, column)
