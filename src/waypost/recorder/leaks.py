"""The last look before a fixture is written: is a known secret in it after all?"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error
from collections.abc import Iterator

from waypost.recorder.fixture import Fixture
from waypost.recorder.known import Known
from waypost.recorder.literals import literals, show

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_URLSAFE = str.maketrans("-_", "+/")
#: Base64 inside of base64 is opened this often.
_DEPTH = 3


def leaks(encoded: bytes, fixture: Fixture, known: Known) -> list[str]:
    """The places at which a known secret, or a part of one, still stands: in the file as it would be written, inside of
    its base64 texts, and across the chunks of its stream."""
    text = encoded.decode()
    places: list[str] = []
    for slot in literals(text) or ():
        if any(known.spans(each) for each in _views(slot.text, _DEPTH)):
            places.append(show(slot.path))
    if fixture.response.chunks is not None:
        whole = (fixture.response.data() or b"").decode("latin-1")
        if known.spans(whole):
            places.append("response.chunks, put together")
        else:
            places += _across(whole, known)
    if not places and known.spans(text):
        places.append("the file as a whole")
    return list(dict.fromkeys(places))


def _views(text: str, depth: int) -> Iterator[str]:
    yield text
    if depth == 0:
        return
    for found in _BASE64.finditer(text):
        body = found[0].translate(_URLSAFE).rstrip("=")
        body = body[: len(body) - (len(body) % 4 == 1)]
        try:
            data = b64decode(body + "=" * (-len(body) % 4))
        except (Error, ValueError):
            continue
        yield from _views(data.decode("latin-1"), depth - 1)


def _across(stream: str, known: Known) -> Iterator[str]:
    """Secrets that were cut into the events of a stream."""
    texts: dict[str, list[str]] = {}
    for line in stream.splitlines():
        name, _, data = line.partition(":")
        for slot in (literals(data) or ()) if name == "data" else ():
            if not slot.is_key:
                texts.setdefault(show(slot.path), []).append(slot.text)
    for place, pieces in texts.items():
        if known.spans("".join(pieces)):
            yield f"response.chunks, {place} of its events put together"
