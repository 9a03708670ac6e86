from __future__ import annotations

from base64 import b64encode
from urllib.parse import quote

import pytest

from waypost.recorder.known import Known

SECRET = "prov/KEY+0123456789-abcdefXYZ"


@pytest.mark.parametrize(
    "text",
    [
        f"before {SECRET} after",
        SECRET.upper(),
        SECRET[5:17],
        quote(SECRET, safe=""),
        SECRET.encode().hex(),
        *(b64encode(b"x" * at + SECRET.encode() + b"tail").decode() for at in range(4)),
    ],
)
def test_a_secret_is_found_whole_in_part_and_in_other_forms(text: str) -> None:
    hidden = Known([SECRET]).hide(text)
    assert "***" in hidden
    assert Known([SECRET]).spans(hidden) == []


def test_eleven_characters_of_it_are_not_it() -> None:
    assert Known([SECRET]).spans(f"a {SECRET[5:16]} b") == []


def test_words_are_no_secrets() -> None:
    assert Known(["any", "none"]).hide("any word, or none") == "any word, or none"


def test_a_short_secret_counts_as_a_whole() -> None:
    known = Known(["pa55word"])
    assert (known.hide("my pa55word!"), known.hide("pa55wor")) == ("my ***!", "pa55wor")
