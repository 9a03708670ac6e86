from __future__ import annotations

import pytest

from config.golden_view import surroundings
from waypost.config.credentials import render_brought
from waypost.config.load import load_bytes
from waypost.config.resolve import resolve
from waypost.config.snapshot import Snapshot
from waypost.providers.auth.authorizer import BearerToken

KEYS = (
    "keys: [{name: a, api_key: env:LAB_KEY, weight: 2, rpm: 60},"
    " {name: b, api_key: env:OPENAI_API_KEY, concurrency: 4}]"
)
AT = "dialect: openai_chat, base_url: http://lab/v1"


def snap(text: str) -> Snapshot:
    return resolve(load_bytes(text.encode()), surroundings(), version=1)


def test_each_key_is_a_provider_of_the_same_name() -> None:
    snapshot = snap(f"providers: [{{name: lab, dialect: openai_chat, base_url: http://lab/v1, {KEYS}}}]")
    a, b = snapshot.pools["lab"]
    assert snapshot.providers == {"lab": a}
    assert snapshot.every_provider() == (a, b)
    assert (a.label, a.key_weight, a.key_rpm, a.key_concurrency) == ("lab#a", 2, 60, None)
    assert (b.label, b.key_weight, b.key_rpm, b.key_concurrency) == ("lab#b", 1, None, 4)
    assert a.credential.reveal() == b"authorization: Bearer THISISASECRET\r\n"
    assert b.credential.reveal() == b"authorization: Bearer sk-THISISASECRET\r\n"
    assert "SECRET" not in repr(snapshot.pools)


def test_one_key_in_a_list_is_named_and_is_no_pool() -> None:
    snapshot = snap(f"providers: [{{name: lab, {AT}, keys: [{{name: a, api_key: env:LAB_KEY}}]}}]")
    assert snapshot.pools == {}
    assert snapshot.find("lab/m").targets[0].label == "lab#a/m"


@pytest.mark.parametrize("dialect", ["anthropic_messages", "openai_chat"])
def test_the_header_of_each_dialect_has_the_key_of_the_pool(dialect: str) -> None:
    snapshot = snap(f"providers: [{{name: n, preset: native, {KEYS}}}]")
    shown = [one.credential_for(dialect).reveal() for one in snapshot.pools["n"]]
    assert shown[0] != shown[1]
    assert all(b"THISISASECRET" in line for line in shown)


def test_keys_that_are_exchanged_for_tokens_each_have_their_own() -> None:
    text = f"providers: [{{name: i, preset: ibm, region: us-south, {KEYS}}}]"
    first = snap(text)
    a, b = (one.credential.authorizer for one in first.pools["i"])
    assert isinstance(a, BearerToken)
    assert isinstance(b, BearerToken)
    assert a.key != b.key
    assert a.renewal is not b.renewal


def test_what_is_known_of_a_provider_is_on_it() -> None:
    snapshot = snap(
        f"providers: [{{name: a, {AT}, region: eu, data: {{training: false, retention: 30d}}}},"
        " {name: b, preset: native, region: eu, api_key: env:LAB_KEY, data: {retention: none}},"
        " {name: c, preset: openai}]"
    )
    assert [(one.region, one.trains, one.retains) for one in snapshot.providers.values()] == [
        ("eu", False, True),
        ("eu", None, False),
        ("", None, None),
    ]


@pytest.mark.parametrize(
    ("entry", "shown"),
    [
        ("{name: lab, preset: native, api_key: env:LAB_KEY}", "as its own"),
        (f"{{name: lab, {AT}, api_key: env:LAB_KEY}}", b"authorization: Bearer sk-own\r\n"),
        (f"{{name: lab, {AT}, auth: {{scheme: none}}}}", b"authorization: Bearer sk-own\r\n"),
        (
            f"{{name: lab, {AT}, auth: {{scheme: bearer}}, api_key: env:LAB_KEY}}",
            b"authorization: Bearer sk-own\r\n",
        ),
        (
            f"{{name: lab, {AT}, auth: {{scheme: header, header: x-key}}, api_key: env:LAB_KEY}}",
            b"x-key: sk-own\r\n",
        ),
        ("{name: lab, preset: ibm, region: us-south, api_key: env:LAB_KEY}", None),
    ],
)
def test_how_a_key_that_somebody_brings_is_shown(entry: str, shown: bytes | str | None) -> None:
    provider = snap(f"providers: [{entry}]").providers["lab"]
    if shown is None:
        assert provider.keying is None
        return
    assert provider.keying is not None
    made = render_brought("sk-own", provider.keying)
    assert made is not None
    if shown == "as its own":
        theirs = provider.credential.reveal().replace(b"THISISASECRET", b"sk-own")
        assert made[0].reveal() == theirs
        for dialect, each in made[1].items():
            same = provider.credentials[dialect].reveal().replace(b"THISISASECRET", b"sk-own")
            assert each.reveal() == same
        assert made[1].keys() == provider.credentials.keys()
    else:
        assert made[0].reveal() == shown


def test_the_operators_secret_headers_go_with_it_and_are_not_printed() -> None:
    entry = f"{{name: lab, {AT}, api_key: env:LAB_KEY, headers: {{x-gate: env:LAB_KEY}}}}"
    provider = snap(f"providers: [{entry}]").providers["lab"]
    assert provider.keying is not None
    made = render_brought("sk-own", provider.keying)
    assert made is not None
    assert made[0].reveal() == b"authorization: Bearer sk-own\r\nx-gate: THISISASECRET\r\n"
    assert "SECRET" not in repr(provider)
    assert render_brought("two\nlines", provider.keying) is None
