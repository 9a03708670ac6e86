from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.dialects.forms import PARTS_MAX, FormPart, is_form, parse_form, render_form
from waypost.errors import InvalidRequest, TooLarge

names = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters='"\\'), min_size=1, max_size=8
)
parts = st.builds(
    FormPart, names, st.binary(max_size=40), st.none() | names, st.none() | st.just(b"image/png")
)


@given(st.lists(parts, max_size=5))
def test_a_form_there_and_back(form: list[FormPart]) -> None:
    body = render_form(form, b"b0undary-that-is-in-no-part")
    assert is_form(body)
    if form:
        assert parse_form(body) == form


def test_what_httpx_writes_is_read() -> None:
    request = httpx.Request(
        "POST",
        "http://x/",
        data={"model": "whisper", "language": "de"},
        files={"file": ("ä b.wav", b"\r\n--RIFF", "audio/wav")},
    )
    model, language, file = parse_form(request.read())
    assert (model.name, model.data, language.data) == ("model", b"whisper", b"de")
    assert (file.filename, file.data, file.content_type) == ("ä b.wav", b"\r\n--RIFF", b"audio/wav")


@pytest.mark.parametrize(
    "body",
    [
        b"--",
        b"--x",
        b"--x\r\n",
        b'--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n',
        b"--x\r\ncontent-disposition: form-data\r\n\r\n1\r\n--x--\r\n",
        b"--" + b"x" * 80 + b"\r\n\r\n",
        b"--x\r\nno header at all\r\n--x--",
    ],
)
def test_half_a_form_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        parse_form(body)


def test_a_form_of_a_thousand_fields_is_too_large() -> None:
    with pytest.raises(TooLarge):
        parse_form(render_form([FormPart("a", b"1")] * (PARTS_MAX + 1), b"x"))


def test_a_name_can_not_write_a_header() -> None:
    body = render_form([FormPart('a"\r\nx-evil: 1', b"1", "f\n", b"text/plain\r\nx-evil: 2")], b"x")
    assert b"\r\nx-evil" not in body
