"""Reading bodies: size, form and time."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.rig import Rig, get, post, until
from waypost.config.snapshot import Settings
from waypost.edge.receive import check_head, read_body
from waypost.errors import Disconnected, InvalidRequest, TooLarge, Unauthenticated, UnsupportedMediaType

SMALL = Settings(body_max_bytes=10)


async def read(pieces: list[bytes], settings: Settings = SMALL, *, leaves: bool = False) -> bytes:
    messages: list[MutableMapping[str, Any]] = [
        {"type": "http.request", "body": piece, "more_body": number < len(pieces) - 1 or leaves}
        for number, piece in enumerate(pieces)
    ]
    messages.append({"type": "http.disconnect"})
    rest = iter(messages)

    async def receive() -> MutableMapping[str, Any]:
        return next(rest)

    return await read_body(receive, settings, pending=len(pieces) > 1)


@given(st.lists(st.binary(max_size=4), min_size=1, max_size=6))
def test_any_split_gives_the_same_body_or_the_same_refusal(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    if len(whole) > SMALL.body_max_bytes:
        with pytest.raises(TooLarge):
            asyncio.run(read(pieces))
    else:
        assert asyncio.run(read(pieces)) == whole


async def test_leaving_in_the_middle() -> None:
    with pytest.raises(Disconnected):
        await read([b"{"], leaves=True)


@pytest.mark.parametrize(
    "media",
    [
        b"application/json",
        b"Application/JSON",
        b"application/json; charset=utf-8",
        b'application/json;charset="UTF-8"',
        b"application/vnd.api+json",
        b"",
    ],
)
def test_json_by_any_of_its_names(media: bytes) -> None:
    check_head({b"content-type": media}, SMALL)
    check_head({}, SMALL)


@pytest.mark.parametrize(
    "headers",
    [
        {b"content-type": b"text/plain"},
        {b"content-type": b"application/jsonx"},
        {b"content-type": b"multipart/form-data; boundary=x"},
        {b"content-type": b"application/json; charset=utf-16"},
        {b"content-encoding": b"gzip"},
        {b"content-encoding": b"identity, gzip"},
    ],
)
def test_other_types_and_codings_are_415(headers: dict[bytes, bytes]) -> None:
    with pytest.raises(UnsupportedMediaType):
        check_head(headers, SMALL)


@pytest.mark.parametrize("length", [b"11", b"9" * 400])
def test_a_declared_length_over_the_cap_is_refused_unread(length: bytes) -> None:
    with pytest.raises(TooLarge):
        check_head({b"content-length": length}, SMALL)


def test_a_length_that_is_no_number_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        check_head({b"content-length": b"1_0"}, SMALL)


# --- on the wire -----------------------------------------------------------------------------------------------


async def test_413_comes_before_the_body_and_reaches_a_client_that_goes_on_sending() -> None:
    async with Rig(body_max_bytes=1000).serving() as rig:
        client = await rig.connect()
        client.send(post(b"x" * 4_000_000))
        answer = await client.answer()
        assert answer.status == 413
        assert answer.headers[b"connection"] == b"close"
        assert await client.rest() == b""
        assert rig.pipeline.calls == []


async def test_a_chunked_body_is_413_once_it_is_over() -> None:
    async with Rig(body_max_bytes=1000).serving() as rig:
        client = await rig.connect()
        client.send(get("/v1/embeddings", b"Transfer-Encoding: chunked\r\n", "POST"))
        for _ in range(4):
            client.send(b"12c\r\n" + b"x" * 300 + b"\r\n")
        assert (await client.answer()).status == 413
        assert await client.rest() == b""


async def test_a_large_body_under_the_cap_arrives_whole() -> None:
    body = bytes(range(97, 123)) * 200_000
    async with Rig().serving() as rig:
        client = await rig.connect()
        client.send(post(body))
        assert (await client.answer()).body == body


async def test_100_continue_invites_only_what_will_be_read() -> None:
    async with Rig(body_max_bytes=1000).serving() as rig:
        client = await rig.connect()
        client.send(post(b"{}", extra=b"Expect: 100-continue\r\n")[:-2])
        assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.send(b"{}")
        assert (await client.answer()).status == 200
        client.send(
            b"POST /v1/embeddings HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2000\r\n\r\n"
        )
        assert (await client.answer()).status == 413


async def test_100_continue_is_said_also_when_the_body_did_not_wait_for_it() -> None:
    async with Rig().serving() as rig:
        client = await rig.connect()
        client.send(post(b"{}", extra=b"Expect: 100-continue\r\n"))
        assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert (await client.answer()).status == 200


async def test_an_unknown_path_does_not_read_the_body() -> None:
    async with Rig().serving() as rig:
        client = await rig.connect()
        client.send(post(b"{}", "/nothing")[:-1])
        assert (await client.answer()).status == 404
        assert await client.rest() == b""
        await until(lambda: rig.edge.active == 0)


async def test_nobody_unknown_is_read_further_or_invited_to_send() -> None:
    rig = Rig()
    rig.pipeline.refusal = Unauthenticated("This gateway does not know this API key.")
    async with rig.serving():
        for extra in (b"", b"Expect: 100-continue\r\n"):
            client = await rig.connect()
            whole = post(b"x" * 100_000, extra=extra)
            client.send(whole[: -100_000 if extra else -1])
            answer = await client.answer()
            assert (answer.status, answer.headers[b"connection"]) == (401, b"close")
    assert rig.pipeline.calls == []


async def test_a_body_that_has_arrived_is_judged_with_its_key_by_the_pipeline() -> None:
    rig = Rig()
    rig.pipeline.refusal = Unauthenticated("This gateway does not know this API key.")
    async with rig.serving():
        client = await rig.connect()
        client.send(post(b"{}"))
        assert (await client.answer()).status == 200


def test_a_form_is_taken_only_where_forms_are() -> None:
    form = {b"content-type": b"multipart/form-data; boundary=x"}
    check_head(form, SMALL, forms=True)
    with pytest.raises(UnsupportedMediaType):
        check_head(form, SMALL)
    with pytest.raises(UnsupportedMediaType):
        check_head({b"content-type": b"text/plain"}, SMALL, forms=True)


async def test_an_upload_may_be_larger_than_other_bodies() -> None:
    check_head({b"content-length": b"9" * 30}, SMALL, True, upload=True)
    with pytest.raises(TooLarge):
        check_head({b"content-length": b"11"}, SMALL, True)
