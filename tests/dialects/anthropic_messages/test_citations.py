from __future__ import annotations

import msgspec

from waypost.core.request import Citation, Extras
from waypost.dialects.anthropic_messages.citations import parse_citation, render_citation, take_citations
from waypost.dialects.anthropic_messages.own import Taking

WEB = b'{"type":"web_search_result_location","url":"u","title":"t","encrypted_index":"e","cited_text":"q"}'
PAGE = b'{"type":"page_location","cited_text":"q","document_title":null,"document_index":1}'


def test_what_the_core_sees() -> None:
    web, page = parse_citation(msgspec.Raw(WEB)), parse_citation(msgspec.Raw(PAGE))
    assert web is not None
    assert page is not None
    assert (web.url, web.title, web.quote) == ("u", "t", "q")
    assert (page.url, page.title, page.quote) == (None, None, "q")
    assert (page.start, page.end) == (None, None)
    for citation, raw in ((web, WEB), (page, PAGE)):
        again = msgspec.json.decode(msgspec.json.encode(render_citation(citation)))
        assert again == msgspec.json.decode(raw)


def test_what_is_no_citation_stays() -> None:
    for raw in (b"7", b"{}", b'{"type":7}'):
        assert parse_citation(msgspec.Raw(raw)) is None
    taking = Taking({"citations": msgspec.Raw(b"[%b,7]" % WEB)})
    assert take_citations(taking) == ()
    assert "citations" in taking.rest
    for nothing in (b"null", b"[]"):
        empty = Taking({"citations": msgspec.Raw(nothing)})
        assert take_citations(empty) == ()
        assert empty.rest == {}


def test_a_source_of_others() -> None:
    shown = render_citation(Citation(extras=Extras("openai_chat", {})))
    assert shown == {
        "type": "web_search_result_location",
        "cited_text": "",
        "url": "",
        "title": None,
        "encrypted_index": "",
    }
