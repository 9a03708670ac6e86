"""How every dialect of the simulator counts a prompt, so that a test can predict it.

Every whitespace-separated word of every text is a token; a message has 3 more, an image is 85, input audio 25, a file
or document 100, a call that comes back 5 beside the words of its arguments (as compact JSON with sorted keys where the
dialect sends an object), a tool 10.
"""

from __future__ import annotations

import hashlib

import msgspec

from waypost.simulator.ask import Mark

#: Documents that one search of a reranker covers.
PER_SEARCH = 100
PER_MESSAGE, PER_IMAGE, PER_AUDIO, PER_FILE, PER_CALL, PER_TOOL = 3, 85, 25, 100, 5, 10


def words(text: object) -> int:
    """Tokens of a text; of anything else, none."""
    return len(text.split()) if isinstance(text, str) else 0


def object_words(value: object) -> int:
    """Tokens of an object that comes back as the arguments of a call, or as a tool's result."""
    return len(msgspec.json.encode(value, order="sorted").decode().split())


class Count:
    """Counts a prompt from its beginning, and marks places in it."""

    __slots__ = ("_digest", "audio", "last_text", "marks", "tokens")

    def __init__(self) -> None:
        self.tokens = self.audio = 0
        self.last_text = ""
        self.marks: list[Mark] = []
        self._digest = hashlib.sha256()

    def add(self, tokens: int, seen: object) -> None:
        """These tokens come next; `seen` is what they are made of."""
        self.tokens += tokens
        self._digest.update(msgspec.json.encode(seen, order="sorted"))

    def mark(self, ttl_s: int = 300) -> None:
        """What was added so far is to be cached."""
        self.marks.append(Mark(self._digest.digest(), self.tokens, ttl_s))
