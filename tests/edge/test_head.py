"""Request heads that are read one way only."""

from __future__ import annotations

import pytest

from waypost.edge.head import HEAD_BYTES_MAX, check_head, check_size, table
from waypost.errors import HeadersTooLarge, InvalidRequest


def test_harmless_repeats_keep_the_last() -> None:
    assert table([(b"accept", b"a"), (b"accept", b"b")]) == {b"accept": b"b"}
    assert table([(b"x-api-key", b"k"), (b"x-api-key", b"k")]) == {b"x-api-key": b"k"}


@pytest.mark.parametrize(
    "name",
    [
        b"host",
        b"content-length",
        b"transfer-encoding",
        b"authorization",
        b"content-type",
        b"content-encoding",
        b"expect",
    ],
)
def test_repeats_that_decide_something_are_refused_even_when_equal(name: bytes) -> None:
    with pytest.raises(InvalidRequest, match=name.decode()):
        table([(name, b"a"), (b"x", b"y"), (name, b"a")])


@pytest.mark.parametrize("name", [b"x-api-key", b"api-key", b"x-goog-api-key", b"x-portkey-api-key"])
def test_keys_that_disagree_are_refused_without_an_echo(name: bytes) -> None:
    with pytest.raises(InvalidRequest) as refused:
        table([(name, b"sk-one"), (name, b"sk-two")])
    assert "sk-" not in refused.value.message


@pytest.mark.parametrize("host", [b"a", b"a.example:4100", b"127.0.0.1", b"[::1]:80", b"", b"a_b", b"a:"])
def test_hosts(host: bytes) -> None:
    check_head("1.1", {b"host": host})


@pytest.mark.parametrize("host", [b"a b", b"a/b", b"a@b", b"a\\b", b"[::1", b"a:1:2", b"a:port", b"a,\tb"])
def test_malformed_hosts(host: bytes) -> None:
    with pytest.raises(InvalidRequest):
        check_head("1.1", {b"host": host})


def test_only_one_point_zero_may_leave_the_host_out() -> None:
    check_head("1.0", {})
    for version in ("1.1", "0.9", "2.0", "1.2"):
        with pytest.raises(InvalidRequest):
            check_head(version, {})


def test_framing() -> None:
    check_head("1.1", {b"host": b"a", b"transfer-encoding": b"Chunked"})
    for version, headers in (
        ("1.1", {b"host": b"a", b"transfer-encoding": b"chunked", b"content-length": b"1"}),
        ("1.1", {b"host": b"a", b"transfer-encoding": b"gzip, chunked"}),
        ("1.0", {b"host": b"a", b"transfer-encoding": b"chunked"}),
    ):
        with pytest.raises(InvalidRequest):
            check_head(version, headers)


def test_size() -> None:
    check_size(b"/", [(b"a", b"b" * (HEAD_BYTES_MAX - 100))])
    with pytest.raises(HeadersTooLarge):
        check_size(b"/", [(b"a", b"b" * HEAD_BYTES_MAX)])
