"""The two forms of a Gemini stream: server-sent events with `alt=sse`, otherwise one JSON array sent piece by piece.

https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent (2026-11-25). Neither has a terminator
of its own: events end with the body, the array with its bracket.
"""

from __future__ import annotations

from waypost.dialects.sse import render

ARRAY = "array"
EVENTS = "sse"


class Framing:
    """Writes one stream. Owned by one relay or renderer."""

    __slots__ = ("_begun", "array")

    def __init__(self, form: str) -> None:
        self.array = form == ARRAY
        self._begun = False

    def event(self, data: bytes) -> bytes:
        """One JSON object."""
        if not self.array:
            return render(data)
        head = b",\n" if self._begun else b"["
        self._begun = True
        return head + data + b"\n"

    def end(self) -> bytes:
        """What stands after the last object."""
        if not self.array:
            return b""
        return b"]" if self._begun else b"[]"

    def fail(self, data: bytes) -> bytes:
        """The error object as the last one: an array is closed behind it, as Google does."""
        return self.event(data) + self.end()
