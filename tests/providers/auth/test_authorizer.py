from __future__ import annotations

from providers.auth.steps import NOW, walk
from waypost.providers.auth.authorizer import BearerToken
from waypost.providers.auth.ibm import IamKey
from waypost.providers.auth.renewal import Held, Token

REPLY = b'{"access_token":"t0ken-%d","expires_in":3600}'


def test_the_line_is_that_of_the_token_in_force() -> None:
    held = Held[Token](IamKey("k"), "w")
    bearer = BearerToken(held)
    assert bearer.secrets() == ()
    walk(held.steps(NOW), [REPLY % 1])
    assert bearer.lines("POST", "h", "/", b"", NOW) == b"authorization: Bearer t0ken-1\r\n"
    assert bearer.lines("GET", "h", "/x", b"y", NOW) is bearer.lines("POST", "h", "/", b"", NOW)
    walk(held.steps(NOW + 1), [REPLY % 2])
    assert bearer.lines("POST", "h", "/", b"", NOW + 1) == b"authorization: Bearer t0ken-2\r\n"
    assert bearer.secrets() == (b"t0ken-2",)
    assert "t0ken" not in repr(bearer)


def test_two_of_the_same_source_are_known_for_it() -> None:
    one, same = (BearerToken(Held[Token](IamKey("k"), "w")) for _ in range(2))
    assert one.key == same.key != BearerToken(Held[Token](IamKey("other"), "w")).key
    assert one.renewal is not same.renewal
