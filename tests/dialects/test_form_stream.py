from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.dialects.form_stream import FormStream
from waypost.errors import InvalidRequest, TooLarge

KIND = b"multipart/form-data; boundary=bb"


def part(name: str, value: bytes, filename: str | None = None) -> bytes:
    named = "" if filename is None else f'; filename="{filename}"'
    return f'--bb\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode() + value + b"\r\n"


def read(body: bytes, cuts: list[int] | None = None) -> tuple[FormStream, bytes]:
    form = FormStream(KIND)
    content = b""
    edges = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts or [])})
    for begin, end in pairwise(edges):
        content += form.feed(body[begin:end])
    form.finish()
    return form, content


@given(st.binary(max_size=200), st.lists(st.integers(0, 1000), max_size=12))
def test_any_split_gives_the_same_file(content: bytes, cuts: list[int]) -> None:
    if b"--bb" in content:
        content = b""
    body = part("purpose", b"batch") + part("file", content, "ä.jsonl") + part("x[y]", b"z") + b"--bb--\r\n"
    form, found = read(body, cuts)
    assert found == content
    assert (form.filename, form.fields) == ("ä.jsonl", {"purpose": "batch", "x[y]": "z"})


def test_a_form_without_a_file() -> None:
    form, found = read(part("purpose", b"batch") + b"--bb--\r\n")
    assert (found, form.filename) == (b"", None)


@pytest.mark.parametrize(
    "kind", [None, b"application/json", b"multipart/form-data", b"multipart/form-data; boundary=" + b"x" * 71]
)
def test_what_is_no_form_by_its_content_type(kind: bytes | None) -> None:
    with pytest.raises(InvalidRequest, match="has to be a form"):
        FormStream(kind)


@pytest.mark.parametrize("body", [b"{}", b"--cc\r\n", part("file", b"x", "n")])
def test_what_is_no_whole_form(body: bytes) -> None:
    with pytest.raises(InvalidRequest, match="not a whole"):
        read(body)


def test_two_files_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="more than one file"):
        read(part("file", b"x", "n") + part("file", b"x", "n"))


@pytest.mark.parametrize(
    "body",
    [
        part("purpose", b"x" * 9000),
        b"--bb\r\nx-long: " + b"x" * 9000,
        b"--bb\r\n" + b"x" * 9000,
        b"".join(part(f"f{n}", b"") for n in range(300)),
    ],
    ids=["field", "header", "name", "fields"],
)
def test_only_the_file_may_be_long(body: bytes) -> None:
    with pytest.raises((TooLarge, InvalidRequest)):
        FormStream(KIND).feed(body)
