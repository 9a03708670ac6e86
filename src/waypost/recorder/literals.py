"""Where the texts stand in a JSON document, so that some can be exchanged and every other byte stays as it came."""

from __future__ import annotations

import re

import msgspec

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]')

Path = tuple[str | int, ...]


class Slot(msgspec.Struct, frozen=True, gc=False):
    """A text and its place: `start` and `end` are characters of the document, quotes included where it is `quoted`."""

    text: str
    start: int
    end: int
    path: Path = ()
    is_key: bool = False
    quoted: bool = True

    @property
    def key(self) -> str:
        """The name of the nearest field around it, or ""."""
        return next((each for each in reversed(self.path) if isinstance(each, str)), "")

    def render(self, text: str) -> str:
        """Another text, as it has to stand here."""
        return msgspec.json.encode(text).decode() if self.quoted else text


def literals(document: str, offset: int = 0) -> list[Slot] | None:
    """Every string of a JSON document, names of fields included, in order; None when it is not JSON.

    `offset` is added to the places.
    """
    try:
        msgspec.json.decode(document)
    except (msgspec.DecodeError, RecursionError):
        return None
    path: list[str | int] = []
    naming: list[bool] = []
    found: list[Slot] = []
    for token in _TOKEN.finditer(document):
        mark = token[0]
        if mark[0] == '"':
            text = msgspec.json.decode(mark, type=str)
            is_key = bool(naming) and naming[-1]
            if is_key:
                path[-1] = text
            found.append(Slot(text, token.start() + offset, token.end() + offset, tuple(path), is_key))
        else:
            _step(mark, path, naming)
    return found


def _step(mark: str, path: list[str | int], naming: list[bool]) -> None:
    if mark == "{":
        path.append("")
        naming.append(True)
    elif mark == "[":
        path.append(0)
        naming.append(False)
    elif mark in "}]":
        path.pop()
        naming.pop()
    elif mark == ":":
        naming[-1] = False
    elif isinstance(last := path[-1], int):
        path[-1] = last + 1
    else:
        naming[-1] = True


def show(path: Path) -> str:
    """A path for people: `messages[0].content`."""
    text = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in path)
    return text.removeprefix(".")
