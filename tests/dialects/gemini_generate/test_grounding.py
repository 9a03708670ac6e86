from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from waypost.core.request import Citation
from waypost.dialects.fields import Fields, parse_object
from waypost.dialects.gemini_generate.grounding import read_sources, render_sources


def candidate(**fields: Any) -> Fields:
    return parse_object(msgspec.json.encode(fields))


def test_bytes_become_characters() -> None:
    fields = candidate(
        groundingMetadata={
            "groundingChunks": [
                {"web": {"uri": "https://e.org/a", "title": "a"}},
                {"retrievedContext": {"uri": "gs://b", "title": "b", "text": "as it says"}},
                {"image": {"sourceUri": "https://e.org/c"}},
            ],
            "groundingSupports": [
                {
                    "segment": {"startIndex": 2, "endIndex": 6, "text": "ænn"},
                    "groundingChunkIndices": [0, 1, 9],
                }
            ],
        }
    )
    assert read_sources(fields, {0: "Spænn"}) == [
        (0, Citation("https://e.org/a", "a", None, 2, 5)),
        (0, Citation("gs://b", "b", "as it says", 2, 5)),
        (0, Citation("https://e.org/c")),
    ]


def test_both_names_for_recited_sources() -> None:
    for name in ("citationSources", "citations"):
        fields = candidate(citationMetadata={name: [{"endIndex": 2, "uri": "https://e.org"}]})
        assert read_sources(fields, {2: "abc"}) == [(2, Citation("https://e.org", None, None, 0, 2))]


def test_the_part_that_is_named_or_the_last() -> None:
    segment = {"startIndex": 0, "endIndex": 1, "partIndex": 1}
    fields = candidate(
        groundingMetadata={
            "groundingChunks": [{"web": {"uri": "u"}}],
            "groundingSupports": [{"segment": segment, "groundingChunkIndices": [0]}],
        }
    )
    assert read_sources(fields, {1: "a", 3: "b"})[0][0] == 1
    assert read_sources(fields, {0: "a", 3: "b"})[0][0] == 3
    assert read_sources(fields, {}) == []


def test_odd_shapes_are_no_sources() -> None:
    fields = candidate(groundingMetadata=7, citationMetadata={"citations": [7]})
    assert read_sources(fields, {0: "a"}) == []


def test_nothing_to_render() -> None:
    assert render_sources([(0, "a", ())]) is None


texts = st.text(min_size=1, max_size=8)


@st.composite
def cited(draw: st.DrawFn) -> tuple[str, tuple[Citation, ...]]:
    text = draw(texts)
    spans = draw(st.lists(st.tuples(st.integers(0, len(text)), st.integers(0, len(text))), max_size=3))
    citations = [
        Citation(draw(texts), draw(st.none() | texts), draw(st.none() | texts), min(span), max(span))
        for span in spans
    ]
    return text, (*citations, Citation("https://e.org"))


@given(cited())
def test_what_is_rendered_is_read_again(case: tuple[str, tuple[Citation, ...]]) -> None:
    text, citations = case
    shown = render_sources([(4, text, citations)])
    assert shown is not None
    fields = candidate(groundingMetadata=shown)
    assert read_sources(fields, {4: text}) == [(4, citation) for citation in citations]
