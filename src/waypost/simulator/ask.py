"""What a client asked the simulated provider, without its wire format. Dialects parse into this."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

Operation = Literal["chat", "completions", "embeddings"]


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
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.code = code
        self.param = param


class Tool(msgspec.Struct, frozen=True):
    """A function the model may call; `schema` describes its arguments."""

    name: str
    schema: Mapping[str, object]


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
    simulate: Mapping[str, object] = {}
    """The body's `simulate` object."""
