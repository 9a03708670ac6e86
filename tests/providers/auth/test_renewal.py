from __future__ import annotations

from collections.abc import Generator

import pytest

from providers.auth.steps import NOW, walk
from waypost.core.origin import Origin
from waypost.errors import CredentialRefused, TimedOut, Unavailable
from waypost.providers.auth.renewal import (
    Ask,
    Held,
    ReadFile,
    Said,
    Token,
    Wanted,
    form,
    metadata,
    parse_token,
    public,
    refusal,
)


class Source:
    """Gives tokens of a given life."""

    def __init__(self, lasts: float = 3600.0) -> None:
        self.lasts = lasts

    def steps(self, at: float) -> Generator[Wanted, Said, Token]:
        said = yield ReadFile("/token")
        return Token(said.body.decode(), at + self.lasts)


def test_a_token_serves_until_its_end_and_is_renewed_before() -> None:
    held = Held(Source(), "v")
    assert held.needs_refresh(NOW)
    with pytest.raises(Unavailable, match="still asking for its token for the provider v"):
        held.get(NOW)
    walk(held.steps(NOW), [b"t1"])
    assert held.get(NOW).text == "t1"
    assert not held.needs_refresh(NOW + 3299)
    assert held.needs_refresh(NOW + 3300)
    assert held.get(NOW + 3590).text == "t1"
    with pytest.raises(Unavailable):
        held.get(NOW + 3596)


def test_a_short_life_is_renewed_at_its_half() -> None:
    held = Held(Source(60.0), "v")
    walk(held.steps(NOW), [b"t1"])
    assert not held.needs_refresh(NOW + 29)
    assert held.needs_refresh(NOW + 30)


def test_a_failure_leaves_the_old_token_serving_and_is_tried_again_more_and_more_seldom() -> None:
    held = Held(Source(), "v")
    walk(held.steps(NOW), [b"t1"])
    pauses = []
    at = NOW + 3300
    for _ in range(8):
        with pytest.raises(Unavailable):
            walk(held.steps(at), [Unavailable("no way")])
        pauses.append(next(s for s in range(100) if held.needs_refresh(at + s)))
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    assert held.get(NOW + 3400).text == "t1"
    with pytest.raises(Unavailable, match="could not get a token for the provider v: no way"):
        held.get(NOW + 3700)
    walk(held.steps(NOW + 3700), [b"t2"])
    assert held.get(NOW + 3700).text == "t2"


def test_a_refusal_is_the_credentials_fault_and_all_else_is_not() -> None:
    held = Held(Source(), "v")
    with pytest.raises(CredentialRefused):
        walk(held.steps(NOW), [CredentialRefused("wrong key")])
    with pytest.raises(CredentialRefused):
        held.get(NOW)
    with pytest.raises(Unavailable):
        walk(held.steps(NOW), [TimedOut("slow", phase="connect")])
    with pytest.raises(Unavailable):
        held.get(NOW)


def test_a_token_that_has_ended_already_is_none() -> None:
    held = Held(Source(-1.0), "v")
    with pytest.raises(Unavailable, match="clock"):
        walk(held.steps(NOW), [b"t1"])
    assert held.peek() is None


@pytest.mark.parametrize(
    ("body", "expires"),
    [
        (b'{"access_token":"a","expires_in":3599,"token_type":"Bearer"}', NOW + 3599),
        (b'{"access_token":"a","expires_in":"3599"}', NOW + 3599),
        (b'{"access_token":"a","expires_on":"1795700000"}', 1_795_700_000.0),
        (b'{"access_token":"a"}', NOW + 3600),
    ],
)
def test_tokens_in_all_their_forms(body: bytes, expires: float) -> None:
    assert parse_token(Said(200, body), NOW, "W") == Token("a", expires)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"{}", b'{"access_token":7}', b'{"access_token":"a","expires_in":"x"}', b"[" * 9999],
)
def test_anything_else_is_no_token(body: bytes) -> None:
    with pytest.raises(Unavailable):
        parse_token(Said(200, body), NOW, "W")


def test_a_token_can_not_end_its_header() -> None:
    with pytest.raises(Unavailable, match="can not stand in a header"):
        parse_token(Said(200, b'{"access_token":"a\\r\\nx: 1"}'), NOW, "W")


@pytest.mark.parametrize(
    ("said", "kind", "text"),
    [
        (
            Said(400, b'{"error":"invalid_grant","error_description":"s3cret"}'),
            CredentialRefused,
            "(invalid_grant)",
        ),
        (Said(401, b'{"error":{"message":"s3cret"}}'), CredentialRefused, "HTTP 401."),
        (Said(400, b'{"errorCode":"BXNIM0415E"}'), CredentialRefused, "(BXNIM0415E)"),
        (Said(500, b"s3cret"), Unavailable, "HTTP 500."),
        (Said(400, b'{"error":"s3cret with words"}'), CredentialRefused, "HTTP 400."),
    ],
)
def test_refusals_quote_a_code_and_nothing_else(said: Said, kind: type[Exception], text: str) -> None:
    error = refusal(said, "W")
    assert type(error) is kind
    assert text in error.message
    assert "s3cret" not in error.message


def test_nothing_shows_what_is_sent_or_was_said() -> None:
    shown = [
        Ask(public("h.example"), "POST", "/p", (("authorization", "s3cret"),), b"s3cret"),
        Said(200, b"s3cret"),
        Token("s3cret", 1.0),
        Held(Source(), "v"),
    ]
    assert "s3cret" not in f"{shown!r}"


def test_places() -> None:
    assert public("h.example") == Origin("https", "h.example", 443)
    assert metadata("169.254.169.254").metadata
    assert form(a="b c", d="e&f") == b"a=b+c&d=e%26f"
