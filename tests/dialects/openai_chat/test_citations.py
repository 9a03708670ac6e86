from __future__ import annotations

from typing import Any

import msgspec

from waypost.core.request import Citation, Part, Text
from waypost.dialects.openai_chat.citations import FIELD, annotation, cited_in, move, take_citations
from waypost.dialects.openai_chat.own import Taking


def wire(start: int, end: int, **more: Any) -> Any:
    inner = {"start_index": start, "end_index": end, "title": "T", "url": "https://e.org", **more}
    return {"type": "url_citation", "url_citation": inner}


def taking(*items: Any) -> Taking:
    return Taking({FIELD: msgspec.Raw(msgspec.json.encode(items))})


def test_a_citation_goes_to_the_text_it_is_about() -> None:
    parts: list[Part] = [Text("abc"), Text("defgh")]
    found = taking(wire(0, 3), wire(4, 6, content="ef"))
    take_citations(found, parts)
    assert parts == [
        Text("abc", citations=(Citation("https://e.org", "T", None, 0, 3),)),
        Text("defgh", citations=(Citation("https://e.org", "T", "ef", 1, 3),)),
    ]
    assert found.rest == {}
    assert list(cited_in(parts)) == [wire(0, 3), wire(4, 6, content="ef")]


def test_other_kinds_and_citations_of_nothing_stay() -> None:
    found = taking({"type": "file", "file": {}}, wire(0, 1))
    take_citations(found, [])
    assert len(msgspec.json.decode(found.rest[FIELD])) == 2


def test_a_citation_without_a_place_is_about_the_whole_text_and_one_without_a_url_has_no_form() -> None:
    text = Text("abc", citations=(Citation("u"), Citation(None, "book")))
    [only] = cited_in([Text("12"), text])
    assert only["url_citation"] == {"start_index": 2, "end_index": 5, "title": "", "url": "u"}
    assert annotation(Citation("u", start=1, end=2), 0, 9)["url_citation"] == {
        "start_index": 1,
        "end_index": 2,
        "title": "",
        "url": "u",
    }


def test_moving() -> None:
    assert move(Citation("u", start=5, end=None), -2) == Citation("u", start=3, end=None)
