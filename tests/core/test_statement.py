from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from waypost.core.credit import Credit, entry
from waypost.core.statement import as_csv, month_of, number_of, statement

DAY = 86_400
JANUARY, FEBRUARY = date(2027, 1, 1), date(2027, 2, 1)
FIRST = number_of(JANUARY)


def topup(name: str, day: int, amount: int, **more: str) -> Credit:
    return entry(name, "org_a", (FIRST + day) * DAY + 60.0, "topup", amount, **more)


def test_it_begins_with_what_was_there_and_ends_with_what_is() -> None:
    entries = [topup("before", -3, 100), topup("b", 2, 50, reason="=1+1"), topup("after", 31, 999)]
    told = statement(entries, {FIRST - 1: 30, FIRST + 2: 20, FIRST: 5, FIRST + 31: 7}, JANUARY, FEBRUARY)
    assert (told.opening_nusd, told.closing_nusd) == (70, 95)
    assert [(each.day.day, each.kind, each.signed_nusd, each.balance_nusd) for each in told.items] == [
        (1, "used", -5, 65), (3, "topup", 50, 115), (3, "used", -20, 95),
    ]  # fmt: skip
    assert as_csv(told).splitlines() == [
        "date,kind,id,amount,balance,reason,made_by",
        "2027-01-01,opening,,,0.00000007,,",
        "2027-01-01,used,,-0.000000005,0.000000065,,",
        "2027-01-03,topup,b,0.00000005,0.000000115,'=1+1,",
        "2027-01-03,used,,-0.00000002,0.000000095,,",
        "2027-02-01,closing,,,0.000000095,,",
    ]


def test_the_month_so_far_is_up_to_the_end_of_today() -> None:
    at = (number_of(date(2027, 1, 31)) + 0.99) * DAY
    assert month_of(at) == (JANUARY, FEBRUARY)


@given(
    st.lists(st.tuples(st.integers(-40, 40), st.integers(1, 10**12)), max_size=12),
    st.dictionaries(st.integers(FIRST - 40, FIRST + 40), st.integers(1, 10**12), max_size=12),
)
def test_sums_are_exact_and_one_month_begins_where_the_other_ended(
    given_: list[tuple[int, int]], used: dict[int, int]
) -> None:
    entries = [topup(f"e{place}", day, amount) for place, (day, amount) in enumerate(given_)]
    told = statement(entries, used, JANUARY, FEBRUARY)
    assert told.opening_nusd + sum(each.signed_nusd for each in told.items) == told.closing_nusd
    assert all(after.balance_nusd - before.balance_nusd == after.signed_nusd
               for before, after in zip(told.items, told.items[1:], strict=False))  # fmt: skip
    assert statement(entries, used, FEBRUARY, date(2027, 3, 1)).opening_nusd == told.closing_nusd
    whole = statement(entries, used, date(2026, 1, 1), date(2028, 1, 1))
    assert whole.opening_nusd == 0
    assert whole.closing_nusd == sum(each.signed_nusd for each in entries) - sum(used.values())
