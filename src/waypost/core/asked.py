"""The shallow view of a request: just what admission, routing and metering read, with the rest kept as bytes."""

from __future__ import annotations

import msgspec

from waypost.core.audio import Transcript
from waypost.core.embed import EmbedResponse
from waypost.core.response import ChatResponse
from waypost.core.usage import Units, Usage


class PathAsk(msgspec.Struct, frozen=True):
    """What the path of a request says, for dialects that put it there and not in the body."""

    model: str = ""
    stream: bool = False
    form: str = ""
    """The dialect's own word for which of its paths it is."""
    query: bytes = b""


class Stamp(msgspec.Struct, frozen=True):
    """What the gateway puts on an answer that its dialect wants and the target's has not."""

    exchange_id: str
    created: int
    """Unix time in seconds."""


class FormField(msgspec.Struct, frozen=True):
    """A field of a form that is no text: a file, or one of several of its name."""

    name: str
    data: bytes
    filename: str | None = None
    content_type: bytes | None = None


class Onward(msgspec.Struct, frozen=True):
    """A request for one target."""

    body: bytes
    dropped: tuple[str, ...] = ()
    """The client's fields that were left out, for `x-waypost-dropped`."""
    content_type: bytes = b"application/json"
    path: str = ""
    """In place of the dialect's own, for formats that say settings in it."""


class Asked(msgspec.Struct, frozen=True):
    """One request, parsed once. What goes upstream is rendered from `fields`, so what was checked is what is sent.

    `fields` maps each top-level key to its own bytes, last duplicate winning; a dialect replaces what it changes.
    """

    model: str
    stream: bool
    fields: dict[str, msgspec.Raw]
    #: The client asked for usage in the stream (`stream_options.include_usage`).
    wants_usage: bool = False
    #: Upper bound of output tokens per choice that the client set, or None.
    max_output: int | None = None
    #: How many answers it asked for (`n`; for completions, the number of prompts times `n`). 0: no output (embeddings).
    choices: int = 1
    #: An estimate of the input tokens, meant to be at or above the real count.
    input_estimate: int = 0
    #: A service tier (`flex`, `priority`, …) that may have its own price.
    tier: str | None = None
    #: The dialect's own word for how the answer is to be written.
    form: str = ""
    #: Leave out, and name, content that a target of another dialect can not be shown; otherwise it is refused.
    drop_content: bool = False
    #: Let another target finish a stream that breaks off.
    continues: bool = False
    #: Of a form, what stands beside `fields`.
    files: tuple[FormField, ...] = ()
    #: What it may use beside tokens, meant to be at or above what will be counted. None: nothing.
    units: Units | None = None

    def expected_output(self, largest: int | None, reserve: int) -> int:
        """Output tokens to expect of all its answers: the client's limit for each, else `reserve`, or the model's own
        `largest` where that is smaller."""
        if not self.choices:
            return 0
        limit = self.max_output
        if limit is None:
            limit = largest if largest is not None and largest < reserve else reserve
        return limit * self.choices


class Reply(msgspec.Struct, frozen=True):
    """A whole (not streamed) answer, with what the meter read beside it."""

    fields: dict[str, msgspec.Raw]
    usage: Usage | None
    #: The service tier the provider says it served, if it says.
    tier: str | None = None
    #: Why the first choice ended (`stop`, `length`, …), for the record.
    finish_reason: str | None = None
    #: The answer itself, when it came in another dialect; `fields` is empty then.
    response: ChatResponse | None = None
    #: The same for embeddings.
    embedded: EmbedResponse | None = None
    #: The same for transcripts.
    transcript: Transcript | None = None
    #: The body, where it is not JSON; its content type is the provider's.
    raw: bytes | None = None
