from __future__ import annotations

from datetime import date
from decimal import Decimal

from waypost.ledger.bills import Charge
from waypost.ledger.reconcile import Booked, reconcile

DOLLAR = 1_000_000_000
MON, TUE = date(2026, 11, 23), date(2026, 11, 24)
ONE = Decimal("0.01")
CHARGES = (
    Charge(MON, "Claude Haiku 4.5", 10 * DOLLAR),
    Charge(TUE, "Claude Haiku 4.5", 20 * DOLLAR),
    Charge(TUE, "Claude Opus 4.5", 5 * DOLLAR),
)
BOOKED = (
    Booked(MON, "claude-haiku-4-5-20251001", 10 * DOLLAR, 3),
    Booked(TUE, "claude-haiku-4-5-20251001", 20 * DOLLAR, 5, 1, DOLLAR),
    Booked(TUE, "claude-opus-4-5", 5 * DOLLAR, 2),
)


def test_a_bill_that_is_right() -> None:
    found = reconcile(CHARGES, BOOKED, tolerance=Decimal(0))
    assert found.within
    assert [(row.day, row.model) for row in found.rows] == [
        (MON, "claude-haiku-4-5-20251001"),
        (TUE, "claude-haiku-4-5-20251001"),
        (TUE, "claude-opus-4-5"),
    ]
    total = found.total
    assert (total.billed_nusd, total.booked_nusd, total.lines) == (35 * DOLLAR, 35 * DOLLAR, 10)
    assert (total.unpriced, total.guessed_nusd, total.difference_nusd) == (1, DOLLAR, 0)


def test_rows_by_day_or_by_model() -> None:
    by_day = reconcile(CHARGES, BOOKED, tolerance=ONE, by="day")
    assert [(row.day, row.model, row.billed_nusd // DOLLAR) for row in by_day.rows] == [
        (MON, None, 10),
        (TUE, None, 25),
    ]
    by_model = reconcile(CHARGES, BOOKED, tolerance=ONE, by="model")
    assert [(row.day, row.model, row.lines) for row in by_model.rows] == [
        (None, "claude-haiku-4-5-20251001", 8),
        (None, "claude-opus-4-5", 2),
    ]


def test_a_row_that_is_off_is_not_made_up_for_by_another_one() -> None:
    moved = (
        *BOOKED[:1],
        Booked(TUE, "claude-haiku-4-5", 21 * DOLLAR, 5),
        Booked(TUE, "claude-opus-4-5", 4 * DOLLAR, 2),
    )
    found = reconcile(CHARGES, moved, tolerance=ONE)
    assert [row.within for row in found.rows] == [True, False, False]
    assert found.total.within
    assert not found.within
    assert reconcile(CHARGES, moved, tolerance=ONE, by="day").within
    assert [row.difference_nusd for row in found.rows] == [0, -DOLLAR, DOLLAR]


def test_a_share_or_a_cent_is_tolerated() -> None:
    for billed, booked, within in (
        (100 * DOLLAR, 99 * DOLLAR, True),
        (100 * DOLLAR, 99 * DOLLAR - 1, False),
        (10_000_000, 0, True),
        (10_000_001, 0, False),
        (0, 10_000_001, False),
    ):
        found = reconcile([Charge(MON, "m", billed)], [Booked(MON, "m", booked, 1)], tolerance=ONE)
        assert found.within is within


def test_what_only_one_side_knows() -> None:
    found = reconcile(CHARGES[2:], [Booked(MON, "gpt-5", DOLLAR, 1)], tolerance=ONE)
    assert [(row.model, row.billed_nusd, row.booked_nusd) for row in found.rows] == [
        ("gpt-5", 0, DOLLAR),
        ("Claude Opus 4.5", 5 * DOLLAR, 0),
    ]
    assert not found.within


def test_a_bill_without_models_is_compared_by_day() -> None:
    found = reconcile([Charge(MON, "", 10 * DOLLAR)], BOOKED[:1], tolerance=ONE)
    assert not found.models_told
    assert [(row.day, row.model, row.within) for row in found.rows] == [(MON, None, True)]


def test_nothing_against_nothing() -> None:
    assert reconcile([], [], tolerance=ONE).within
