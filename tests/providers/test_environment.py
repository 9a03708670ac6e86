"""Keys in the environment."""

from __future__ import annotations

import pytest

from waypost.providers.environment import find_in_environment, why_not_a_key

KEY = "sk-proj-8Jd72hfKq0Zp"


def test_usual_variables_are_found_in_the_order_of_the_rows() -> None:
    scan = find_in_environment({"GEMINI_API_KEY": KEY, "OPENAI_API_KEY": KEY, "PATH": "/bin"})
    assert [(item.spec.name, item.variable) for item in scan.found] == [
        ("openai", "OPENAI_API_KEY"),
        ("gemini", "GEMINI_API_KEY"),
    ]
    assert scan.ignored == ()


def test_the_preferred_variable_counts_and_a_placeholder_does_not() -> None:
    both = find_in_environment({"GEMINI_API_KEY": KEY, "GOOGLE_API_KEY": KEY})
    assert [item.variable for item in both.found] == ["GEMINI_API_KEY"]
    one = find_in_environment({"GEMINI_API_KEY": "changeme", "GOOGLE_API_KEY": KEY})
    assert [item.variable for item in one.found] == ["GOOGLE_API_KEY"]
    assert [(item.variable, item.reason) for item in one.ignored] == [
        ("GEMINI_API_KEY", "it looks like a placeholder")
    ]


def test_nothing_that_is_returned_holds_a_value() -> None:
    scan = find_in_environment({"OPENAI_API_KEY": KEY, "GROQ_API_KEY": "my secret value"})
    assert KEY not in repr(scan)
    assert "my secret value" not in repr(scan)


@pytest.mark.parametrize(
    "value",
    [
        "", "  ", "changeme", "CHANGE_ME", "change-me-please", "sk-...", "sk-…", "your-key", "your_openai_api_key",
        "<your key>", "<OPENAI_KEY>", "${OPENAI_API_KEY}", "xxxxxxxxxxxx", "sk-xxxxxxxxxxxxxxxx", "************",
        "placeholder", "replace-me", "sk-1234567890", "none", "null", "dummy-key", "insert-your-token-here",
        "short", "two words here", "line\nbreak-in-it", "schlüssel-mit-umlaut", "api-key", "secret",
    ],
)  # fmt: skip
def test_what_is_not_a_key(value: str) -> None:
    reason = why_not_a_key(value)
    assert reason in {
        "it is empty",
        "it has characters that no key has",
        "it looks like a placeholder",
        "it is shorter than 8 characters",
    }


@pytest.mark.parametrize(
    "value",
    [KEY, "sk-ant-api03-Zk3_-9aB", "AIzaSyD3x4mpl30fKey01", "gsk_Q9xw81mB7", "hf_vYourselfXkQ", f"  {KEY}\n"],
)
def test_what_is_a_key(value: str) -> None:
    assert why_not_a_key(value) is None
