"""Sources of a text: Google's grounding and its citations, which count bytes of UTF-8, and the core's, which count
characters.

https://ai.google.dev/api/generate-content#GroundingMetadata, #CitationMetadata and, for the bytes,
https://ai.google.dev/gemini-api/docs/google-search (2026-11-25).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from waypost.core.request import Citation
from waypost.dialects.fields import Fields
from waypost.dialects.gemini_generate.own import Taking
from waypost.dialects.taking import INTEGER, TEXT, Json, object_or_none, put

#: Fields of a candidate that tell of sources.
GROUNDING, CITED = "groundingMetadata", "citationMetadata"
_INDICES: msgspec.json.Decoder[list[int]] = msgspec.json.Decoder(list[int])
#: Kinds of sources; each has its address and title in the same fields.
_SOURCES = ("web", "retrievedContext", "maps", "image")

#: A source with the number of the part it belongs to, where Google says.
Found = tuple[int, Citation]
#: A part's number, and where in its text, in characters.
Span = tuple[int, int | None, int | None]


def read_sources(candidate: Fields, texts: dict[int, str]) -> list[Found]:
    """Every source that a candidate names. `texts`: its text parts so far, by their number; sources that name none of
    them belong to the last one. None of the fields is taken."""
    if not texts:
        return []
    found: list[Found] = []
    grounding = Taking(object_or_none(candidate.get(GROUNDING)) or {})
    chunks = [_source(raw) for raw in grounding.take_items("groundingChunks")]
    used: set[int] = set()
    for raw in grounding.take_items("groundingSupports"):
        support = Taking(object_or_none(raw) or {})
        part, start, end = _span(Taking(support.take_object("segment") or {}), texts)
        for index in support.take("groundingChunkIndices", _INDICES) or []:
            if 0 <= index < len(chunks):
                used.add(index)
                found.append((part, msgspec.structs.replace(chunks[index], start=start, end=end)))
    last = max(texts)
    found.extend((last, chunk) for index, chunk in enumerate(chunks) if index not in used)
    cited = Taking(object_or_none(candidate.get(CITED)) or {})
    for raw in cited.take_items("citationSources") or cited.take_items("citations"):
        source = Taking(object_or_none(raw) or {})
        part, start, end = _span(source, texts)
        found.append((part, Citation(source.take("uri", TEXT), source.take("title", TEXT), None, start, end)))
    return [each for each in found if each[1].url is not None or each[1].title is not None]


def _source(raw: msgspec.Raw) -> Citation:
    chunk = Taking(object_or_none(raw) or {})
    for name in _SOURCES:
        fields = chunk.take_object(name)
        if fields is not None:
            source = Taking(fields)
            quote = source.take("text", TEXT) if name == "retrievedContext" else None
            return Citation(
                source.take("uri", TEXT) or source.take("sourceUri", TEXT), source.take("title", TEXT), quote
            )
    return Citation()


def _span(segment: Taking, texts: dict[int, str]) -> Span:
    part = segment.take("partIndex", INTEGER) or 0
    if part not in texts:
        part = max(texts)
    start, end = segment.take("startIndex", INTEGER), segment.take("endIndex", INTEGER)
    if end is None:
        return part, None, None
    whole = texts[part].encode()
    return part, _characters(whole, start or 0), _characters(whole, end)


def _characters(text: bytes, offset: int) -> int:
    return len(text[: max(0, offset)].decode(errors="ignore"))


def render_sources(cited: Sequence[tuple[int, str, tuple[Citation, ...]]]) -> Json | None:
    """`groundingMetadata` for text parts: number, text and citations of each. None when there are no citations."""
    chunks: list[Json] = []
    supports: list[Json] = []
    for part, text, citations in cited:
        for citation in citations:
            if citation.start is not None and citation.end is not None:
                start, end = citation.start, citation.end
                segment = {
                    "partIndex": part,
                    "startIndex": len(text[:start].encode()),
                    "endIndex": len(text[:end].encode()),
                    "text": text[start:end],
                }
                supports.append({"segment": segment, "groundingChunkIndices": [len(chunks)]})
            chunks.append(_chunk(citation))
    if not chunks:
        return None
    return put({"groundingChunks": chunks}, groundingSupports=supports or None)


def _chunk(citation: Citation) -> Json:
    source = put({}, uri=citation.url, title=citation.title, text=citation.quote)
    return {"web" if citation.quote is None else "retrievedContext": source}
