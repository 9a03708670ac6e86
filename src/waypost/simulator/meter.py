"""Counts what one exchange generates while it is written, for the bill."""

from __future__ import annotations

import msgspec

from waypost.simulator.bill import Bill, End, Tokens
from waypost.simulator.wire import Made, Script


class Meter:
    """Counts what one exchange has generated, and adds its line to the bill when it ends. Closing twice is harmless.

    `whole`, if given, is what a cancelled exchange generates all the same.
    """

    __slots__ = (
        "_audio",
        "_bill",
        "_billable",
        "_closed",
        "_output",
        "_prompt",
        "_reasoning",
        "_who",
        "_whole",
    )

    def __init__(
        self,
        bill: Bill,
        request_id: str,
        model: str,
        operation: str,
        prompt: Tokens,
        whole: Made | None = None,
    ) -> None:
        self._bill = bill
        self._who = (request_id, model, operation)
        self._prompt = prompt
        self._whole = whole
        self._output = self._reasoning = self._audio = 0
        self._billable = self._closed = False

    def add(self, made: Made) -> None:
        """These tokens were written."""
        self._billable = True
        self._output += made.output
        self._reasoning += made.reasoning
        self._audio += made.audio

    def close(self, end: End) -> None:
        """The exchange is over."""
        if self._closed:
            return
        self._closed = True
        if end == "cancelled" and self._whole is not None:
            self._output = self._reasoning = self._audio = 0
            self.add(self._whole)
        if self._billable:
            prompt = self._prompt
            tokens = Tokens(
                prompt.prompt,
                prompt.cached,
                prompt.audio_input,
                self._output,
                self._reasoning,
                self._audio,
                prompt.cache_write,
                prompt.cache_write_1h,
                prompt.audio_ms,
                prompt.characters,
                prompt.images,
                prompt.hd_images,
                prompt.searches,
            )
            self._bill.add(*self._who, end, tokens)


class Exchange(msgspec.Struct, frozen=True):
    """A script and its meter (None for what is never billed: errors, lists, the bill itself). `end` is how the
    line closes when the script was written to its end."""

    script: Script
    meter: Meter | None = None
    end: End = "done"
