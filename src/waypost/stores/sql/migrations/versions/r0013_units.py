"""What is not counted in tokens, on each line and in the sums of usage. Older nodes write neither."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_SUMS = ("audio_ms", "characters", "images", "searches")


def upgrade() -> None:
    op.add_column("lines", sa.Column("units", sa.Text()))
    for name in _SUMS:
        op.add_column("usage", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))


def downgrade() -> None:
    for name in reversed(_SUMS):
        op.drop_column("usage", name)
    op.drop_column("lines", "units")
