"""One text after the other, made fit to be seen. What is already scrubbed stays as it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from hashlib import sha256

from waypost.dialects.masking import find_secrets
from waypost.recorder import rules
from waypost.recorder.fixture import Options
from waypost.recorder.known import HIDDEN, Known, replace
from waypost.recorder.literals import Slot
from waypost.recorder.names import Names, random_run

_WORD = re.compile(r"\w")
#: A nested JSON string, and whether it is the name of a field.
_NESTED = re.compile(r'"((?:[^"\\]|\\.)*)"?(\s*:)?')
_ESCAPE = re.compile(r"\\u[0-9a-fA-F]{4}|\\.|\w")
#: Shorter base64 texts are words.
_MEDIA_LEAST = 64

_DATES = (
    (re.compile(r"\d{4}-\d{2}-\d{2}"), "1970-01-01T00:00:00Z"),
    (re.compile(r"\d{8}T"), "19700101T000000Z"),
    (re.compile(r"[\d.]+$"), "0"),
)
_HTTP_DATE = "Thu, 01 Jan 1970 00:00:00 GMT"


class Scrubber:
    """The rules, with what is known of one exchange. First `learn` every text of it, then `text` each."""

    def __init__(self, known: Known, names: Names, options: Options) -> None:
        self.known = known
        self.options = options
        self._names = names
        self._steps: tuple[tuple[str, Callable[[str], str]], ...] = (
            ("a secret, or a part of one", known.hide),
            ("an account's name", self._account_model),
            ("an id", names.ids),
            ("the echo of an id", names.echoes),
            ("what looks like a secret", lambda text: replace(text, find_secrets(text))),
            ("an e-mail address", names.people),
            ("an IP address", names.addresses),
        )

    def learn(self, slot: Slot) -> None:
        """Note what has to be taken out wherever it stands: ids and names by their fields, and texts that look like a
        secret, which an answer may repeat in pieces."""
        if self.is_media(slot):
            return
        self._by_field(slot)
        text = self._names.ids(slot.text)
        for start, end in find_secrets(text):
            self.known.add(text[start:end].strip("*"))

    def text(self, slot: Slot) -> str:
        """The text to write in its place."""
        text = slot.text
        for _, changed in self.changes(slot):
            text = changed
        return text

    def changes(self, slot: Slot) -> Iterator[tuple[str, str]]:
        """Each rule that changes the text, by name, and the text then."""
        if self.is_media(slot):
            short = self._shorten(slot.text)
            if short != slot.text:
                yield "a long base64 text", short
            return
        text = slot.text
        changed = self._by_field(slot)
        if changed != text:
            text = changed
            yield "an id or a name, by its field", text
        for name, step in self._steps:
            changed = step(text)
            if changed != text:
                text = changed
                yield name, text

    def piece(self, text: str) -> list[tuple[int, int]]:
        """Where, in texts that came in pieces and were put together, something has to go."""
        spans = self.known.spans(text) + find_secrets(text)
        spans += [found.span() for found in rules.EMAIL.finditer(text) if not rules.NOBODY.search(found[0])]
        return spans

    def is_media(self, slot: Slot) -> bool:
        """Whether it is a picture, a sound, a file: base64 where such things stand, or as long as they are."""
        if slot.is_key:
            return False
        text = slot.text
        head = rules.DATA_URL.match(text)
        body = text[head.end() :] if head else text
        if len(body) < _MEDIA_LEAST or not rules.BASE64.fullmatch(body):
            return rules.MARKER.fullmatch(body) is not None
        if slot.key in rules.SEALED_FIELDS:
            return False
        return head is not None or slot.key in rules.MEDIA_FIELDS or len(body) > self.options.media_bytes

    def header(self, name: str, value: str) -> str | None:
        """A header's value; None for one that is left out."""
        rule = rules.HEADERS.get(name)
        if rule is None and rules.SECRET_NAME.search(name) and not rules.COUNTING.search(name):
            rule = "secret"
        if rule == "gone":
            return None
        if rule == "host":
            return "localhost"
        if rule == "secret":
            scheme, space, _ = value.partition(" ")
            return f"{scheme} {HIDDEN}" if space and scheme.replace("-", "").isalnum() else HIDDEN
        if rule == "account":
            return self._names.account(value)
        if rule == "id":
            return self._names.id(value)
        if rule == "date":
            return rules.DATE.sub(_epoch, value)
        return self.text(Slot(rules.DATE.sub(_epoch, value), 0, 0, quoted=False))

    def target(self, target: str) -> str:
        """A path with its query."""
        path, mark, query = target.partition("?")
        path = rules.ACCOUNT_PATH.sub(lambda found: self._names.account(found[0]), path)
        path = self.text(Slot(path, 0, 0, quoted=False))
        pairs = [pair.partition("=") for pair in query.split("&")] if query else []
        shown = [f"{name}{sign}{self._parameter(name, value)}" for name, sign, value in pairs]
        return path + mark + "&".join(shown)

    def _parameter(self, name: str, value: str) -> str:
        if rules.SECRET_NAME.search(name):
            return HIDDEN
        return self.text(Slot(value, 0, 0, (name,), quoted=False))

    def _by_field(self, slot: Slot) -> str:
        value, key = slot.text, slot.key
        if slot.is_key or not value or value == HIDDEN or not slot.path:
            return value
        if key in rules.SEALED_FIELDS:
            return self._names.sealed(value)
        if key in rules.ACCOUNT_FIELDS:
            return self._names.account(value)
        if key in rules.ID_FIELDS:
            return self._names.id(value) if random_run(value, 6) else value
        if key == "id":
            return self._names.id(value) if random_run(value, 10) else value
        return value

    def _account_model(self, text: str) -> str:
        return rules.ACCOUNT_MODEL.sub(lambda found: found[1] + self._names.account(found[2]), text)

    def _shorten(self, text: str) -> str:
        head = rules.DATA_URL.match(text)
        start = text[: head.end()] if head else ""
        body = text[len(start) :]
        if self.options.keep_media or len(body) <= self.options.media_bytes or rules.MARKER.fullmatch(body):
            return text
        marker = f"waypost/shortened/{len(body)}/characters/sha256/{sha256(body.encode()).hexdigest()}"
        return start + marker + "/" * (-len(marker) % 4)


def _epoch(found: re.Match[str]) -> str:
    return next((epoch for shape, epoch in _DATES if shape.match(found[0])), _HTTP_DATE)


def is_words(slot: Slot) -> bool:
    """Whether somebody wrote it: a prompt, an answer, an argument."""
    if slot.is_key or not slot.path or slot.key in rules.PLAIN_FIELDS:
        return False
    fields = [each for each in slot.path[1:] if isinstance(each, str)]
    return slot.key in rules.TEXT_FIELDS or any(each in rules.ARGUMENT_FIELDS for each in fields)


def redact(text: str, nested: bool) -> str:
    """Letters become `x` and digits `0`; in `nested` JSON only those of its values. As long as it was."""
    if not nested:
        return _WORD.sub(_filler, text)
    return _NESTED.sub(lambda found: found[0] if found[2] else _inside(found[0]), text)


def _inside(quoted: str) -> str:
    return _ESCAPE.sub(lambda found: found[0] if found[0][0] == "\\" else _filler(found), quoted)


def _filler(found: re.Match[str]) -> str:
    letter = found[0]
    return "0" if letter.isdigit() else "x" if letter != "_" else letter
