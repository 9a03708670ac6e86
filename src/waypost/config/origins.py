"""URLs of the configuration, taken apart: where a provider is, and the proxy in front of it."""

from __future__ import annotations

import base64
import ipaddress
import re
from typing import Literal
from urllib.parse import unquote, urlsplit

import msgspec

from waypost.core.origin import Proxy

_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_.])?")
_PATH = re.compile(r"[A-Za-z0-9/._~:@!$&'()*+,;=%-]*")


class BadUrl(ValueError):
    """What is wrong with a URL, without quoting it: it may hold a password."""


class ProviderUrl(msgspec.Struct, frozen=True):
    """A provider's URL in parts."""

    scheme: Literal["http", "https"]
    host: str
    """Without brackets, in lower case."""
    port: int
    path: str
    """Without a trailing slash; empty for none."""

    @property
    def loopback(self) -> bool:
        """Whether the host is this machine by its name."""
        if self.host == "localhost" or self.host.endswith(".localhost"):
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def parse_base_url(text: str) -> ProviderUrl:
    """Take a base URL such as `https://api.openai.com/v1` apart. Raises BadUrl."""
    scheme, host, port, path, user = _split(text)
    if user is not None:
        raise BadUrl("the URL holds a user name or password; use `api_key` or `headers`")
    if scheme not in ("http", "https"):
        raise BadUrl("the URL does not begin with http:// or https://")
    if not _PATH.fullmatch(path):
        raise BadUrl("the path of the URL has characters that can not stand there")
    return ProviderUrl(
        scheme="https" if scheme == "https" else "http",
        host=host,
        port=port or (443 if scheme == "https" else 80),
        path=path.rstrip("/"),
    )


def parse_proxy(text: str) -> Proxy:
    """Take a proxy URL such as `http://user:password@proxy:3128` apart. Raises BadUrl."""
    scheme, host, port, path, user = _split(text)
    if scheme != "http":
        raise BadUrl("the proxy's URL does not begin with http://")
    if path not in ("", "/"):
        raise BadUrl("the proxy's URL has a path")
    authorization = None
    if user is not None:
        name, _, password = user.partition(":")
        pair = f"{unquote(name)}:{unquote(password)}".encode()
        authorization = "Basic " + base64.b64encode(pair).decode()
    return Proxy(host=host, port=port or 3128, authorization=authorization)


def _split(text: str) -> tuple[str, str, int | None, str, str | None]:
    if not text.isascii() or any(c <= " " or c == "\x7f" or c == "\\" for c in text):
        raise BadUrl("the URL has white space or characters that are not ASCII")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise BadUrl("this is not a URL") from None
    if "?" in text or "#" in text:
        raise BadUrl("the URL has a `?` or `#` part")
    host = (parts.hostname or "").lower()
    if port == 0 or not _is_host(host):
        raise BadUrl("the URL has no host, or not a valid one")
    user = parts.netloc.rpartition("@")[0] if "@" in parts.netloc else None
    return parts.scheme.lower(), host, port, parts.path, user


def _is_host(host: str) -> bool:
    if ":" in host and "%" not in host:
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            return False
        return True
    return _HOST.fullmatch(host) is not None
