"""Request heads as bytes: a prefix made once per provider, a suffix per request, and no way to inject a line."""

from __future__ import annotations

import re

from waypost.errors import InvalidRequest

# RFC 9110 sections 5.1 and 5.5, https://www.rfc-editor.org/rfc/rfc9110 (read 2026-11-21): a token; no CR, LF, NUL.
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(rb"[^\x00-\x08\x0a-\x1f\x7f]*")
_TARGET = re.compile(rb"/[!-~]*")
_METHOD = re.compile(rb"[A-Z]+")
_AUTHORITY = re.compile(rb"[0-9A-Za-z._~%:\[\]-]+")
_FRAMING = frozenset(
    (b"host", b"content-length", b"transfer-encoding", b"connection", b"upgrade", b"te", b"trailer")
)


def render_line(name: str, value: str) -> bytes:
    """One header line, ending in CRLF. Raises InvalidRequest, naming the header, for CR, LF, NUL or other controls."""
    try:
        raw_name, raw_value = name.encode("ascii"), value.encode("latin-1")
    except UnicodeEncodeError:
        raise _refused(name, "holds characters that HTTP headers can not carry") from None
    if _NAME.fullmatch(raw_name) is None:
        raise _refused(name, "is not a valid header name")
    line = b"%b: %b\r\n" % (raw_name, raw_value)
    check_lines(line, name)
    return line


def check_lines(lines: bytes, name: str = "") -> None:
    """Check ready header lines. Raises InvalidRequest, naming the header, for a broken line or a framing header."""
    if not lines:
        return
    if not lines.endswith(b"\r\n"):
        raise _refused(name or _shown(lines), "does not end in CRLF")
    for line in lines[:-2].split(b"\r\n"):
        key, colon, value = line.partition(b":")
        shown = name or _shown(key)
        if not colon or _NAME.fullmatch(key) is None:
            raise _refused(shown, "is not `name: value` with a valid name")
        if _VALUE.fullmatch(value) is None:
            raise _refused(shown, "holds a control character")
        if name and line + b"\r\n" != lines:
            raise _refused(shown, "holds a line break")
        if key.lower() in _FRAMING:
            raise _refused(shown, "belongs to the gateway and can not be set")


def render_prefix(method: str, path: str, authority: str, *lines: bytes) -> bytes:
    """Request line, `host` and constant lines (each ending in CRLF): what a provider's requests share.

    `path` includes any query. Raises InvalidRequest for a value that could end its line.
    """
    checks = (("method", method, _METHOD), ("path", path, _TARGET), ("host", authority, _AUTHORITY))
    for name, text, shape in checks:
        if not text.isascii() or shape.fullmatch(text.encode()) is None:
            raise InvalidRequest(
                f"The upstream request's {name} holds characters that HTTP does not allow there.", param=name
            )
    for block in lines:
        check_lines(block)
    start = f"{method} {path} HTTP/1.1\r\nhost: {authority}\r\n".encode()
    return start + b"".join(lines)


def finish_head(prefix: bytes, length: int | None, lines: bytes = b"") -> bytes:
    """The complete head: `prefix`, checked extra `lines`, the content length (None for no body), the empty line."""
    if length is None:
        return b"%b%b\r\n" % (prefix, lines)
    return b"%b%bcontent-length: %d\r\n\r\n" % (prefix, lines, length)


def _shown(raw: bytes) -> str:
    return raw.partition(b":")[0][:60].decode("ascii", "replace")


def _refused(name: str, why: str) -> InvalidRequest:
    safe = "".join(c if c.isprintable() else "?" for c in name[:60])
    return InvalidRequest(f"The header {safe!r} {why}.", param=safe)
