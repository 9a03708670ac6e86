"""What the messages of a request are made of, counted for conditions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from waypost.core.embed import EmbedRequest
from waypost.core.request import ChatRequest, Media, Part, Refusal, Text, Thinking, ToolResult

#: Characters of the last message that are shown.
TEXT_MAX: Final = 16 * 1024
#: Where operations without messages keep their texts.
_FIELDS: Final = ("prompt", "input", "query", "documents", "instructions", "system", "messages", "contents")
_DECODE: Final = msgspec.json.Decoder()
#: Bytes of one such field that are looked at.
_LOOKED_AT: Final = 1024 * 1024


class Content(msgspec.Struct, frozen=True):
    """What a condition may ask of `content`."""

    chars: int = 0
    """Of all texts, those of the system and of tools included."""
    messages: int = 0
    images: int = 0
    audio: int = 0
    files: int = 0
    """Documents and videos."""
    text: str = ""
    """The text of the user's last message, at most 16,384 characters of it."""
    has_code: bool = False
    """Whether a text has a fenced block of code (three backticks)."""


def of_chat(chat: ChatRequest) -> Content:
    """Of a chat: every message counts."""
    chars = 0
    has_code = False
    kinds = {"image": 0, "audio": 0, "video": 0, "file": 0}
    last = ""
    for message in chat.messages:
        own: list[str] = []
        for part in _flat(message.parts):
            if isinstance(part, Media):
                kinds[part.kind] += 1
            elif isinstance(part, Text | Refusal | Thinking):
                chars += len(part.text)
                has_code = has_code or "```" in part.text
                if isinstance(part, Text):
                    own.append(part.text)
        if message.role == "user":
            last = "\n".join(own)
    return Content(
        chars=chars,
        messages=len(chat.messages),
        images=kinds["image"],
        audio=kinds["audio"],
        files=kinds["file"] + kinds["video"],
        text=last[:TEXT_MAX],
        has_code=has_code,
    )


def of_embeddings(request: EmbedRequest) -> Content:
    """Of what is to be embedded: each input is a message."""
    parts = [part for each in request.inputs for part in each.parts]
    texts = [part.text for part in parts if isinstance(part, Text)]
    media = [part.kind for part in parts if isinstance(part, Media)]
    return Content(
        chars=sum(map(len, texts)),
        messages=len(request.inputs),
        images=media.count("image"),
        audio=media.count("audio"),
        files=media.count("file") + media.count("video"),
        text=(texts[-1] if texts else "")[:TEXT_MAX],
        has_code=any("```" in text for text in texts),
    )


def of_fields(fields: Mapping[str, msgspec.Raw]) -> Content:
    """Of an operation without a codec: the texts in the fields that usually hold them. Each is a message."""
    texts: list[str] = []
    for name in _FIELDS:
        raw = fields.get(name)
        if raw is not None and len(memoryview(raw)) <= _LOOKED_AT:
            texts += _texts(_DECODE.decode(raw))
    return Content(
        chars=sum(map(len, texts)),
        messages=len(texts),
        text=(texts[-1] if texts else "")[:TEXT_MAX],
        has_code=any("```" in text for text in texts),
    )


def _flat(parts: tuple[Part, ...]) -> Iterator[object]:
    for part in parts:
        if isinstance(part, ToolResult):
            yield from part.parts
        else:
            yield part


def _texts(value: object) -> Iterator[str]:
    """Texts, and those in lists and under names that stand for words."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, dict):
        for name in ("content", "parts", "text"):
            if name in value:
                yield from _texts(value[name])
