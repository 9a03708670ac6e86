"""The usual event of a stream, read at once: one choice, some content, nothing else that is new."""

from __future__ import annotations

import msgspec

_START = b"data: {"
_END = b"}\n\n"


class _Delta(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    content: str


class _Choice(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    delta: _Delta
    index: int = 0
    finish_reason: None = None
    logprobs: None = None


class _Chunk(msgspec.Struct, gc=False):
    choices: tuple[_Choice]
    usage: None = None
    error: None = None


_CHUNK = msgspec.json.Decoder(_Chunk)


def read_ordinary(chunk: bytes) -> tuple[int, str] | None:
    """The choice's index and its text, when `chunk` is one whole event of this kind; else None. What stands beside
    `choices` in every event (`id`, `model`, …) was read from the first one."""
    size = len(chunk)
    if not chunk.startswith(_START) or not chunk.endswith(_END) or chunk.find(b"\n") != size - 2:
        return None
    if b"\r" in chunk:
        return None
    try:
        choice = _CHUNK.decode(chunk[6 : size - 2]).choices[0]
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return choice.index, choice.delta.content
