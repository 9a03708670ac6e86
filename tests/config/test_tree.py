from __future__ import annotations

from decimal import Decimal

import pytest

from waypost.config.tree import MAX_DEPTH, Unreadable, parse_yaml


def plain(text: str) -> object:
    return parse_yaml(text.encode(), "f")[0].plain()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("true", True),
        ("12", 12),
        ("-3", -3),
        ("0.1", Decimal("0.1")),
        ("2.00", Decimal("2.00")),
        ("1e3", Decimal("1e3")),
        ("'12'", "12"),
        ("0x10", "0x10"),
        (".inf", ".inf"),
        ("12:30:00", "12:30:00"),
        ("2026-11-21", "2026-11-21"),
    ],
)
def test_scalars(text: str, value: object) -> None:
    found = plain(f"[{text}]")
    assert found == [value]
    assert isinstance(found, list)
    assert type(found[0]) is type(value)


def test_a_name_without_a_value_is_left_out() -> None:
    assert plain("a:\nb: ~\nc: 1\n") == {"c": 1}


def test_places_count_from_one_and_fall_back_to_what_is_around() -> None:
    root, _ = parse_yaml(b"a:\n  - b: 1\n    c: [x, y]\n", "f")
    assert root.locate(("a", 0, "c", 1)) == (3, 12)
    assert root.locate(("a", 0, "nope")) == (2, 5)
    assert root.locate(()) == (1, 1)


def test_an_alias_repeats_its_anchor() -> None:
    assert plain("a: &x {k: [1]}\nb: *x\n") == {"a": {"k": [1]}, "b": {"k": [1]}}


@pytest.mark.parametrize(
    "text", ["[" * 50_000, "- " * 50_000, "? " * 5000, "a: &x [*x]", "a: *x", "{a: 1}: b"]
)
def test_what_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        parse_yaml(text.encode(), "f")


def test_depth_is_limited_and_enough() -> None:
    assert plain("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    with pytest.raises(Unreadable, match="nested deeper"):
        plain("[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2))
