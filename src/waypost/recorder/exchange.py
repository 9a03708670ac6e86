"""One exchange as it went over the wire, and what of it may be written down."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from hashlib import sha256

import msgspec

from waypost.recorder import rules
from waypost.recorder.documents import Document, apply, cut, stream_document, text_document
from waypost.recorder.fixture import (
    Chunk,
    Content,
    Fixture,
    Lines,
    Options,
    Request,
    Response,
    chunk_of,
    content_of,
    join_lines,
)
from waypost.recorder.known import HIDDEN, Known
from waypost.recorder.literals import Slot, literals, show
from waypost.recorder.names import Names
from waypost.recorder.scrub import Scrubber, is_words, redact


class Asked(msgspec.Struct, frozen=True):
    """A request, with nothing taken out."""

    method: str
    target: str
    headers: Lines
    body: bytes

    def header(self, name: str) -> str:
        return next((value for each, value in self.headers if each == name), "")


class Answered(msgspec.Struct, frozen=True):
    """A response, with nothing taken out. A streamed one came in pieces, each with its milliseconds."""

    status: int
    headers: Lines
    pieces: tuple[tuple[int, bytes], ...]
    streamed: bool = False
    complete: bool = True

    @property
    def data(self) -> bytes:
        return b"".join(piece for _, piece in self.pieces)

    @property
    def content_type(self) -> str:
        return next((value for name, value in self.headers if name == "content-type"), "")


class Label(msgspec.Struct, frozen=True):
    """What a fixture says beside the exchange."""

    provider: str
    dialect: str
    date: str
    note: str = ""


class Change(msgspec.Struct, frozen=True):
    """Something that is not as it may be written: where, and which rule says so."""

    place: str
    rule: str


class Opened:
    """An exchange with its texts in reach: `fixture` is the scrubbed form, `changes` is what that takes."""

    def __init__(self, asked: Asked, answered: Answered | None, known: Known, options: Options) -> None:
        self._asked, self._answered = asked, answered
        self._said: list[str] = []
        names = Names(self._is_taken)
        self._scrubber = Scrubber(known, names, options)
        self._request = _open(asked.body)
        self._response: Document | None = None
        self._learn(asked.headers, asked.body, self._request, asked.target)
        if answered is not None:
            data = answered.data
            self._response = (
                stream_document(data, answered.content_type) if answered.streamed else _open(data)
            )
            self._learn(answered.headers, data, self._response)

    def _learn(self, headers: Lines, body: bytes, document: Document | None, target: str = "") -> None:
        self._said.append(f"{target}\n{body.decode('utf-8', 'replace')}")
        self._headers(headers)
        if target:
            self._scrubber.target(target)
        for slot in document.slots if document is not None else ():
            self._scrubber.learn(slot)

    def _is_taken(self, name: str) -> bool:
        alone = re.compile(rf"(?<!\w){re.escape(name)}(?![\w-])")
        return any(alone.search(said) for said in self._said)

    def request(self) -> Request:
        """The request as it may be written."""
        asked = self._asked
        body, content = self._body(asked.body, self._request)
        return Request(
            method=asked.method,
            path=self._scrubber.target(asked.target),
            headers=join_lines(self._headers(asked.headers)),
            body=body,
            content=content,
        )

    def fixture(self, label: Label) -> Fixture:
        """The exchange as it may be written."""
        agent = self._scrubber.header("user-agent", self._asked.header("user-agent")) or ""
        return Fixture(
            provider=label.provider,
            dialect=label.dialect,
            date=label.date,
            user_agent=agent,
            request=self.request(),
            response=self._answer(),
            note=label.note,
            options=self._scrubber.options,
        )

    def _answer(self) -> Response:
        answered = self._answered
        assert answered is not None  # noqa: S101 - only `request` is asked of one without
        headers = join_lines(self._headers(answered.headers))
        if answered.streamed and self._response is not None:
            chunks = self._chunks(answered, self._response)
            return Response(answered.status, headers, chunks=chunks, complete=answered.complete)
        body, content = self._body(answered.data, self._response)
        return Response(answered.status, headers, body, content, complete=answered.complete)

    def changes(self) -> Iterator[Change]:
        """What scrubbing changes: nothing, where it was done already."""
        asked, answered = self._asked, self._answered
        if self._scrubber.target(asked.target) != asked.target:
            yield Change("request.path", "an id, a name or a secret in a path")
        yield from self._header_changes("request", asked.headers)
        yield from self._text_changes("request", self._request)
        if answered is not None:
            yield from self._header_changes("response", answered.headers)
            yield from self._text_changes("response", self._response)

    def _header_changes(self, side: str, headers: Lines) -> Iterator[Change]:
        for name, value in headers:
            if self._scrubber.header(name, value) != value:
                yield Change(f"{side}.headers.{name}", "a header's value")

    def _text_changes(self, side: str, document: Document | None) -> Iterator[Change]:
        if document is None:
            return
        whole = True
        for slot in document.slots:
            for rule, _ in self._scrubber.changes(slot):
                whole = False
                yield Change(f"{side}: {show(slot.path) or 'its text'}", rule)
        texts = [slot.text for slot in document.slots]
        if whole and self._mend_pieces(document.slots, texts):
            yield Change(f"{side}: its pieces put together", "what looks like a secret")

    def _headers(self, headers: Lines) -> Lines:
        shown = ((name, self._scrubber.header(name, value)) for name, value in headers)
        return tuple((name, value) for name, value in shown if value is not None)

    def _body(
        self, data: bytes, document: Document | None
    ) -> tuple[msgspec.Raw | msgspec.UnsetType, Content | None]:
        if not data:
            return msgspec.UNSET, None
        if document is None:
            if self._scrubber.options.keep_media:
                return msgspec.UNSET, content_of(data)
            return msgspec.UNSET, Content(size=len(data), sha256=sha256(data).hexdigest())
        new = apply(data, document.edits(self._texts(document.slots)))
        if literals(new.decode()) is not None:
            return msgspec.Raw(new), None
        return msgspec.UNSET, content_of(new)

    def _chunks(self, answered: Answered, document: Document) -> tuple[Chunk, ...]:
        edits = document.edits(self._texts(document.slots))
        pieces = cut(answered.data, edits, [len(piece) for _, piece in answered.pieces])
        return tuple(chunk_of(ms, new) for (ms, _), new in zip(answered.pieces, pieces, strict=True))

    def _texts(self, slots: Sequence[Slot]) -> list[str]:
        texts = [self._scrubber.text(slot) for slot in slots]
        self._mend_pieces(slots, texts)
        if self._scrubber.options.redact_text:
            for group in self._groups(slots):
                _redact_group(texts, group)
        return texts

    def _mend_pieces(self, slots: Sequence[Slot], texts: list[str]) -> bool:
        """Take out what shows only when the pieces of a text are put together. True if there was such a thing."""
        mended = False
        for group in self._groups(slots):
            if len(group) > 1:
                for span in reversed(self._scrubber.piece("".join(texts[at] for at in group))):
                    mended |= _take_out(texts, group, span)
        return mended

    def _groups(self, slots: Sequence[Slot]) -> list[list[int]]:
        """Places of the texts that belong together: the same field of the same item, event after event."""
        groups: dict[object, list[int]] = {}
        item: dict[str, str] = {}
        for at, slot in enumerate(slots):
            if slot.path in (("type",), ("item_id",)) and not slot.is_key:
                item[slot.key] = slot.text
            elif self._in_pieces(slot):
                groups.setdefault((slot.path, *item.values()), []).append(at)
        return list(groups.values())

    def _in_pieces(self, slot: Slot) -> bool:
        words = slot.key in rules.PIECE_FIELDS or is_words(slot)
        return words and not slot.is_key and not self._scrubber.is_media(slot)


def _open(body: bytes) -> Document | None:
    try:
        return text_document(body.decode())
    except UnicodeDecodeError:
        return None


def _take_out(texts: list[str], group: list[int], span: tuple[int, int]) -> bool:
    """Take a span of the joined texts out of each of them. False, and nothing done, when it is inside of one."""
    start, end = span
    at, hit = 0, []
    for place in group:
        size = len(texts[place])
        left, right = max(start - at, 0), min(end - at, size)
        if left < right:
            hit.append((place, left, right))
        at += size
    if len(hit) < 2:
        return False
    for number, (place, left, right) in enumerate(hit):
        text = texts[place]
        texts[place] = text[:left] + (HIDDEN if number == 0 else "") + text[right:]
    return True


def _redact_group(texts: list[str], group: list[int]) -> None:
    joined = "".join(texts[at] for at in group)
    nested = joined.lstrip()[:1] in ("{", "[") and literals(joined) is not None
    new = redact(joined, nested)
    at = 0
    for place in group:
        size = len(texts[place])
        texts[place] = new[at : at + size]
        at += size
