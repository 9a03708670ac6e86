"""Which key is presented."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.edge.credential import read_key, read_query_key
from waypost.errors import InvalidRequest, Unauthenticated


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({}, None),
        ({b"authorization": b"Bearer sk-1"}, b"sk-1"),
        ({b"authorization": b"bearer  sk-1 "}, b"sk-1"),
        ({b"authorization": b"Bearer "}, None),
        ({b"authorization": b"Bearer"}, None),
        ({b"authorization": b""}, None),
        ({b"x-api-key": b"sk-1"}, b"sk-1"),
        ({b"api-key": b" sk-1"}, b"sk-1"),
        ({b"x-goog-api-key": b"sk-1"}, b"sk-1"),
        ({b"x-api-key": b""}, None),
        ({b"authorization": b"Bearer sk-1", b"x-api-key": b"sk-1"}, b"sk-1"),
        ({b"x-portkey-api-key": b"sk-1", b"authorization": b"Bearer of-the-provider"}, b"sk-1"),
        ({b"x-portkey-api-key": b"", b"authorization": b"Bearer sk-1"}, b"sk-1"),
    ],
)
def test_a_key_by_any_of_the_vendors_headers(headers: dict[bytes, bytes], key: bytes | None) -> None:
    assert read_key(headers) == key


@given(st.binary(min_size=1, max_size=20), st.binary(min_size=1, max_size=20))
def test_two_keys_that_disagree_are_refused_and_not_echoed(one: bytes, other: bytes) -> None:
    one, other = b"sk-one" + one.hex().encode(), b"sk-other" + other.hex().encode()
    with pytest.raises(InvalidRequest) as refused:
        read_key({b"authorization": b"Bearer " + one, b"x-api-key": other})
    assert one.decode() not in refused.value.message
    assert other.decode() not in refused.value.message


@pytest.mark.parametrize("value", [b"Basic dXNlcjpwYXNz", b"Negotiate abc", b"sk-naked"])
def test_other_schemes_are_401_without_an_echo(value: bytes) -> None:
    with pytest.raises(Unauthenticated) as refused:
        read_key({b"authorization": value})
    assert value.split(b" ")[-1].decode() not in refused.value.message


def test_awss_sdks_carry_the_key_as_access_key_id() -> None:
    value = (
        b"AWS4-HMAC-SHA256 Credential=sk-wp-abc/20261125/eu-west-1/bedrock/aws4_request, SignedHeaders=host"
    )
    assert read_key({b"authorization": value}) == b"sk-wp-abc"
    assert read_key({b"authorization": b"AWS4-HMAC-SHA256 Signature=0"}) is None


@pytest.mark.parametrize(
    ("query", "key"), [(b"alt=sse&key=a%2Db", b"a-b"), (b"key=", None), (b"monkey=x", None), (b"", None)]
)
def test_geminis_rest_examples_carry_the_key_in_the_query(query: bytes, key: bytes | None) -> None:
    assert read_query_key(query) == key
