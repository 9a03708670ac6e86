"""The measure of admission measures what it says, and its table is read as it is meant."""

from __future__ import annotations

from bench import admission
from bench.__main__ import arguments
from bench.admission import Figure, Work


def test_each_request_meets_six_accounts_and_three_limits() -> None:
    assert Work(20, 5, rules=False).admit()[0].accounts == ()
    for work in (Work(20, 5), Work(20, 5, named=True)):
        assert {len(work.admit()[0].accounts) for _ in range(60)} == {6}
        rules = work.directory.standing(work.keys[3]).rules
        assert len(work.directory.rules(work.directory.standing(work.keys[3]), work.named).paces) == 3
        assert len(rules.paces) == 3


def test_a_figure_for_every_size() -> None:
    figures = admission.measure(rounds=1, sizes=((2, 1, 2), (5, 3, 2)), batch=3)
    assert [(figure.keys, figure.budgets, figure.asking) for figure in figures] == [(2, 1, 2), (5, 3, 2)]
    assert all(min(*figure.bare, *figure.static, *figure.named) > 0 for figure in figures)


def test_the_table() -> None:
    text = admission.table([Figure(100_000, 10_000, 500, (0.5, 0.2), (15.25, 4.0), (17.0, 4.5))])
    assert (
        text.splitlines()[-1] == "| 100,000 | 10,000 | 500 | 0.5 + 0.2 µs | 15.2 + 4.0 µs | 17.0 + 4.5 µs |"
    )


def test_it_is_asked_for_by_name() -> None:
    assert arguments(["--admission"]).admission
    assert not arguments([]).admission
