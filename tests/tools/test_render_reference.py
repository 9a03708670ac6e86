from __future__ import annotations

from tools.render_reference import ADVICE, error_classes, main, render_config, stale
from waypost.config.load import load_bytes


def test_the_pages_are_what_the_code_says() -> None:
    assert stale() == [], "run `python -m tools.render_reference`"
    assert main(["--check"]) == 0


def test_every_error_code_has_advice_and_no_advice_is_left_over() -> None:
    assert {error.code for error in error_classes()} == set(ADVICE)


def test_the_example_of_the_page_is_valid() -> None:
    example = render_config().split("```yaml\n")[1].split("```")[0]
    assert [model.name for model in load_bytes(example.encode()).config.models] == ["fast"]
