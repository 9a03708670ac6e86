from __future__ import annotations

from tools.render_providers import BEGIN, END, GROUPS, WORDS, main, render_page, render_tables
from waypost.providers.registry import all_providers
from waypost.providers.spec import DIALECT_NAMES


def test_the_page_is_what_the_rows_say() -> None:
    assert main(["--check"]) == 0


def test_every_row_and_every_dialect_has_its_words() -> None:
    assert {row.name for rows in GROUPS.values() for row in rows} == {row.name for row in all_providers()}
    assert set(WORDS) == DIALECT_NAMES


def test_only_what_stands_between_the_marks_is_rendered() -> None:
    page = render_page(f"before\n{BEGIN}old{END}after\n")
    assert page == f"before\n{BEGIN}\n{render_tables()}{END}after\n"
