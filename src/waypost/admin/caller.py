"""Who asks: a token, this machine's own command line, or a person's session. A client's key opens nothing here."""

from __future__ import annotations

import hmac
import re
from typing import Final
from urllib.parse import urlsplit

from waypost.admin.parts import Parts
from waypost.admin.rights import MACHINE, NOBODY, Caller
from waypost.admin.signin import SignIn
from waypost.core.people import MachineAccount, Token, User
from waypost.core.tokentext import digest_of, is_text
from waypost.errors import Forbidden, NotSignedIn
from waypost.policy.directory import Directory
from waypost.ports.control import Visit

SECURE_COOKIE: Final = "__Host-waypost"
PLAIN_COOKIE: Final = "waypost"
_SAFE: Final = frozenset(("GET", "HEAD", "OPTIONS"))
_LOOPBACK: Final = re.compile(r"(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?")
_HOW: Final = "Send `Authorization: Bearer wp-api-…`, or sign in: POST /api/v1/session."


class Identify:
    """Tells who asks, from what they show."""

    def __init__(self, parts: Parts, signin: SignIn) -> None:
        self._parts = parts
        self._signin = signin

    async def caller(self, visit: Visit) -> Caller:
        """Who asks; `NOBODY` who shows nothing. Raises NotSignedIn for what is shown and opens nothing, Forbidden for
        a request of another site, and StoreUnavailable."""
        shown = visit.headers.get(b"authorization")
        if shown is not None:
            return self._bearer(shown)
        text = cookie_of(visit)
        if text is None:
            return NOBODY
        found = await self._signin.session_of(text)
        if found is None:
            return NOBODY
        if visit.method not in _SAFE:
            check_same_site(visit, strict=True)
        user, session = found
        return Caller(made_by=f"user:{user.id}", user=user, session=session)

    def _bearer(self, shown: bytes) -> Caller:
        scheme, _, rest = shown.strip().partition(b" ")
        text = rest.strip()
        if scheme.lower() != b"bearer" or not text:
            raise NotSignedIn(f"The Authorization header has to be `Bearer` and a token. {_HOW}")
        control = self._parts.control_token.encode()
        if control and hmac.compare_digest(text, control):
            return Caller(made_by=MACHINE)
        if text.startswith(b"sk-"):
            raise NotSignedIn(f"A client's key is for models, and opens nothing of the control API. {_HOW}")
        token = self._parts.live.directory.token(digest_of(text)) if is_text("api", text) else None
        caller = None if token is None else self._of_token(token)
        if caller is None:
            raise NotSignedIn(f"This token is not known, has ended, or was revoked. {_HOW}")
        return caller

    def _of_token(self, token: Token) -> Caller | None:
        now, directory = self._parts.clock.wall(), self._parts.live.directory
        if token.revoked_at is not None and token.revoked_at <= now:
            return None
        if token.expires_at is not None and token.expires_at <= now:
            return None
        return maker(directory, token.made_by, token)


def maker(directory: Directory, text: str, token: Token | None = None) -> Caller | None:
    """Who made something, as somebody who asks; None when they may nothing any more."""
    kind, _, maker_id = text.partition(":")
    if text == MACHINE:
        return Caller(made_by=text, token=token)
    user = directory.find(User, maker_id) if kind == "user" else None
    machine = directory.find(MachineAccount, maker_id) if kind == "service" else None
    if (user is None or user.disabled) and (machine is None or machine.disabled):
        return None
    return Caller(made_by=text, user=user, machine=machine, token=token)


def loopback(visit: Visit) -> bool:
    """Whether the browser speaks plain HTTP to this very machine: cookies without `Secure` are safe there."""
    host = visit.headers.get(b"host", b"").decode("latin-1")
    return not visit.https and _LOOPBACK.fullmatch(host) is not None


def cookie_name(visit: Visit) -> str:
    """What the session's cookie is called: the `__Host-` prefix has a browser check its attributes."""
    return PLAIN_COOKIE if loopback(visit) else SECURE_COOKIE


def cookie_of(visit: Visit) -> bytes | None:
    """The session's cookie; None when there is none, or more than one that say different things."""
    name = cookie_name(visit).encode()
    found = set()
    for part in visit.headers.get(b"cookie", b"").split(b";"):
        key, _, value = part.strip().partition(b"=")
        if key == name and value:
            found.add(value)
    return found.pop() if len(found) == 1 else None


def set_cookie(visit: Visit, text: str, lasts_s: float) -> tuple[bytes, bytes]:
    """The header that gives a browser its session, or takes it away (`lasts_s` 0)."""
    secure = "" if loopback(visit) else "; Secure"
    value = f"{cookie_name(visit)}={text}; Path=/; Max-Age={int(lasts_s)}; HttpOnly; SameSite=Strict{secure}"
    return (b"set-cookie", value.encode())


def check_same_site(visit: Visit, *, strict: bool) -> None:
    """Whether a page of this gateway itself asks. `strict`: a request that says nothing of where it comes from has to
    have the header `x-waypost-csrf`, which no other site's page can send. Raises Forbidden.

    https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html (2026-11-26)
    """
    headers = visit.headers
    site, origin = headers.get(b"sec-fetch-site"), headers.get(b"origin")
    if site is not None:
        good = site.strip() == b"same-origin"
    elif origin is not None:
        good = _host(origin) == headers.get(b"host", b"").lower()
    else:
        good = not strict or bool(headers.get(b"x-waypost-csrf"))
    if not good:
        raise Forbidden(
            "This request comes from another site, or does not say where from. A page of the gateway itself may ask; "
            "programs use a token, or send the header `x-waypost-csrf: 1`."
        )


def _host(origin: bytes) -> bytes:
    try:
        return urlsplit(origin.decode("latin-1")).netloc.lower().encode("latin-1")
    except ValueError:
        return b""
