from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.config.origins import BadUrl, ProviderUrl, parse_base_url, parse_proxy


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://api.openai.com/v1", ProviderUrl("https", "api.openai.com", 443, "/v1")),
        ("http://10.0.0.5:8000/v1/", ProviderUrl("http", "10.0.0.5", 8000, "/v1")),
        ("HTTPS://Host.Example", ProviderUrl("https", "host.example", 443, "")),
        ("http://[::1]:8080/a/b", ProviderUrl("http", "::1", 8080, "/a/b")),
        ("http://model_server:80", ProviderUrl("http", "model_server", 80, "")),
    ],
)
def test_base_urls(text: str, url: ProviderUrl) -> None:
    assert parse_base_url(text) == url


@pytest.mark.parametrize(
    "text",
    [
        "", "openai.com", "ftp://a", "http://", "http://a:0", "http://a:x", "http://a:70000", "http://u@a", "http://u:p@a",
        "http://a?x", "http://a/?", "http://a#", "http://a b", "http://a\r\nx: y", "http://a\\b", "http://é", "http://[::",
        "http://-a", "http://[fe80::1%eth0]/", "http://a/\x7f",
    ],
)  # fmt: skip
def test_bad_urls(text: str) -> None:
    with pytest.raises(BadUrl):
        parse_base_url(text)


@given(st.text(max_size=40))
def test_a_url_is_parsed_or_refused_without_being_quoted(rest: str) -> None:
    said, parts = "", ""
    try:
        url = parse_base_url("http://secretpart" + rest)
        parts = url.host + url.path
    except BadUrl as fault:
        said = str(fault)
    assert "secretpart" not in said
    assert not set("\r\n ?#") & set(parts)


@pytest.mark.parametrize(
    ("text", "loopback"),
    [("http://127.0.0.9", True), ("http://[::1]", True), ("http://localhost", True), ("http://a.localhost", True),
     ("http://10.0.0.1", False), ("http://localhost.example", False)],
)  # fmt: skip
def test_loopback(text: str, loopback: bool) -> None:
    assert parse_base_url(text).loopback is loopback


def test_proxies() -> None:
    proxy = parse_proxy("http://user:p%40ss@proxy.example:8080")
    assert (proxy.host, proxy.port) == ("proxy.example", 8080)
    assert proxy.authorization == "Basic dXNlcjpwQHNz"
    assert parse_proxy("http://proxy").port == 3128
    for text in ("https://proxy", "http://proxy/path", "socks5://proxy"):
        with pytest.raises(BadUrl):
            parse_proxy(text)
