from __future__ import annotations

import pytest

from waypost.routing.requested.pattern import Pattern


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("gpt", "my gpt-5", True),
        ("^gpt", "my gpt-5", False),
        (r"^\d{3}$", "123", True),
        (r"^\d{3}$", "1234", False),
        ("", "", True),
        ("(?i)EU", "eu-west", True),
        ("ü|ß", "größe", True),
    ],
)
def test_it_is_found_anywhere(pattern: str, text: str, found: bool) -> None:
    assert Pattern(pattern).found_in(text) is found


@pytest.mark.parametrize(
    "pattern", ["(", "[", "*", "(?=a)", "(?<!a)b", r"(a)\1", r"\d{100000}", "((a{99}){99}){99}", "x" * 513]
)
def test_what_is_not_understood_or_too_large_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError):
        Pattern(pattern)


@pytest.mark.parametrize(
    "pattern", ["^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$"]
)
def test_patterns_that_explode_elsewhere_end(pattern: str) -> None:
    # With backtracking, each would take longer than the universe has been there.
    assert Pattern(pattern).found_in("a" * 60_000 + "!") is False


def test_a_text_without_end_is_not_looked_at() -> None:
    assert Pattern("a").found_in("a" * 65_536) is True
    assert Pattern("a").found_in("a" * 65_537) is False
