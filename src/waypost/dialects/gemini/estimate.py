"""Token counts from bytes, without decoding a message. Meant to be at or above the real count.

Text as in `openai/estimate.py`. Media: https://ai.google.dev/gemini-api/docs/tokens and
https://ai.google.dev/gemini-api/docs/media-resolution (2026-11-25): 32 tokens a second of sound, about 300 a second
of video, up to 1,120 for a picture, up to 560 for a page.
"""

from __future__ import annotations

import re

import msgspec

from waypost.dialects.openai.estimate import FILE_BYTES_PER_TOKEN, IMAGE_TOKENS, text_tokens

#: Bytes of base64 per token: sound at 50 kbit/s, video at 300 kbit/s.
_BYTES_PER_TOKEN = {b"audio": 200, b"video": 150}
#: The least that a document, a sound or a video is taken for.
_LEAST = 1600
#: A file that is only referred to, and is no picture: about a minute of video or thirty pages.
_REFERRED = 16_000

_GATE = re.compile(rb'"(?:inline|file)_?[dD]ata"')
_BLOB = re.compile(rb'"inline_?[dD]ata"\s*:\s*\{([^{}]*)\}')
_FILE = re.compile(rb'"file_?[dD]ata"\s*:\s*\{([^{}]*)\}')
_MIME = re.compile(rb'"mime_?[tT]ype"\s*:\s*"([a-z]+)\\?/')
_DATA = re.compile(rb'"data"\s*:\s*"([^"]*)"')
_BASE64 = re.compile(rb"[A-Za-z0-9+/_\\-]*={0,2}")


def input_tokens(raw: msgspec.Raw) -> int:
    """Tokens of a JSON value with contents or parts in it."""
    body = bytes(raw)
    if _GATE.search(body) is None:
        return text_tokens(len(body))
    tokens = size = 0
    for blob in _BLOB.findall(body):
        data = _DATA.search(blob)
        if data is None or not _is_base64(data[1]):
            continue
        size += len(data[1])
        tokens += _blob_tokens(_kind(blob), len(data[1]))
    for file in _FILE.findall(body):
        tokens += IMAGE_TOKENS if _kind(file) == b"image" else _REFERRED
    return tokens + text_tokens(len(body) - size)


def _kind(inner: bytes) -> bytes:
    found = _MIME.search(inner)
    return b"" if found is None else bytes(found[1])


def _blob_tokens(kind: bytes, size: int) -> int:
    if kind == b"image":
        return IMAGE_TOKENS
    if kind == b"text":
        return text_tokens(size)
    return max(_LEAST, size // _BYTES_PER_TOKEN.get(kind, FILE_BYTES_PER_TOKEN))


def _is_base64(text: bytes) -> bool:
    # The ends are enough: a payload of megabytes is not read twice.
    return _BASE64.fullmatch(text[:240]) is not None and _BASE64.fullmatch(text[-240:]) is not None
