"""The shape of a price row."""

from __future__ import annotations

import msgspec
import pytest

from waypost.catalog.rows import KINDS, PriceRow, unix_day


def test_a_row_survives_the_file() -> None:
    row = PriceRow(1, "flex", "2026-10-14", (3600, 7200), 272_000, (1, None, 3))
    assert msgspec.json.decode(msgspec.json.encode(row), type=PriceRow) == row
    assert len(KINDS) == len(set(KINDS)) == 13


def test_days_begin_at_midnight_utc() -> None:
    assert unix_day("1970-01-02") == 86400
    assert unix_day(None) == float("-inf")
    with pytest.raises(ValueError):
        unix_day("2026-02-30")
