"""Is this request head one that every HTTP implementation reads the same way? What is not is refused.

Request smuggling lives in heads that a proxy in front and the gateway read differently, so ambiguity is an error
here even where RFC 9112 (https://www.rfc-editor.org/rfc/rfc9112, read 2026-11-21) would let a server repair it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from waypost.errors import HeadersTooLarge, InvalidRequest

#: The whole head: request line and header section, in bytes on the wire.
HEAD_BYTES_MAX = 64 * 1024
HEADERS_MAX = 100
TARGET_BYTES_MAX = 8 * 1024

#: A second one is refused even if it says the same.
_SINGLE = frozenset(
    (
        b"host",
        b"content-length",
        b"transfer-encoding",
        b"authorization",
        b"content-type",
        b"content-encoding",
        b"expect",
    )
)
#: A second one is refused if it says something else.
_AGREEING = frozenset((b"x-api-key", b"api-key", b"x-goog-api-key", b"x-portkey-api-key", b"idempotency-key"))

_HOST = re.compile(rb"(?:[A-Za-z0-9._~%!$&'()*+,;=-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")


def table(headers: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The headers by name (given in lower case), the last of a name winning where repeats are harmless.

    Raises InvalidRequest for repeats of a header that decides framing, routing or identity.
    """
    found = dict(headers)
    if len(found) != len(headers):
        _check_repeats(headers)
    return found


def _check_repeats(headers: Sequence[tuple[bytes, bytes]]) -> None:
    seen: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in seen:
            if name in _SINGLE:
                raise InvalidRequest(f"The header {name.decode()} came more than once. Send it once.")
            if name in _AGREEING and seen[name] != value:
                raise InvalidRequest(
                    f"The header {name.decode()} came twice with different values. Send one key."
                )
        seen[name] = value


def check_head(version: str, headers: dict[bytes, bytes]) -> None:
    """What llhttp accepts and we do not: versions other than 1.0 and 1.1, unusual transfer codings, a missing or
    malformed Host. Raises InvalidRequest."""
    if version != "1.1" and version != "1.0":
        raise InvalidRequest("Only HTTP/1.1 and HTTP/1.0 are spoken on this port.")
    coding = headers.get(b"transfer-encoding")
    if coding is not None:
        if version == "1.0" or b"content-length" in headers:
            raise InvalidRequest(
                "Transfer-Encoding is not allowed in HTTP/1.0, nor together with Content-Length: "
                "where the body ends would be ambiguous."
            )
        if coding.lower() != b"chunked":
            raise InvalidRequest("The only Transfer-Encoding taken is `chunked`.")
    host = headers.get(b"host")
    if host is None:
        if version == "1.1":
            raise InvalidRequest("An HTTP/1.1 request needs a Host header.")
    elif _HOST.fullmatch(host) is None:
        raise InvalidRequest("The Host header is not a host name with an optional port.")


def check_size(target: bytes, headers: Sequence[tuple[bytes, bytes]]) -> None:
    """The exact size of a parsed head. Raises HeadersTooLarge."""
    size = len(target) + 16
    for name, value in headers:
        size += len(name) + len(value) + 4
    if size > HEAD_BYTES_MAX:
        raise oversized()


def oversized() -> HeadersTooLarge:
    return HeadersTooLarge(
        f"The request's headers are larger than {HEAD_BYTES_MAX // 1024} KiB. Send less in them."
    )


def too_many() -> HeadersTooLarge:
    return HeadersTooLarge(f"The request has more than {HEADERS_MAX} headers. Send fewer.")


def target_too_long() -> HeadersTooLarge:
    return HeadersTooLarge(
        f"The request's path and query are longer than {TARGET_BYTES_MAX // 1024} KiB. Put the data in the body."
    )
