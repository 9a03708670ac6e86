"""Texts with their sources: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CitationsContentBlock.html
(2026-11-25). Where in a document a source stands only this dialect can say; a link and a quote the core can."""

from __future__ import annotations

from typing import Final

import msgspec

from waypost.core.request import Citation, Text
from waypost.dialects.bedrock_converse.own import Taking, is_own, with_extras
from waypost.dialects.fields import Fields
from waypost.dialects.taking import ITEMS, TEXT, Json, object_or_none, text_or_none

_OWN: Final = "own"
_BARE: Final = "citations"


def parse_cited(fields: Fields) -> Text | None:
    """`citationsContent`; None when its content is not text."""
    taking = Taking(fields)
    texts = [_text_of(item) for item in taking.take("content", ITEMS) or []]
    cited = [parse_citation(object_or_none(item)) for item in taking.take("citations", ITEMS) or []]
    if None in texts or None in cited:
        return None
    citations = tuple(each for each in cited if each is not None)
    text = "".join(each for each in texts if each is not None)
    return Text(text, extras=taking.extras("" if citations else _BARE), citations=citations)


def _text_of(raw: msgspec.Raw) -> str | None:
    fields = object_or_none(raw)
    if fields is None or fields.keys() != {"text"}:
        return None
    return text_or_none(fields["text"])


def parse_citation(fields: Fields | None) -> Citation | None:
    """One citation, of a whole answer or of a stream."""
    if fields is None:
        return None
    taking = Taking(fields)
    title, quote, url = taking.take("title", TEXT), None, None
    content = taking.rest.get("sourceContent")
    items = [] if content is None else Taking({"x": content}).take_items("x")
    if len(items) == 1:
        quote = _text_of(items[0])
        if quote is not None:
            del taking.rest["sourceContent"]
    place = object_or_none(taking.rest.get("location"))
    web = object_or_none(place.get("web")) if place is not None else None
    if web is not None and "url" in web:
        url = text_or_none(web["url"])
        if url is not None and len(web) == 1:
            del taking.rest["location"]
    return Citation(url, title, quote, extras=taking.extras(_OWN))


def render_citation(citation: Citation) -> Json:
    """One citation; a place that the core has no word for is written as it came."""
    out: Json = {}
    if citation.title is not None:
        out["title"] = citation.title
    if citation.quote is not None:
        out["sourceContent"] = [{"text": citation.quote}]
    placed = is_own(citation.extras) and citation.extras is not None and "location" in citation.extras.fields
    if citation.url is not None and not placed:
        out["location"] = {"web": {"url": citation.url}}
    return with_extras(out, citation.extras)


def render_cited(part: Text) -> Json:
    """A text with its sources."""
    out: Json = {
        "content": [{"text": part.text}],
        "citations": [render_citation(each) for each in part.citations],
    }
    return {"citationsContent": with_extras(out, part.extras)}
