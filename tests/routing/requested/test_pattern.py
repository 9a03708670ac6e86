from __future__ import annotations

import pytest

from waypost.routing.requested.pattern import Pattern, Patterns


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
    "pattern",
    [
        "(",
        "[",
        "*",
        "(?=a)",
        "(?<!a)b",
        r"(a)\1",
        r"\d{100000}",
        "((a{99}){99}){99}",
        r"\w{1,2000}",
        "x" * 513,
    ],
)
def test_what_is_not_understood_or_too_large_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError):
        Pattern(pattern)


@pytest.mark.parametrize(
    "pattern", ["^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$"]
)
def test_patterns_that_explode_elsewhere_end(pattern: str) -> None:
    # With backtracking, each would take longer than the universe has been there.
    assert Pattern(pattern).found_in("a" * 16_000 + "!") is False


def test_a_text_without_end_is_not_looked_at() -> None:
    assert Pattern("a").found_in("a" * 16_384) is True
    assert Pattern("a").found_in("a" * 16_385) is False


@pytest.mark.parametrize(
    ("pattern", "share"),
    [
        ("^[a-z0-9._-]{1,64}$", 1),
        (r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}$", 1),
        ("(?i)^(gpt|claude|gemini)-[a-z0-9.-]+$", 1),
        ("(?i)^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", 1),
        ("|".join(f"word{number:03}" for number in range(64)), 2),
        ("(?i)" + "x" * 508, 4),
        (r"^\p{L}+$", 4),
        ("(?:a*b*){400}[^ab]", 4),
    ],
)
def test_as_how_many_it_counts(pattern: str, share: int) -> None:
    assert Pattern(pattern).share == share


@pytest.mark.parametrize(("pattern", "most"), [("a", 16), (r"^\w{1,128}$", 8), (r"^\p{L}+$", 4)])
def test_the_patterns_of_one_config_are_counted(pattern: str, most: int) -> None:
    patterns = Patterns()
    for _ in range(most):
        patterns.make(pattern)
    assert patterns.taken == 16
    with pytest.raises(ValueError, match="16 patterns"):
        patterns.make("a")
