from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.request import Citation, Text
from waypost.dialects.bedrock_converse.citations import (
    parse_citation,
    parse_cited,
    render_citation,
    render_cited,
)
from waypost.dialects.fields import parse_object


@pytest.mark.parametrize(
    ("wire", "core"),
    [
        ({"title": "t", "sourceContent": [{"text": "q"}]}, (None, "t", "q")),
        ({"location": {"web": {"url": "u"}}}, ("u", None, None)),
        ({"location": {"web": {"url": "u", "domain": "d"}}}, ("u", None, None)),
        ({"location": {"documentChar": {"documentIndex": 0, "start": 1, "end": 2}}}, (None, None, None)),
        ({"location": {"searchResultLocation": {"searchResultIndex": 0}}, "source": "s"}, (None, None, None)),
        ({"sourceContent": [{"text": "a"}, {"text": "b"}]}, (None, None, None)),
        ({"sourceContent": [{"new": 1}], "location": 7}, (None, None, None)),
        ({}, (None, None, None)),
    ],
)
def test_a_citation_there_and_back(wire: Any, core: tuple[str | None, ...]) -> None:
    found = parse_citation(parse_object(msgspec.json.encode(wire)))
    assert found is not None
    assert (found.url, found.title, found.quote) == core
    assert msgspec.json.decode(msgspec.json.encode(render_citation(found))) == wire


def test_what_is_no_citation() -> None:
    assert parse_citation(None) is None
    assert parse_cited(parse_object(b'{"content":[{"new":1}]}')) is None
    assert parse_cited(parse_object(b'{"content":[{"text":"a"}],"citations":[7]}')) is None


def test_a_citation_of_others() -> None:
    part = Text("a", citations=(Citation("https://e.org", "t", "q", 0, 1),))
    assert render_cited(part) == {
        "citationsContent": {
            "content": [{"text": "a"}],
            "citations": [
                {
                    "title": "t",
                    "sourceContent": [{"text": "q"}],
                    "location": {"web": {"url": "https://e.org"}},
                }
            ],
        }
    }
