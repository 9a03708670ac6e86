from __future__ import annotations

import pytest

from waypost.core.asked import Asked


@pytest.mark.parametrize(
    ("limit", "choices", "largest", "expected"),
    [
        (None, 1, None, 100),  # the reserve
        (None, 1, 40, 40),  # or what the model can say, where that is less
        (None, 1, 400, 100),
        (300, 1, 40, 300),  # the client's limit is believed
        (300, 3, None, 900),
        (None, 2, 40, 80),
        (300, 0, None, 0),  # there is no output
    ],
)
def test_expected_output(limit: int | None, choices: int, largest: int | None, expected: int) -> None:
    asked = Asked("m", stream=False, fields={}, max_output=limit, choices=choices)
    assert asked.expected_output(largest, 100) == expected
