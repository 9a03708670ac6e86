from __future__ import annotations

import pytest

from transcript import provider, target
from waypost.errors import BudgetExceeded, RateLimited
from waypost.pipeline import headers


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("gpt-5", b"gpt-5"),
        ("a\r\nx-evil: 1", b"a??x-evil: 1"),
        ("naïve\x00", b"na?ve?"),
        ("m" * 300, b"m" * 256),
    ],
)
def test_a_field_holds_nothing_that_could_end_a_header(text: str, value: bytes) -> None:
    assert headers.field(text) == value


def test_cost_is_exact_or_said_to_be_unknown() -> None:
    assert headers.cost(1) == (b"x-waypost-cost", b"0.000000001")
    assert headers.cost(None) == (b"x-waypost-cost", b"unknown")


def test_account_names_of_the_provider_are_kept_back() -> None:
    passed = [(b"openai-organization", b"acme"), (b"openai-version", b"2020"), (b"set-cookie", b"a=b")]
    lines = headers.served("x", "m", "p", 1, 1500, passed, (b"openai-",))
    assert (b"openai-version", b"2020") in lines
    assert {name for name, _ in lines}.isdisjoint({b"openai-organization", b"set-cookie"})
    assert (b"x-waypost-overhead-ms", b"1.500") in lines


def test_waits_are_rounded_up_to_seconds_and_exact_in_milliseconds() -> None:
    lines = headers.refusal(RateLimited("slow", retry_after_s=1.2))
    assert lines == [(b"retry-after", b"2"), (b"retry-after-ms", b"1200")]


def test_a_spent_budget_says_not_to_retry() -> None:
    assert (b"x-should-retry", b"false") in headers.refusal(BudgetExceeded("spent"))


def test_who_answered_is_rendered_once_for_each_target() -> None:
    names = headers.Names()
    one, other = target(provider("p")), target(provider("q"), "m\n2")
    assert names.of(one) == ((b"x-waypost-model", b"m1"), (b"x-waypost-provider", b"p"))
    assert names.of(other) == ((b"x-waypost-model", b"m?2"), (b"x-waypost-provider", b"q"))
    assert names.of(one) is names.of(one)


def test_names_of_any_number_of_targets_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headers, "_NAMES_MOST", 2)
    names = headers.Names()
    targets = [target(provider("p"), f"m{number}") for number in range(5)]
    for _ in range(2):
        for number, each in enumerate(targets):
            assert names.of(each)[0][1] == b"m%d" % number
    assert len(names._lines) <= 2
