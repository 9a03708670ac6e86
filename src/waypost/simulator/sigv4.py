"""AWS Signature Version 4, checked: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
(2026-11-25).

Written from the specification alone and not shared with the gateway's signer, so that each proves the other.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime
from urllib.parse import quote, unquote

from waypost.simulator.ask import Refused
from waypost.simulator.dialect import Request

_SHAPE = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/,]+)/(\d{8})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request, ?"
    r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})"
)
MAX_SKEW_S = 300


class Signed:
    """A signed request. Raises Refused when its `Authorization` or its date has not the right shape."""

    def __init__(self, request: Request) -> None:
        found = _SHAPE.fullmatch(request.header("authorization"))
        if found is None:
            raise _refused(
                "IncompleteSignatureException", "The Authorization header is not a SigV4 signature."
            )
        self.key_id, self._day, self._region, self._service, names, self._signature = found.groups()
        self._names = names.split(";")
        self._date = request.header("x-amz-date")
        self._request = request
        if not re.fullmatch(r"\d{8}T\d{6}Z", self._date) or not self._date.startswith(self._day):
            raise _refused(
                "IncompleteSignatureException", "X-Amz-Date is missing, or is not of the credential's day."
            )
        needed = {"host", "x-amz-date"}
        if request.header("x-amz-security-token"):
            needed.add("x-amz-security-token")
        if needed - set(self._names) or self._names != sorted(self._names):
            raise _refused(
                "InvalidSignatureException",
                f"SignedHeaders must be sorted and have {', '.join(sorted(needed))}.",
            )

    def check(self, secret: str, service: str, now: float) -> None:
        """Raises Refused unless this secret made the signature, for this service, within five minutes of `now`."""
        if self._service != service:
            raise _refused(
                "InvalidSignatureException", f"Credential should be scoped to service: '{service}'."
            )
        then = datetime.strptime(self._date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
        if abs(then - now) > MAX_SKEW_S:
            raise _refused("InvalidSignatureException", f"Signature expired: {self._date} is not now.")
        given = self._request.header("x-amz-content-sha256")
        if given not in ("", "UNSIGNED-PAYLOAD", _hash(self._request.body)):
            raise _refused("InvalidSignatureException", "x-amz-content-sha256 is not the body's.")
        if not hmac.compare_digest(self._made(secret), self._signature):
            raise _refused(
                "InvalidSignatureException",
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
                "Access Key and signing method.",
            )

    def _made(self, secret: str) -> str:
        scope = f"{self._day}/{self._region}/{self._service}/aws4_request"
        told = ["AWS4-HMAC-SHA256", self._date, scope, _hash(self._canonical().encode())]
        key = ("AWS4" + secret).encode()
        for part in (self._day, self._region, self._service, "aws4_request"):
            key = hmac.digest(key, part.encode(), hashlib.sha256)
        return hmac.digest(key, "\n".join(told).encode(), hashlib.sha256).hex()

    def _canonical(self) -> str:
        request = self._request
        headers = [f"{name}:{' '.join(request.header(name).split())}\n" for name in self._names]
        return "\n".join(
            [
                request.method,
                # The path as it was sent is encoded once more, for every service but S3.
                quote(request.path, safe="/-_.~"),
                _canonical_query(request.query),
                "".join(headers),
                ";".join(self._names),
                request.header("x-amz-content-sha256") or _hash(request.body),
            ]
        )


def _canonical_query(query: str) -> str:
    pairs = [part.partition("=")[::2] for part in query.split("&") if part]
    encoded = [[quote(unquote(each), safe="-_.~") for each in pair] for pair in pairs]
    return "&".join([f"{name}={value}" for name, value in sorted(encoded)])


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _refused(kind: str, message: str) -> Refused:
    return Refused(403, message, kind=kind)
