from __future__ import annotations

import pytest

from waypost.config.origins import parse_base_url
from waypost.config.preset import UNLISTED, join, keyed, keying_of, surface, unlisted
from waypost.config.targets import Keying
from waypost.core.origin import Origin
from waypost.providers.fill import fill
from waypost.providers.spec import ProviderSpec

SPEC = ProviderSpec(
    name="n",
    title="N",
    base_url="https://n.example/v1",
    dialects=("anthropic_messages", "openai_chat"),
    auth="header",
    auth_header="x-api-key",
    dialect_auth={"openai_chat": "authorization"},
    paths={"anthropic_messages": "/../anthropic/v1"},
    headers={"x-client": "waypost"},
    dialect_headers={"anthropic_messages": {"anthropic-version": "2023-06-01"}},
    models_path="https://list.example/all?limit=9",
)


def test_paths_follow_the_base_url() -> None:
    filled = fill(SPEC, {}, {})
    assert surface(SPEC, filled, parse_base_url(SPEC.base_url)).paths == {
        "anthropic_messages": "/anthropic/v1"
    }
    mirror = parse_base_url("https://mirror.example/n/v1")
    assert surface(SPEC, filled, mirror).paths == {"anthropic_messages": "/n/anthropic/v1"}


def test_constant_headers_give_way_to_the_operators() -> None:
    filled, url = fill(SPEC, {}, {}), parse_base_url(SPEC.base_url)
    over = surface(SPEC, filled, url)
    assert over.headers == b"x-client: waypost\r\n"
    assert over.dialect_headers == {
        "anthropic_messages": ((b"anthropic-version", b"anthropic-version: 2023-06-01\r\n"),)
    }
    mine = surface(SPEC, filled, url, frozenset(("x-client", "anthropic-version")))
    assert (mine.headers, mine.dialect_headers) == (b"", {"anthropic_messages": ()})


def test_a_list_elsewhere_has_its_own_origin() -> None:
    over = surface(SPEC, fill(SPEC, {}, {}), parse_base_url(SPEC.base_url))
    assert over.models_origin == Origin("https", "list.example", 443)
    assert over.models_path == "/all?limit=9"


def test_the_key_goes_where_each_dialect_wants_it() -> None:
    others = keyed(SPEC, "k1", b"x-hidden: h\r\n")
    assert {name: each.reveal() for name, each in others.items()} == {
        "openai_chat": b"authorization: Bearer k1\r\nx-hidden: h\r\n"
    }


@pytest.mark.parametrize(
    ("start", "path", "joined"),
    [
        ("/v1", "/../anthropic/v1", "/anthropic/v1"),
        ("", "", ""),
        ("/v1", "", "/v1"),
        ("", "/v1", "/v1"),
        ("/a/b", "/../../..", ""),
        ("/openai", "/deployments/{model}", "/openai/deployments/{model}"),
    ],
)
def test_joining(start: str, path: str, joined: str) -> None:
    assert join(start, path) == joined


def test_any_server_of_a_dialect_is_spoken_to_as_its_clients_do() -> None:
    assert unlisted(("anthropic_messages",)).dialect_headers["anthropic_messages"] == (
        (b"anthropic-version", b"anthropic-version: 2023-06-01\r\n"),
    )
    assert unlisted(("anthropic_messages",), frozenset(("anthropic-version",))).dialect_headers == {
        "anthropic_messages": ()
    }
    assert unlisted(("openai_chat",)).dialect_headers == {}
    keys = keyed(UNLISTED, "k")
    assert keys["anthropic_messages"].reveal() == b"x-api-key: k\r\n"
    assert keys["gemini_generate"].reveal() == b"x-goog-api-key: k\r\n"


def test_how_a_key_that_somebody_brings_is_shown() -> None:
    assert keying_of(SPEC, b"x: y\r\n") == Keying(
        "x-api-key", "Bearer", {"openai_chat": "authorization"}, b"x: y\r\n"
    )
    assert keying_of(UNLISTED) == Keying("authorization", "Bearer", UNLISTED.dialect_auth)
    for scheme, header in (("none", "authorization"), ("sigv4", "authorization")):
        found = keying_of(ProviderSpec("m", "M", "", (), auth=scheme))
        assert found == Keying(header), scheme
    for scheme in ("google", "azure_entra", "ibm_iam"):
        assert keying_of(ProviderSpec("m", "M", "", (), auth=scheme)) is None
