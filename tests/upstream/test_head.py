"""Request heads, and that no value can add a line to one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.errors import InvalidRequest
from waypost.upstream.head import check_lines, finish_head, render_line, render_prefix


def test_a_head() -> None:
    prefix = render_prefix("POST", "/v1/chat?a=b", "api.example:8443", b"authorization: Bearer k\r\n")
    assert finish_head(prefix, 12, render_line("x-a", "1")) == (
        b"POST /v1/chat?a=b HTTP/1.1\r\nhost: api.example:8443\r\nauthorization: Bearer k\r\n"
        b"x-a: 1\r\ncontent-length: 12\r\n\r\n"
    )
    assert finish_head(prefix, None).endswith(b"Bearer k\r\n\r\n")


@pytest.mark.parametrize("value", ["a\r\nb: c", "a\nb", "a\rb", "a\0b", "a\x7fb", "a\u2028b"])
def test_no_value_adds_a_line(value: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        render_line("x-user", value)
    assert caught.value.param == "x-user"
    assert value not in caught.value.message


@pytest.mark.parametrize(
    "name", ["", "a b", "a:b", "a\r\nb", "é", "Content-Length", "transfer-encoding", "Host"]
)
def test_no_name_breaks_or_reframes_the_head(name: str) -> None:
    with pytest.raises(InvalidRequest):
        render_line(name, "1")


@pytest.mark.parametrize(
    "lines",
    [
        b"a: b",
        b"a: b\n",
        b"a: b\r\n\r\n",
        b"\r\n",
        b"a: b\r\nc\r\n",
        b"a: b\r\ncontent-length: 1\r\n",
        b"a: \n\r\n",
    ],
)
def test_ready_lines_are_checked(lines: bytes) -> None:
    with pytest.raises(InvalidRequest):
        check_lines(lines)


@pytest.mark.parametrize(
    "start",
    [
        ("POST", "v1", "h"),
        ("POST", "/a b", "h"),
        ("POST", "/a\r\nx: y", "h"),
        ("PO ST", "/", "h"),
        ("GET", "/é", "h"),
        ("GET", "/", "h\r\nx: y"),
        ("GET", "/", ""),
    ],
)
def test_the_start_line_is_checked(start: tuple[str, str, str]) -> None:
    with pytest.raises(InvalidRequest):
        render_prefix(*start)


@given(st.text(max_size=12), st.text(max_size=30))
def test_a_line_is_one_line_or_refused(name: str, value: str) -> None:
    try:
        line = render_line(name, value)
    except InvalidRequest:
        return
    assert line.count(b"\r\n") == line.count(b"\n") == line.count(b"\r") == 1
    assert line.endswith(b"\r\n")
    check_lines(line)
