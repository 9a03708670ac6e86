"""What a client asked the simulated provider, without its wire format. Dialects parse into this."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

Operation = Literal["chat", "completions", "embeddings", "rerank"]


class Refused(Exception):
    """A request that the simulator does not serve; rendered by the dialect as its error envelope."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        retry_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.code = code
        self.param = param
        self.retry_s = retry_s
        """When to come back, for dialects whose error bodies say so."""


class Tool(msgspec.Struct, frozen=True):
    """A function the model may call; `schema` describes its arguments."""

    name: str
    schema: Mapping[str, object]
    free: bool = False
    """Its argument is free text, not an object."""


class Mark(msgspec.Struct, frozen=True):
    """Up to here the client wants its prompt cached: what stands before, as a digest and in tokens."""

    digest: bytes
    tokens: int
    ttl_s: int = 300


class Ask(msgspec.Struct, frozen=True):
    """One request. Token counts follow the dialect's documented rule."""

    operation: Operation
    model: str
    prompt_tokens: int
    stream: bool = False
    wants_usage: bool = False
    obfuscate: bool = True
    choices: int = 1
    max_output: int | None = None
    audio_input: int = 0
    last_text: str = ""
    """The newest text of the user: what `sim-echo` repeats."""
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"
    """`auto`, `none`, `required`, or the name of one function, written `=name`."""
    parallel: bool = True
    schema: Mapping[str, object] | None = None
    """An answer that is a valid instance of this is wanted; `{}` for any JSON object."""
    top_logprobs: int | None = None
    """None: no log probabilities. Otherwise how many alternatives are listed."""
    tier: str = "default"
    inputs: tuple[bytes, ...] = ()
    """Embeddings: one canonical byte string per input."""
    dimensions: int | None = None
    base64: bool = False
    stop: tuple[str, ...] = ()
    """The answer's text ends before the first of these."""
    think: bool | None = None
    """Reasoning was asked for (True) or forbidden (False). None: as the model does."""
    shown: bool | None = None
    """The client wants to read the reasoning. None: as the model's `show` says."""
    audible: bool = True
    """The dialect can carry audio answers."""
    preface: int = 0
    """Tokens of text that the dialect expects before tool calls."""
    marks: tuple[Mark, ...] = ()
    """Where the prompt is to be cached, in order."""
    searches: int = 0
    """Search units of a reranker, which it bills in place of tokens."""
    echo: Mapping[str, object] = {}
    """What else of the request its answer needs, by the dialect's own names."""
    simulate: Mapping[str, object] = {}
    """The body's `simulate` object."""
