"""Input tokens from bytes, without decoding a message. Meant to be at or above the real count.

A picture is at most about 1,600 tokens, at any size: https://platform.claude.com/docs/en/build-with-claude/vision; a
page of a PDF 1,500 to 3,000: https://platform.claude.com/docs/en/build-with-claude/pdf-support; tools bring a system
prompt of their own: https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview (2026-11-25).
"""

from __future__ import annotations

import re

import msgspec

from waypost.dialects.fields import Fields
from waypost.dialects.openai.estimate import FILE_BYTES_PER_TOKEN, FILE_TOKENS, IMAGE_TOKENS, text_tokens

#: What the model is told about tools at all, on top of their definitions.
TOOL_PROMPT_TOKENS = 800
#: What the model is shown.
_SHOWN = ("messages", "system", "tools", "tool_choice", "output_config", "output_format", "mcp_servers")

_KIND_GATE = b'"type"'
_KIND = re.compile(rb'"type"\s*:\s*"(image|document)"')
_PAYLOAD = re.compile(rb'"data"\s*:\s*"([A-Za-z0-9+/_\\-]{64,}={0,2})"')


def estimate(fields: Fields) -> int:
    """Tokens of everything the model is shown."""
    tokens = sum([_tokens(fields[name]) for name in _SHOWN if name in fields])
    tools = bytes(fields["tools"]) if "tools" in fields else b""
    return tokens + (TOOL_PROMPT_TOKENS if len(tools) > len(b"null") else 0)


def _tokens(raw: msgspec.Raw) -> int:
    body = bytes(raw)
    kinds = _KIND.findall(body) if _KIND_GATE in body else ()
    if not kinds:
        return text_tokens(len(body))
    images, documents = kinds.count(b"image"), kinds.count(b"document")
    # At most as many payloads are taken for media as there are media: text can not hide among them.
    sizes = sorted((found.end(1) - found.start(1) for found in _PAYLOAD.finditer(body)), reverse=True)
    size = sum(sizes[: len(kinds)])
    tokens = images * IMAGE_TOKENS + documents * FILE_TOKENS
    if documents:
        tokens += size // FILE_BYTES_PER_TOKEN
    return tokens + text_tokens(len(body) - size)
