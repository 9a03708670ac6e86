"""What nodes have set aside of accounts that they share."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("accounts", sa.Column("leased_nusd", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_table(
        "leases",
        sa.Column("account_id", sa.String(160), primary_key=True),
        sa.Column("node", sa.String(16), primary_key=True),
        sa.Column("amount_nusd", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("leases_of_node", "leases", ["node"])
    op.create_table(
        "nodes",
        sa.Column("node", sa.String(16), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.String(32), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=False),
        sa.Column("seen_at", sa.Float(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("nodes")
    op.drop_table("leases")
    op.drop_column("accounts", "leased_nusd")
