"""Rows by name and their model lists."""

from __future__ import annotations

from waypost.providers.registry import all_providers, find_provider


def test_rows_are_found_by_name() -> None:
    spec = find_provider("openai")
    assert spec is not None
    assert spec in all_providers()
    assert find_provider("nobody") is None
