"""Token counts of a Converse request from bytes, without decoding a message. Meant to be at or above the real count."""

from __future__ import annotations

import re

from waypost.dialects.openai.estimate import (
    AUDIO_BYTES_PER_TOKEN,
    FILE_BYTES_PER_TOKEN,
    FILE_TOKENS,
    IMAGE_TOKENS,
    text_tokens,
)

#: Bytes of base64 per token of video: Nova counts 288 tokens per second, at a low bit rate of 400 kbit/s.
#: https://docs.aws.amazon.com/nova/latest/userguide/modalities-video.html (2026-11-25)
VIDEO_BYTES_PER_TOKEN = 230

_GATE = b'"source"'
_MEDIA = re.compile(rb'"(image|document|video|audio)"\s*:\s*\{')
_LONG = re.compile(rb'"([^"]{256,})')
_BASE64 = re.compile(rb"[A-Za-z0-9+/\\]+={0,2}")
#: The dearest reading of bytes whose kind is not looked up, in the order of their price.
_PER_TOKEN = (
    (b"document", FILE_BYTES_PER_TOKEN),
    (b"video", VIDEO_BYTES_PER_TOKEN),
    (b"audio", AUDIO_BYTES_PER_TOKEN),
)


def input_tokens(body: bytes) -> int:
    """Tokens of a JSON value with messages, system blocks or tools in it."""
    if _GATE not in body:
        return text_tokens(len(body))
    kinds = _MEDIA.findall(body)
    # At most as many long strings are taken for media as there are media parts: text can not hide among them.
    found = sorted((text for text in _LONG.findall(body) if _is_base64(text)), key=len, reverse=True)
    size = sum(len(part) for part in found[: len(kinds)])
    tokens = kinds.count(b"image") * IMAGE_TOKENS + kinds.count(b"document") * FILE_TOKENS
    for kind, per_token in _PER_TOKEN:
        if kind in kinds:
            tokens += size // per_token
            break
    return tokens + text_tokens(len(body) - size)


def _is_base64(text: bytes) -> bool:
    # The ends are enough: a payload of megabytes is not read twice.
    return _BASE64.fullmatch(text[:240]) is not None and _BASE64.fullmatch(text[-240:]) is not None
