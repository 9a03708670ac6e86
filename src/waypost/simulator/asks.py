"""What was asked: the newest requests as they arrived, for tests that want to know what reached the provider.

Secrets are not kept: a header or query parameter that carries one is shown as the beginning of its SHA-256, so that
two of them can be told apart, or one be recognized by who knows it.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections import deque
from collections.abc import Mapping

import msgspec

KEEP = 256
SMALL = 1 << 17
MAX_LARGE = 32 << 20

_SECRET = frozenset(
    (
        b"authorization",
        b"proxy-authorization",
        b"x-api-key",
        b"x-goog-api-key",
        b"xi-api-key",
        b"api-key",
        b"cookie",
        b"x-amz-security-token",
    )
)
_SECRET_QUERY = ("key", "access_token")


class Asked(msgspec.Struct, frozen=True):
    """One request. `body` is parsed JSON, text when it is none, base64 when it is no text, None without one.
    `size` is its length in bytes, also when the body itself is no longer kept (then it is None)."""

    number: int
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: object
    size: int


class _Large:
    """A large body, for as long as there is room."""

    __slots__ = ("data", "size")

    def __init__(self, data: bytes) -> None:
        self.data, self.size = data, len(data)


class Asks:
    """The newest 256 requests. Nothing is parsed until somebody looks. Of bodies over 128 KiB, 32 MiB are kept."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self.count = self._bytes = 0
        self._kept: deque[tuple[bytes, bytes, Mapping[bytes, bytes], bytes | _Large]] = deque(maxlen=KEEP)
        self._large: deque[_Large] = deque()

    def add(self, method: bytes, url: bytes, headers: Mapping[bytes, bytes], body: bytes) -> None:
        """A request arrived."""
        self.count += 1
        self._kept.append((method, url, headers, body if len(body) <= SMALL else self._room_for(body)))

    def _room_for(self, body: bytes) -> _Large:
        large = _Large(body)
        self._large.append(large)
        self._bytes += large.size
        while self._bytes > MAX_LARGE:
            oldest = self._large.popleft()
            oldest.data = b""
            self._bytes -= oldest.size
        return large

    def listed(self, last: int = KEEP) -> list[Asked]:
        """The newest so many, oldest first."""
        kept = list(self._kept)
        first = self.count - len(kept) + 1
        listed = [_asked(first + place, *entry) for place, entry in enumerate(kept)]
        return listed[-last:] if last > 0 else []

    def show(self, last: int = KEEP) -> bytes:
        """What `GET /asks` answers: how many there were since the last reset, and the newest."""
        return msgspec.json.encode({"count": self.count, "asks": self.listed(last)})


def _asked(
    number: int, method: bytes, url: bytes, headers: Mapping[bytes, bytes], body: bytes | _Large
) -> Asked:
    path, _, query = url.decode("latin-1").partition("?")
    shown = {name.decode("latin-1"): _shown(name, value) for name, value in headers.items()}
    pairs = [_shown_pair(pair) for pair in query.split("&")] if query else []
    data, size = (body, len(body)) if isinstance(body, bytes) else (body.data, body.size)
    return Asked(number, method.decode("latin-1"), path, "&".join(pairs), shown, _parsed(data), size)


def fingerprint(secret: bytes) -> str:
    """What stands for a secret: `sha256:` and its first 12 hexadecimal digits."""
    return "sha256:" + hashlib.sha256(secret).hexdigest()[:12]


def _shown(name: bytes, value: bytes) -> str:
    if name not in _SECRET:
        return value.decode("latin-1")
    scheme, space, rest = value.partition(b" ")
    if scheme.startswith(b"AWS4"):
        public, sign, signature = rest.rpartition(b"Signature=")
        return f"{scheme.decode()} {(public + sign).decode('latin-1')}{fingerprint(signature)}"
    if space:
        return f"{scheme.decode('latin-1')} {fingerprint(rest)}"
    return fingerprint(value)


def _shown_pair(pair: str) -> str:
    name, equals, value = pair.partition("=")
    secret = name in _SECRET_QUERY and equals
    return f"{name}={fingerprint(value.encode('latin-1'))}" if secret else pair


def _parsed(body: bytes) -> object:
    if not body:
        return None
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return body.decode()
    except UnicodeDecodeError:
        return b64encode(body).decode()
