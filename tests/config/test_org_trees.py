from __future__ import annotations

from decimal import Decimal

import pytest

from waypost.config.org_trees import parse_tree, render_tree, route_of
from waypost.config.problems import problems_of
from waypost.core.org_route import TEXT_MAX
from waypost.errors import ConfigInvalid

EVERYTHING = """{
  "need": {"features": ["tools"], "max_price": {"input": 0.1}},
  "fallback": [
    {"conditional": [{"when": "request.stream", "then": {"route": "fast"}}], "otherwise": {"target": "a/b"}},
    {"weighted": [{"target": "a/b", "weight": 3}, {"target": "a/c"}], "sticky": ["user"]},
    {"canary": {"target": "a/d"}, "stable": {"target": "a/b"}, "percent": "2.5"},
    {"target": "a/e", "set": {"temperature": 0.3000000000000000000001, "stop": null}, "timeout": "20s"}
  ]
}"""


def faults(text: str) -> list[str]:
    with pytest.raises(ConfigInvalid) as caught:
        parse_tree(text)
    return [f"{each.path}: {each.message}" for each in problems_of(caught.value)]


def test_there_is_one_spelling_and_it_keeps_every_digit() -> None:
    text = render_tree(parse_tree(EVERYTHING))
    assert render_tree(parse_tree(text)) == text
    assert '"percent":2.5' in text
    assert '"temperature":0.3000000000000000000001' in text
    tree = parse_tree(text)
    assert tree.fallback is not None
    assert tree.fallback[2].percent == Decimal("2.5")


def test_a_route_has_the_same_tree_and_a_name() -> None:
    route = route_of("smart", '{"target":"a/b"}')
    assert (route.name, route.target) == ("smart", "a/b")
    assert render_tree(route) == '{"target":"a/b"}'


def test_every_fault_is_told_with_its_place() -> None:
    told = faults('{"fallback": [{"target": 5}, {"targt": "a/b"}], "percent": "x"}')
    assert [each.partition(":")[0] for each in told] == ["fallback[0].target", "fallback[1].targt", "percent"]


def test_a_value_that_may_be_a_secret_is_not_quoted() -> None:
    assert "sk-secret" not in str(faults('{"target": ["sk-secret"], "when": "sk-secret"}'))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '"route/x"',
        "null",
        "{}]",
        '{"target": "a/b", "set": {"x": 1e99999999999999999999}}',
        '{"fallback": ' * 100 + "1" + "}" * 100,
        '{"target": "a/b", "set": {"x": ' + "[" * 5000 + "]" * 5000 + "}}",
        '{"target": "' + "a" * TEXT_MAX + '"}',
        '{"target": "a/b", "set": {"x": "\\ud800"}}',
        '{"target": "a/b", "set": {"x": ' + "9" * 6000 + "}}",
    ],
)
def test_what_is_no_tree(text: str) -> None:
    assert faults(text)
