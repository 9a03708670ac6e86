"""Citations of a text: https://platform.claude.com/docs/en/build-with-claude/citations (2026-11-25).

Their places are places in the source and not in the text, so they stay among the extras.
"""

from __future__ import annotations

import msgspec

from waypost.core.request import Citation
from waypost.dialects.anthropic_messages.own import Taking, is_own, own_form, with_extras
from waypost.dialects.taking import TEXT, Json, object_or_none, put

#: Per `type`: the field with the source's address, and that with its title.
_KINDS: dict[str, tuple[str | None, str]] = {
    "char_location": (None, "document_title"),
    "page_location": (None, "document_title"),
    "content_block_location": (None, "document_title"),
    "web_search_result_location": ("url", "title"),
    "search_result_location": ("source", "title"),
}
_UNKNOWN: tuple[str | None, str] = (None, "title")
#: The form for sources that another provider cites: the only one with an address.
_FOREIGN = "web_search_result_location"


def parse_citation(raw: msgspec.Raw) -> Citation | None:
    """None: no citation at all."""
    taking = Taking(object_or_none(raw) or {})
    kind = taking.take("type", TEXT)
    if not kind:
        return None
    address, title = _KINDS.get(kind, _UNKNOWN)
    return Citation(
        url=None if address is None else taking.take(address, TEXT),
        title=taking.take(title, TEXT),
        quote=taking.take("cited_text", TEXT),
        extras=taking.extras(kind),
    )


def take_citations(taking: Taking) -> tuple[Citation, ...]:
    """Those of a text block. None and an empty list are the same; a list with anything else in it stays."""
    raw = taking.rest.get("citations", msgspec.Raw(b"null"))
    found = [parse_citation(item) for item in taking.take_items("citations")]
    citations = tuple(citation for citation in found if citation is not None)
    if len(citations) != len(found):
        taking.rest["citations"] = raw
        return ()
    if bytes(raw) in (b"null", b"[]"):
        taking.rest.pop("citations", None)
    return citations


def render_citation(citation: Citation) -> Json:
    """A foreign one as a search result; its `encrypted_index` is empty."""
    if not is_own(citation.extras):
        return {
            "type": _FOREIGN,
            "cited_text": citation.quote or "",
            "url": citation.url or "",
            "title": citation.title,
            "encrypted_index": "",
        }
    kind = own_form(citation.extras)
    address, title = _KINDS.get(kind, _UNKNOWN)
    out: Json = {"type": kind}
    put(out, cited_text=citation.quote, **{title: citation.title})
    if address is not None:
        put(out, **{address: citation.url})
    return with_extras(out, citation.extras)
