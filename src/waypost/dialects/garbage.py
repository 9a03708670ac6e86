"""Events of a stream that can not be read: one between good ones is left out, three in a row end the stream."""

from __future__ import annotations

from waypost.errors import Garbled

#: Events in a row, after which a stream is given up.
IN_A_ROW = 3


class Garbage:
    """Counts them for one stream. Nothing good before the first one makes the stream none at all: it ends at once."""

    __slots__ = ("row", "skipped")

    def __init__(self) -> None:
        #: How many came in a row; 0 after every good event. A stream begins one short of the end.
        self.row = IN_A_ROW - 1
        self.skipped = 0

    def skip(self) -> Garbled | None:
        """One more; the failure that it is, or None when it is just left out."""
        self.row += 1
        if self.row < IN_A_ROW:
            self.skipped += 1
            return None
        return Garbled("The provider sent stream events that can not be read. Try again, or another model.")
