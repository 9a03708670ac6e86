"""A chat request as every dialect can say it: what the cross-dialect lane carries from one codec to another.

A part that one dialect has and the others have not is an `Opaque` of that dialect; a field that is not modelled
is kept in `extras`. Each is rendered again only in the dialect it came from, so nothing leaks and nothing is lost
without its being named.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Role = Literal["system", "developer", "user", "assistant", "tool"]
MediaKind = Literal["image", "audio", "video", "file"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
#: Whose signature it is: only its maker's models take it back. The words are those of OpenRouter's
#: `reasoning_details[].format` (https://openrouter.ai/docs/use-cases/reasoning-tokens, 2026-11-25).
Maker = Literal["anthropic-claude-v1", "google-gemini-v1", "openai-responses-v1"]


class Extras(msgspec.Struct, frozen=True):
    """Fields of an object that the core does not model, in the dialect they came in.

    `form` tells which of several ways of writing the modelled fields was used; only that dialect's codec reads it.
    """

    dialect: str
    fields: dict[str, msgspec.Raw] = {}
    form: str = ""


class CacheHint(msgspec.Struct, frozen=True):
    """Everything up to and including this part may be cached by the provider, for so many seconds."""

    ttl_s: int = 300


class Citation(msgspec.Struct, frozen=True):
    """A source that a text rests on. `start` and `end` count characters of that text."""

    url: str | None = None
    title: str | None = None
    quote: str | None = None
    start: int | None = None
    end: int | None = None
    extras: Extras | None = None


class Text(msgspec.Struct, frozen=True, tag="text"):
    """Words for people."""

    text: str
    cache: CacheHint | None = None
    extras: Extras | None = None
    citations: tuple[Citation, ...] = ()


class Thinking(msgspec.Struct, frozen=True, tag="thinking"):
    """The model's reasoning. The signature proves to its `maker` that it was not changed.

    `redacted`: the text is hidden, and the signature carries it encrypted. An empty text with a signature that is not
    redacted belongs to the part before it (Gemini signs texts so).
    """

    text: str
    signature: str | None = None
    extras: Extras | None = None
    maker: Maker | None = None
    redacted: bool = False


class ToolCall(msgspec.Struct, frozen=True, tag="tool_call"):
    """The model asks for a tool. `arguments` is JSON text, as the model wrote it: it may be invalid.

    `signature` goes back to its `maker` with the call (Gemini signs calls so).
    """

    call_id: str
    name: str
    arguments: str
    extras: Extras | None = None
    signature: str | None = None
    maker: Maker | None = None


class Media(msgspec.Struct, frozen=True, tag="media"):
    """A picture, a sound or a document: by `url`, by base64 `data`, or by an id at the provider."""

    kind: MediaKind
    url: str | None = None
    data: str | None = None
    mime: str | None = None
    file_id: str | None = None
    name: str | None = None
    detail: str | None = None
    cache: CacheHint | None = None
    extras: Extras | None = None


class Refusal(msgspec.Struct, frozen=True, tag="refusal"):
    """The model declines."""

    text: str
    extras: Extras | None = None


class Opaque(msgspec.Struct, frozen=True, tag="opaque"):
    """A part that only its own dialect can say. `slot`: where in its message it belongs; that codec's own word."""

    dialect: str
    data: msgspec.Raw
    slot: str = ""


class ToolResult(msgspec.Struct, frozen=True, tag="tool_result"):
    """What a tool answered."""

    call_id: str
    parts: tuple[Text | Media | Refusal | Opaque, ...]
    is_error: bool = False
    cache: CacheHint | None = None
    extras: Extras | None = None
    name: str | None = None
    """The tool's name, where the wire says it; otherwise it is that of the call."""


Part = Text | Thinking | ToolCall | ToolResult | Media | Refusal | Opaque


class Message(msgspec.Struct, frozen=True):
    """One turn. A tool's answer is a message of role `tool` with one `ToolResult`."""

    role: Role
    parts: tuple[Part, ...]
    extras: Extras | None = None


class Tool(msgspec.Struct, frozen=True):
    """A function the model may call. `parameters` is a JSON Schema."""

    name: str
    description: str | None = None
    parameters: msgspec.Raw | None = None
    strict: bool | None = None
    extras: Extras | None = None
    cache: CacheHint | None = None


class ToolChoice(msgspec.Struct, frozen=True):
    """Which tool has to be called. `name` only with `one`."""

    mode: Literal["auto", "none", "required", "one"]
    name: str | None = None


class ResponseFormat(msgspec.Struct, frozen=True):
    """The shape of the answer. `json_schema` has a `schema`."""

    kind: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    description: str | None = None
    schema: msgspec.Raw | None = None
    strict: bool | None = None
    extras: Extras | None = None


class Sampling(msgspec.Struct, frozen=True):
    """How tokens are chosen; None leaves it to the provider."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()


class ChatRequest(msgspec.Struct, frozen=True):
    """The whole request. Counts are tokens. None leaves a setting to the provider."""

    model: str
    messages: tuple[Message, ...]
    tools: tuple[Tool | Opaque, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    sampling: Sampling = Sampling()
    max_output: int | None = None
    effort: Effort | None = None
    """How hard to think; `none` switches it off. See `core/effort.py` for what it is in tokens."""
    thinking_budget: int | None = None
    """Tokens to think with, at most; 0 switches it off, -1 leaves it to the model. It wins over `effort`."""
    show_thinking: bool | None = None
    """Whether the answer shows the reasoning, or a summary of it."""
    choices: int = 1
    stream: bool = False
    wants_usage: bool = False
    user: str | None = None
    """The end user, as the client names them."""
    tier: str | None = None
    """`auto`, `default`, `flex`, `priority` … : service for another price."""
    top_logprobs: int | None = None
    """Log probabilities of the answer's tokens with so many alternatives; 0: of the chosen tokens only."""
    metadata: dict[str, str] | None = None
    verbosity: Literal["low", "medium", "high"] | None = None
    cache_key: str | None = None
    """Requests with the same key probably share a prefix."""
    modalities: tuple[str, ...] = ()
    """What the answer may be made of: `text`, `image`, `audio`. Empty: text."""
    extras: Extras | None = None
