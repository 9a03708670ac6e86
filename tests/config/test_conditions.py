from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.config.conditions import MAX_CHARS, compile_condition
from waypost.errors import ConfigError
from waypost.routing.view import Lookup

FACETS = Lookup(
    {
        "request": {"model": "gpt-5", "input_tokens": 150_000, "stream": True, "tier": None, "tools": 2},
        "content": {"text": "write me `code`", "has_code": True},
        "body": {"temperature": 0.1, "messages": [{"role": "system"}, {"role": "user"}]},
        "headers": {"x-team": "research"},
        "metadata": {"tags": ["a", "b"], "level": "3"},
        "key": {"priority": "high"},
        "user": None,
        "session": "s1",
        "time": {"hour": 10, "weekday": 3},
        "budget": {"left_usd": None, "limited": False},
    }
)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("request.input_tokens > 100000", True),
        ("request.input_tokens > 150000.5", False),
        ("request.stream && request.tools >= 2", True),
        ('request.model.startsWith("gpt-")', True),
        (r'request.model.matches(r"^gpt-\d$")', True),
        ("request.tier == null", True),
        ('headers["x-team"] == "research"', True),
        ('headers["x-other"] == "research"', False),
        ('headers["x-other"] != "research"', False),
        ('!("x-other" in headers)', True),
        ("has(metadata.level) && int(metadata.level) > 2", True),
        ("has(metadata.nothing)", False),
        ('metadata.nothing == "x" || request.stream', True),
        ('"b" in metadata.tags', True),
        ('body.messages.exists(m, m.role == "system")', True),
        ("body.temperature < 0.5", True),
        ("size(body) == 2", True),
        ('user == "me"', False),
        ("user == null", True),
        ('session == "s1" // a remark', True),
        ("time.weekday <= 5 && time.hour >= 9 && time.hour < 18", True),
        ("budget.left_usd < 1.0", False),
        ("!budget.limited || budget.left_usd < 1.0", True),
        ("type(request.model) == string", True),
        ('content.text.contains("code")', True),
        ("1 / 0 == 1", False),
        ("request.model", False),
        ("request.model > 3", False),
        ('trace == "not there"', False),
    ],
)
def test_what_holds(text: str, holds: bool) -> None:
    condition = compile_condition(text)
    assert condition.holds(FACETS) is holds
    assert condition.text == text
    assert repr(condition) == f"CelCondition({text!r})"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("request.", "at character 9: this can not stand there: '.'"),
        ("1 +", "at character 4: it ends too early"),
        ('"abc', "a text that is not closed"),
        ("request.stream &&\n  ==", "line 2, character 3"),
        ("requst.model == 1", "unknown name 'requst' at character 1"),
        ("requst.model == 1", "Did you mean 'request'?"),
        ("request.stream &&\n  time.houre > 1", "`time` has no 'houre' at line 2, character 8"),
        ('request["modell"] == 1', "Did you mean 'model'?"),
        ("foo(1) == 1", "unknown function 'foo'"),
        ('request.model.startWith("x")', "Did you mean 'startsWith'?"),
        ("user.name == 1", "`user` is a text and has no parts"),
        ("headers.authorization == 1", "holds a secret"),
        ('headers["X-Api-Key"] == "x"', "holds a secret"),
        ('headers["proxy-anything"] == "x"', "holds a secret"),
        ("[1].exists(x, [2].exists(y, x == y))", "a loop within a loop"),
        ("[1].all(time, time > 0) && time.hour > 1", "`time` means something else already, at character 9"),
        ("size([1].map(x, 2)) == 1", "`map` is too slow here, at character 10"),
        ("size([1].filter(x, true)) == 1", "`filter` is too slow"),
        ("request.model == " + "1" * MAX_CHARS, "longer than 2000 characters"),
        ("(" * 900, "the condition"),
    ],
)
def test_what_is_refused(text: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        compile_condition(text)
    assert says in caught.value.message
    assert len(caught.value.message) < 400


WORDS = [
    "request",
    "model",
    ".",
    "==",
    '"x"',
    "(",
    ")",
    "[",
    "]",
    "&&",
    "!",
    "in",
    "1",
    "exists",
    "x",
    ",",
    "null",
]


@given(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join) | st.text(max_size=40))
def test_any_text_is_refused_in_our_words_or_answers_yes_or_no(text: str) -> None:
    try:
        holds = compile_condition(text).holds(FACETS)
    except ConfigError:
        return
    assert holds in (True, False)


def test_only_what_is_named_is_read() -> None:
    class Reading:
        def __init__(self) -> None:
            self.read: list[str] = []

        def __getitem__(self, name: str) -> object:
            self.read.append(name)
            return FACETS[name]

    facets = Reading()
    condition = compile_condition('request.stream && headers["x-team"] == "user" && [1].all(x, x > 0)')
    condition.holds(facets)
    assert facets.read == ["request", "headers"]
    assert condition.facets == {"request", "headers"}


def test_a_panic_is_no_match_and_a_stop_is_a_stop() -> None:
    class Raising:
        def __init__(self, fault: BaseException) -> None:
            self.fault = fault

        def __getitem__(self, name: str) -> object:
            raise self.fault

    condition = compile_condition("request.stream")
    assert condition.holds(Raising(BaseException("a panic"))) is False
    with pytest.raises(KeyboardInterrupt):
        condition.holds(Raising(KeyboardInterrupt()))


def test_the_librarys_command_line_is_not_drawn_in() -> None:
    code = (
        "import sys; import waypost.config.conditions as c; before = set(sys.modules); c.compile_condition('true');"
        "print(sorted(m for m in set(sys.modules) - before if m.split('.')[0] in ('typer', 'rich', 'prompt_toolkit')))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
