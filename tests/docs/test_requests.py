"""Everything that a request may ask for is in the page about it."""

from __future__ import annotations

import pytest

from docs.pages import DOCS
from waypost.pipeline import options
from waypost.routing.requested import names, openrouter, portkey_fields

PAGE = (DOCS / "requests.md").read_text("utf-8")


@pytest.mark.parametrize(
    "word",
    sorted(
        [
            *options.Options.__struct_fields__,
            *(header.decode() for header in options._READ),
            *openrouter._KNOWN,
            *openrouter._PRICES,
            *(f":{suffix}" for suffix in names._SUFFIXES),
            *portkey_fields._READ,
            *portkey_fields._IDLE,
            "api_key",
            "custom_host",
            "forward_headers",
            "prompt_id",
        ]
    ),
)
def test_it_is_named(word: str) -> None:
    assert word in PAGE
