"""What is asked, and what is taken for an answer. What the script does: `test_shared_limits.py`."""

from __future__ import annotations

import msgspec
import pytest

from waypost.stores.valkey.limit_script import (
    PREFIX,
    SCRIPT,
    parse_answer,
    place_of_node,
    render,
    render_call,
)


def test_a_command_says_how_long_its_words_are() -> None:
    assert render(b"GET", b"a\r\nb") == b"*2\r\n$3\r\nGET\r\n$4\r\na\r\nb\r\n"
    assert place_of_node(f"{PREFIX}prod:", "n1") == b"waypost:limits:v1:prod:node:n1"


def test_a_call_names_the_script_by_its_digest_and_has_one_argument() -> None:
    said = render_call("t", "p:", "n1", [("l:k", 3, 10, 60_000_000)])
    head, _, rest = said.partition(b"$1\r\n0\r\n")
    assert head.startswith(b"*4\r\n$7\r\nEVALSHA\r\n$40\r\n")
    length, _, argument = rest.partition(b"\r\n")
    assert argument.endswith(b"\r\n")
    assert int(length[1:]) == len(argument) - 2
    assert msgspec.msgpack.decode(argument[:-2]) == ["t", "p:", "n1", [["l:k", 3, 10, 60_000_000]]]
    assert b"TIME" in SCRIPT


@pytest.mark.parametrize(
    "data", [None, b"", 7, b"\xc1", msgspec.msgpack.encode([0, 0, 1]), msgspec.msgpack.encode([2, 0, 1, 2])]
)
def test_what_is_no_answer(data: object) -> None:
    assert parse_answer(data, 1) is None


def test_numbers_may_be_whole_or_not() -> None:
    told = [1, 2_500_000, 0.25, 1_790_000_000_000_000]
    assert parse_answer(msgspec.msgpack.encode(told), 1) == told
