"""What of a chat request is counted: its texts, and the tokens around them as far as they are published."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from waypost.core.request import (
    ChatRequest,
    Media,
    Message,
    Opaque,
    Part,
    Refusal,
    Text,
    Thinking,
    Tool,
    ToolCall,
)

#: https://github.com/openai/openai-cookbook/blob/main/examples/How_to_count_tokens_with_tiktoken.ipynb (2026-11-26):
#: around a message, before the answer. A role is one token.
PER_MESSAGE = 3
BEFORE_ANSWER = 3
_ROLE = 1
#: What a call, or the result of one, has around it; and a tool. No vendor says: of about this size.
_PER_CALL = 8
_PER_TOOL = 8
#: A picture of 1,024 by 1,024 points at high detail, and any at low:
#: https://platform.openai.com/docs/guides/images-vision (2026-11-21).
_PICTURE = 765
_SMALL_PICTURE = 85
#: A page or two, half a minute of sound: nothing here says how long they are.
_OTHER_MEDIA = 1500


class Weighed(msgspec.Struct, frozen=True):
    """The texts, each tokenized for itself, and the tokens to add. `plain`: nothing but messages of one text each, so
    that the sum is all there is."""

    texts: tuple[str, ...]
    extra: int
    plain: bool


def weigh(request: ChatRequest) -> Weighed:
    """Everything the model is shown."""
    texts: list[str] = []
    extra = BEFORE_ANSWER
    plain = bool(request.messages) and not request.tools and request.response_format is None
    for message in request.messages:
        extra += PER_MESSAGE + _ROLE
        plain = plain and _is_plain(message)
        for part in message.parts:
            extra += _take(part, texts)
    for tool in request.tools:
        extra += _PER_TOOL
        texts.extend(_tool_texts(tool))
    shape = request.response_format
    if shape is not None and shape.schema is not None:
        texts.append(bytes(shape.schema).decode())
    return Weighed(tuple(texts), extra, plain)


def _is_plain(message: Message) -> bool:
    # A name has a token of its own, and several texts are joined in a way nobody has written down.
    return len(message.parts) == 1 and isinstance(message.parts[0], Text) and not _says_more(message)


def _says_more(message: Message) -> bool:
    return message.extras is not None and bool(message.extras.fields)


def _take(part: Part, texts: list[str]) -> int:
    """Add the part's texts; returns the tokens on top of them."""
    if isinstance(part, Text | Refusal | Thinking):
        texts.append(part.text)
        return 0
    if isinstance(part, ToolCall):
        texts += (part.name, part.arguments)
        return _PER_CALL
    if isinstance(part, Media):
        return _media(part)
    if isinstance(part, Opaque):
        texts.append(bytes(part.data).decode())
        return 0
    return _PER_CALL + sum(_take(inner, texts) for inner in part.parts)


def _media(part: Media) -> int:
    if part.kind != "image":
        return _OTHER_MEDIA
    return _SMALL_PICTURE if part.detail == "low" else _PICTURE


def _tool_texts(tool: Tool | Opaque) -> Iterator[str]:
    if isinstance(tool, Opaque):
        yield bytes(tool.data).decode()
        return
    yield tool.name
    if tool.description:
        yield tool.description
    if tool.parameters is not None:
        yield bytes(tool.parameters).decode()
