"""Which node works on what."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TABLES = ("batches", "files", "responses")


def upgrade() -> None:
    for table in _TABLES:
        op.add_column(table, sa.Column("node", sa.String(16), nullable=False, server_default=""))


def downgrade() -> None:
    for table in _TABLES:
        op.drop_column(table, "node")
