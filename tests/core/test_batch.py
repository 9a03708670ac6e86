from __future__ import annotations

import pytest

from waypost.core.batch import Batch, line_exchange, line_of


def batch(exchange_id: str = "wp-1-ab-0001", life: int = 1) -> Batch:
    return Batch("batch_1", "k1", "/v1/responses", "file-1", "24h", 0.0, 1.0, exchange_id, life=life)


@pytest.mark.parametrize(
    ("line", "life", "tries"), [(1, 1, 1), (50_000, 1, 1), (7, 1, 2), (7, 3, 1), (7, 3, 40)]
)
def test_an_exchange_says_which_line_it_answered(line: int, life: int, tries: int) -> None:
    made = line_exchange(batch(life=life), line, tries)
    assert line_of("wp-1-ab-0001", made) == line
    assert line_of("wp-1-ab-0002", made) is None
    assert line_of("wp-1-ab-000", made) is None


def test_no_try_of_any_process_has_the_id_of_another() -> None:
    some = (1, 2, 12)
    made = {line_exchange(batch(life=life), line, tries) for line in some for life in some for tries in some}
    assert len(made) == 27


@pytest.mark.parametrize("other", ["x", "x-b", "x-", "x.1", "y-1"])
def test_other_exchanges_answered_no_line(other: str) -> None:
    assert line_of("x", other) is None
