from __future__ import annotations

import msgspec

from waypost.core.request import Extras
from waypost.dialects.openai_responses.own import NAME, Form, Taking, is_own, keep, read_form, with_extras

ID = {"id": msgspec.Raw(b'"msg_{1"')}


def test_a_form_is_written_and_read_again() -> None:
    for form in (Form(), Form("parts"), Form("parts", ID), Form("", ID)):
        again = read_form(Extras(NAME, {}, str(form)))
        assert (again.words, again.kept) == (form.words, form.kept)


def test_another_dialects_form_is_none_of_ours() -> None:
    foreign = Extras("openai_chat", {"x": msgspec.Raw(b"1")}, "parts")
    assert (read_form(foreign).words, read_form(None).words) == ("", "")
    assert not is_own(foreign)
    assert with_extras({}, foreign) == {}


def test_what_a_form_keeps_is_taken() -> None:
    taking = Taking({"id": msgspec.Raw(b"1"), "x": msgspec.Raw(b"2")})
    assert keep(taking, "id", "status") == {"id": msgspec.Raw(b"1")}
    extras = taking.extras()
    assert with_extras({"x": 9}, extras) == {"x": 9}
    assert with_extras({}, extras) == {"x": msgspec.Raw(b"2")}
    assert is_own(extras)
