"""Which key does the client present? Read from the headers that the official SDKs of each vendor use."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from waypost.errors import InvalidRequest, Unauthenticated

#: Vendors' own header names. `x-portkey-api-key` first: Portkey's SDK puts the gateway's key there and fills
#: `authorization` with the provider's (https://portkey.ai/docs/api-reference/inference-api/headers, 2026-11-21).
_FIRST = b"x-portkey-api-key"
_PLAIN = (b"x-api-key", b"api-key", b"x-goog-api-key")
_OWN_NAMES = frozenset((_FIRST, *_PLAIN))
_AWS = b"AWS4-HMAC-SHA256"


def read_key(headers: Mapping[bytes, bytes]) -> bytes | None:
    """The presented key's text, or None when no credential header is there.

    Raises Unauthenticated for an `Authorization` scheme that is neither Bearer nor AWS's, and InvalidRequest when two
    headers carry different keys. The text of a key is in no message.
    """
    value = headers.get(b"authorization")
    if _OWN_NAMES.isdisjoint(headers):
        return None if value is None else _bearer(value)
    key = None
    if _FIRST in headers and (first := headers[_FIRST].strip()):
        return first
    if value is not None:
        key = _bearer(value)
    for name in _PLAIN:
        other = headers.get(name)
        if other is None or not (other := other.strip()):
            continue
        if key is not None and other != key:
            raise InvalidRequest(
                f"The headers carry two different keys (one of them in {name.decode()}). Send one key only."
            )
        key = other
    return key


def read_query_key(query: bytes) -> bytes | None:
    """The value of `key=`, where Gemini's REST examples put it (https://ai.google.dev/api, 2026-11-25)."""
    for pair in query.split(b"&"):
        name, _, value = pair.partition(b"=")
        if name == b"key" and value:
            return unquote_to_bytes(value)
    return None


def _access_key(parameters: bytes) -> bytes | None:
    """The access key id of a signature: AWS's SDKs put the gateway's key there. The signature itself proves nothing
    here, because its secret is the caller's own choice.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html (2026-11-25)."""
    for parameter in parameters.split(b","):
        name, _, value = parameter.strip().partition(b"=")
        if name == b"Credential":
            return value.partition(b"/")[0] or None
    return None


def _bearer(value: bytes) -> bytes | None:
    if value[:7] == b"Bearer ":
        return value[7:].strip() or None
    scheme, _, rest = value.strip().partition(b" ")
    if not scheme:
        return None
    if scheme.lower() == b"bearer":
        return rest.strip() or None
    if scheme == _AWS:
        return _access_key(rest)
    raise Unauthenticated(
        "The Authorization header has to be `Bearer` followed by the key, or AWS's signature with the key as access "
        "key id; other schemes are not taken."
    )
