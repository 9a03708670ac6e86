from __future__ import annotations

import random

import pytest

from waypost.dialects.bedrock_converse.eventstream import Header, decode_frame, encode_frame
from waypost.recorder.documents import (
    Document,
    Edit,
    apply,
    cut,
    event_document,
    stream_document,
    text_document,
)

EVENTS = 'event: delta\ndata: {"id": "é1", "n": 1.0}\n\n: ping\r\n\r\ndata: [DONE]\n\n'


def changed(document: Document, raw: bytes, old: str, new: str) -> bytes:
    return apply(raw, document.edits([slot.text.replace(old, new) for slot in document.slots]))


def test_only_the_text_changes() -> None:
    document = event_document(EVENTS)
    assert changed(document, EVENTS.encode(), "é1", 'a"b') == EVENTS.replace("é1", 'a\\"b').encode()
    assert [slot.text for slot in document.slots] == ["id", "é1", "n", ": ping", "data: [DONE]"]


def test_a_body_that_is_no_json_is_one_text() -> None:
    assert changed(text_document("<h1>no</h1>"), b"<h1>no</h1>", "no", "yes") == b"<h1>yes</h1>"
    assert text_document("").slots == []


def test_amazons_frames_get_new_checksums() -> None:
    frames = [encode_frame([Header(":event-type", "x")], b'{"id":"%d"}' % at) for at in range(2)]
    document = stream_document(b"".join(frames), "application/vnd.amazon.eventstream")
    assert document is not None
    new = changed(document, b"".join(frames), "1", "longer")
    assert new.startswith(frames[0])
    assert decode_frame(new[len(frames[0]) :]).payload == b'{"id":"longer"}'


@pytest.mark.parametrize("kind", ["text/event-stream", "application/vnd.amazon.eventstream"])
def test_bytes_of_no_known_form(kind: str) -> None:
    assert stream_document(b"\xff\xfe\x00", kind) is None


def test_cuts_outside_of_a_change_stay_where_they_were() -> None:
    raw = b"head OLDOLD middle OLD tail"
    edits = [Edit(5, 11, b"n"), Edit(19, 22, b"longer")]
    assert cut(raw, edits, [4, 8, 6, 9]) == [b"head", b" n ", b"middle", b" longer tail"]


def test_cuts_inside_of_a_change() -> None:
    edits = [Edit(2, 8, b"a***z")]
    pieces = cut(b"[[aSECRz]]", [Edit(2, 8, b"a***z")], [3, 3, 1, 3])
    assert (b"".join(pieces), pieces[0]) == (apply(b"[[aSECRz]]", edits), b"[[a")


def test_pieces_are_the_whole_however_it_was_cut() -> None:
    dice = random.Random(7)
    raw = bytes(range(97, 123)) * 4
    edits = [Edit(3, 9, b"xy"), Edit(20, 20, b"new"), Edit(50, 70, b"0" * 40)]
    for _ in range(200):
        sizes, left = [], len(raw)
        while left:
            sizes.append(dice.randint(1, left))
            left -= sizes[-1]
        pieces = cut(raw, edits, sizes)
        assert (b"".join(pieces), len(pieces)) == (apply(raw, edits), len(sizes))
