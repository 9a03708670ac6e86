"""Citations as `annotations` of a message, both ways.

`url_citation`: https://platform.openai.com/docs/api-reference/chat/object; its `content`, the passage that is cited:
https://openrouter.ai/docs/features/web-search (2026-11-25). Positions count characters of the whole content.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from waypost.core.request import Citation, Part, Text
from waypost.dialects.openai_chat.own import Taking, with_extras
from waypost.dialects.taking import INTEGER, TEXT, Json, object_or_none, put

FIELD = "annotations"
_KIND = "url_citation"


def parse_citation(raw: msgspec.Raw) -> Citation | None:
    """None for an annotation of another kind."""
    outer = Taking(object_or_none(raw) or {})
    inner = Taking(outer.take_object(_KIND) or {})
    url = inner.take("url", TEXT)
    if not outer.take_constant("type", _KIND) or outer.rest or url is None:
        return None
    return Citation(
        url,
        inner.take("title", TEXT),
        inner.take("content", TEXT),
        inner.take("start_index", INTEGER),
        inner.take("end_index", INTEGER),
        inner.extras(),
    )


def move(citation: Citation, by: int) -> Citation:
    """The same citation with positions that count from another place."""
    if not by:
        return citation
    start = None if citation.start is None else citation.start + by
    end = None if citation.end is None else citation.end + by
    return msgspec.structs.replace(citation, start=start, end=end)


def take_citations(taking: Taking, parts: list[Part]) -> None:
    """Puts each citation into the text it is about, in place. Annotations of other kinds stay in `taking`."""
    items = taking.take_items(FIELD)
    left: list[msgspec.Raw] = []
    for item in items:
        found = parse_citation(item)
        if found is None or not _put(parts, found):
            left.append(item)
    if left:
        taking.rest[FIELD] = msgspec.Raw(msgspec.json.encode(left))


def _put(parts: list[Part], citation: Citation) -> bool:
    chosen, before, length = None, 0, 0
    for number, part in enumerate(parts):
        if isinstance(part, Text):
            if chosen is None or (citation.start or 0) >= length:
                chosen, before = number, length
            length += len(part.text)
    if chosen is None:
        return False
    text = parts[chosen]
    assert isinstance(text, Text)  # noqa: S101 - chosen among texts
    citations = (*text.citations, move(citation, -before))
    parts[chosen] = msgspec.structs.replace(text, citations=citations)
    return True


def cited_in(parts: Sequence[Part]) -> Iterator[Json]:
    """Those of every text. One without a URL has no form here, and is left out."""
    before = 0
    for part in parts:
        if isinstance(part, Text):
            for citation in part.citations:
                if citation.url is not None:
                    yield annotation(citation, before, len(part.text))
            before += len(part.text)


def annotation(citation: Citation, before: int, length: int) -> Json:
    """One citation of a text that begins after `before` characters and has `length`; without a place it is about the
    whole text. Its URL must be set."""
    start = 0 if citation.start is None else citation.start
    end = length if citation.end is None else citation.end
    inner: Json = {"start_index": before + start, "end_index": before + end}
    put(inner, title=citation.title or "", url=citation.url, content=citation.quote)
    return {"type": _KIND, _KIND: with_extras(inner, citation.extras)}
