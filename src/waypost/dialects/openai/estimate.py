"""Token counts from bytes, without decoding a message. Meant to be at or above the real count.

Text: one token per three bytes of JSON, syntax included (English prose has about four bytes per token, source code
about three, Chinese one character of three bytes). Media are counted apart, and their base64 is not text.
"""

from __future__ import annotations

import re

import msgspec

BYTES_PER_TOKEN = 3
#: A large picture at high detail: https://platform.openai.com/docs/guides/images-vision (2026-11-21).
IMAGE_TOKENS = 1600
#: Bytes of base64 per token of audio: 10 tokens per second at 40 kbit/s.
AUDIO_BYTES_PER_TOKEN = 600
#: Bytes of base64 per token of a document, and the least that one is taken for.
FILE_BYTES_PER_TOKEN = 40
FILE_TOKENS = 1600

_MEDIA_GATE = b'"type"'
_MEDIA = re.compile(rb'"(image_url|input_audio|file)"\s*:')
#: A long string, found without making an object of every short one: a body can hold millions of them.
_LONG = re.compile(rb'"([^"]{256,})')
_BASE64 = re.compile(rb"(?:data:[\w.+/;=-]{0,100},)?[A-Za-z0-9+/_\\-]+={0,2}")


def text_tokens(size: int) -> int:
    """Tokens of `size` bytes of text, rounded up."""
    return -(-size // BYTES_PER_TOKEN)


def input_tokens(raw: msgspec.Raw) -> int:
    """Tokens of a JSON value with messages or parts in it."""
    body = bytes(raw)
    if _MEDIA_GATE not in body:
        return text_tokens(len(body))
    kinds = _MEDIA.findall(body)
    return media_tokens(body, *(kinds.count(kind) for kind in (b"image_url", b"input_audio", b"file")))


def media_tokens(body: bytes, images: int, audios: int, files: int) -> int:
    """Tokens of a JSON text in which so many media parts stand."""
    if not images + audios + files:
        return text_tokens(len(body))
    tokens = images * IMAGE_TOKENS + files * FILE_TOKENS
    # At most as many long strings are taken for media as there are media parts: text can not hide among them.
    found = sorted((text for text in _LONG.findall(body) if _is_base64(text)), key=len, reverse=True)
    payload = [len(part) for part in found[: images + audios + files]]
    size = sum(payload)
    if audios or files:
        tokens += size // (FILE_BYTES_PER_TOKEN if files else AUDIO_BYTES_PER_TOKEN)
    return tokens + text_tokens(len(body) - size)


def _is_base64(text: bytes) -> bool:
    # The ends are enough: a payload of megabytes is not read twice.
    return _BASE64.fullmatch(text[:240]) is not None and _BASE64.fullmatch(text[-240:]) is not None
