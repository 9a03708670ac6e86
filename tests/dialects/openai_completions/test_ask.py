from __future__ import annotations

import pytest

from waypost.dialects.openai_completions.ask import parse_ask
from waypost.errors import InvalidRequest


def test_prompts_times_n() -> None:
    asked = parse_ask(b'{"model":"m","prompt":["a","b"],"n":3,"max_tokens":10,"suffix":"end"}')
    assert (asked.choices, asked.max_output, asked.stream) == (6, 10, False)
    assert asked.input_estimate >= 4


def test_best_of_is_generated_though_not_shown() -> None:
    assert parse_ask(b'{"model":"m","prompt":"a","n":2,"best_of":5,"max_tokens":10}').max_output == 30


def test_no_limit_is_none() -> None:
    assert parse_ask(b'{"model":"m","prompt":"a"}').max_output is None


def test_refusals() -> None:
    for body, param in (
        (b'{"model":"m"}', "prompt"),
        (b'{"prompt":"a"}', "model"),
        (b'{"model":"m","prompt":"a","best_of":0}', "best_of"),
        (b'{"model":"m","prompt":[%b"a"],"n":128}' % (b'"a",' * 9000), "prompt"),
    ):
        with pytest.raises(InvalidRequest) as caught:
            parse_ask(body)
        assert caught.value.param == param
