"""AWS Signature Version 4.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html; checked against AWS's own
test suite as botocore carries it (2026-11-25).
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote

import msgspec

from waypost.providers.auth.renewal import Held, Renewal, masked

_ALGORITHM = "AWS4-HMAC-SHA256"
NEVER = float("inf")


class AwsKeys(msgspec.Struct, frozen=True):
    """An access key, with a session token and an end when it is a temporary one."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None
    expires: float = NEVER

    __repr__ = masked

    @property
    def printable(self) -> bool:
        """Whether they can stand in a header."""
        text = self.access_key_id + self.secret_access_key + (self.session_token or "")
        return text.isascii() and text.isprintable() and " " not in text


class Place(msgspec.Struct, frozen=True):
    """What a signature is valid for."""

    region: str
    service: str


class SigV4:
    """Signs each request: its method, host, path, query, the hash of its body, and the time."""

    __slots__ = ("_held", "_keys", "_place", "_signing")

    def __init__(self, keys: AwsKeys | Held[AwsKeys], place: Place) -> None:
        self._keys = keys if isinstance(keys, AwsKeys) else None
        self._held = None if isinstance(keys, AwsKeys) else keys
        self._place = place
        #: The derived key is the same for a whole day.
        self._signing: tuple[str, str, bytes] = ("", "", b"")

    @property
    def key(self) -> object:
        return self._keys or (self._held and self._held.source), self._place

    @property
    def renewal(self) -> Renewal | None:
        return self._held

    def lines(self, method: str, authority: str, path: str, body: bytes, at: float) -> bytes:
        """See `Authorizer.lines`."""
        keys = self._current(at)
        stamp = amz_date(at)
        signed = [("host", authority), ("x-amz-date", stamp)]
        if keys.session_token is not None:
            signed.append(("x-amz-security-token", keys.session_token))
        text = canonical_request(method, path, signed, body)
        signing = self._signing
        if signing[:2] != (stamp[:8], keys.secret_access_key):
            derived = signing_key(keys.secret_access_key, stamp[:8], self._place)
            signing = self._signing = (stamp[:8], keys.secret_access_key, derived)
        value = _authorization(keys, self._place, stamp, text, signed, signing[2])
        sent = "".join(f"{name}: {value}\r\n" for name, value in signed[1:])
        return f"authorization: {value}\r\n{sent}".encode()

    def secrets(self) -> tuple[bytes, ...]:
        keys = self._keys or (self._held.peek() if self._held is not None else None)
        if keys is None:
            return ()
        texts = (keys.secret_access_key, keys.session_token, keys.access_key_id)
        return tuple(text.encode() for text in texts if text)

    def _current(self, at: float) -> AwsKeys:
        if self._keys is not None:
            return self._keys
        assert self._held is not None  # noqa: S101 - one of the two was given
        return self._held.get(at)

    def __repr__(self) -> str:
        return f"SigV4({self._place.region}/{self._place.service}, ***)"


def sign(
    keys: AwsKeys, place: Place, method: str, path: str, headers: Sequence[tuple[str, str]], body: bytes
) -> str:
    """The `authorization` value for a request with these headers, every one of which is signed; `x-amz-date` must be
    among them."""
    stamp = next(value for name, value in headers if name.lower() == "x-amz-date")
    text = canonical_request(method, path, headers, body)
    derived = signing_key(keys.secret_access_key, stamp[:8], place)
    return _authorization(keys, place, stamp, text, headers, derived)


def amz_date(at: float) -> str:
    """`20150830T123600Z`."""
    return datetime.fromtimestamp(int(at), UTC).strftime("%Y%m%dT%H%M%SZ")


def canonical_request(method: str, path: str, headers: Sequence[tuple[str, str]], body: bytes) -> str:
    """`path` is as on the wire; what is percent-encoded there is encoded once more, as all services but S3 want it."""
    route, _, query = path.partition("?")
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name.lower(), []).append(" ".join(value.split()))
    lines = "".join(f"{name}:{','.join(values[name])}\n" for name in sorted(values))
    pairs = sorted(pair.partition("=")[::2] for pair in query.split("&")) if query else []
    return "\n".join(
        (
            method,
            quote(_normalized(route), safe="/~"),
            "&".join(f"{name}={value}" for name, value in pairs),
            lines,
            ";".join(sorted(values)),
            sha256(body).hexdigest(),
        )
    )


def signing_key(secret: str, day: str, place: Place) -> bytes:
    """The key that signs for one day, region and service."""
    key = f"AWS4{secret}".encode()
    for part in (day, place.region, place.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _authorization(
    keys: AwsKeys, place: Place, stamp: str, text: str, headers: Sequence[tuple[str, str]], derived: bytes
) -> str:
    scope = f"{stamp[:8]}/{place.region}/{place.service}/aws4_request"
    to_sign = f"{_ALGORITHM}\n{stamp}\n{scope}\n{sha256(text.encode()).hexdigest()}"
    signature = hmac.digest(derived, to_sign.encode(), "sha256").hex()
    names = ";".join(sorted({name.lower() for name, _ in headers}))
    return (
        f"{_ALGORITHM} Credential={keys.access_key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    )


def _normalized(route: str) -> str:
    """RFC 3986 section 5.2.4, and no empty segments."""
    kept: list[str] = []
    segments = route.split("/")
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    path = "/" + "/".join(kept)
    return path + "/" if kept and route.endswith("/") else path
