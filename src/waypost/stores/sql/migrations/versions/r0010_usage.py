"""Sums of usage. What was posted before is added up; tags and end users are counted from now on."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_SUMS = (
    "requests",
    "errors",
    "attempts",
    "unpriced",
    "cost_nusd",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
)
_OF = "hour, scope, scope_id, key_id, provider, model"
_LINES = """
SELECT at_us / 3600000000 AS hour, '' AS scope, '' AS scope_id, coalesce(key_id, '') AS key_id, provider, model,
    0 AS requests, 0 AS errors, 1 AS attempts, CASE WHEN cost_nusd IS NULL THEN 1 ELSE 0 END AS unpriced,
    coalesce(cost_nusd, 0) AS cost_nusd, coalesce(input_tokens, 0) AS input_tokens,
    coalesce(output_tokens, 0) AS output_tokens, coalesce(cache_read_tokens, 0) AS cache_read_tokens,
    coalesce(cache_write_tokens, 0) AS cache_write_tokens, coalesce(reasoning_tokens, 0) AS reasoning_tokens
FROM lines
"""
_REQUESTS = """
SELECT started_us / 3600000000, '', '', coalesce(key_id, ''),
    coalesce((SELECT provider FROM attempts WHERE attempts.exchange_id = exchanges.exchange_id
              ORDER BY place DESC LIMIT 1), ''),
    coalesce((SELECT model FROM attempts WHERE attempts.exchange_id = exchanges.exchange_id
              ORDER BY place DESC LIMIT 1), ''),
    1, CASE WHEN outcome = 'ok' THEN 0 ELSE 1 END, 0, 0, 0, 0, 0, 0, 0, 0
FROM exchanges
"""


def upgrade() -> None:
    op.create_table(
        "usage",
        sa.Column("hour", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("scope", sa.String(16), primary_key=True),
        sa.Column("scope_id", sa.String(64), primary_key=True),
        sa.Column("key_id", sa.String(64), primary_key=True),
        sa.Column("provider", sa.Text(), primary_key=True),
        sa.Column("model", sa.Text(), primary_key=True),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _SUMS),
        sqlite_with_rowid=False,
    )
    op.create_index("usage_of_key", "usage", ["key_id", "hour"])
    sums = ", ".join(f"sum({name})" for name in _SUMS)
    op.execute(
        f"INSERT INTO usage ({_OF}, {', '.join(_SUMS)}) SELECT {_OF}, {sums} "  # noqa: S608 - names from above
        f"FROM ({_LINES} UNION ALL {_REQUESTS}) AS posted GROUP BY {_OF}"
    )


def downgrade() -> None:
    op.drop_table("usage")
