from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from secured import Authority
from waypost.config.credentials import SecretStore
from waypost.config.faults import Faults
from waypost.config.load import load_defaults
from waypost.config.shared_schema import SharedConfig
from waypost.config.shared_store import SharedStore, resolve_shared


def resolve(
    config: SharedConfig | None, environ: Mapping[str, str] = os.environ
) -> tuple[SharedStore | None, list[str]]:
    faults = Faults(load_defaults())
    store = resolve_shared(config, SecretStore(environ, lambda path: b""), faults)
    return store, [f"{problem.path}: {problem.message}" for problem in faults.found]


@pytest.mark.parametrize(
    ("url", "store"),
    [
        ("redis://v", SharedStore("v")),
        ("valkey://v/", SharedStore("v")),
        ("redis://v:7000/3", SharedStore("v", 7000, 3)),
        ("rediss://me@v.example", SharedStore("v.example", username="me", tls=True)),
        ("valkeys://[::1]:1", SharedStore("::1", 1, tls=True)),
    ],
)
def test_where_it_is(url: str, store: SharedStore) -> None:
    assert resolve(SharedConfig(url=url)) == (store, [])


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://v", "this is not the URL of a Valkey or Redis server"),
        ("redis://", "this is not the URL of a Valkey or Redis server"),
        ("v:6379", "this is not the URL of a Valkey or Redis server"),
        ("redis://v:0", "this is not the URL of a Valkey or Redis server"),
        ("redis://v/one", "this is not the URL of a Valkey or Redis server"),
        ("redis://v:port", "this is not a URL"),
        ("redis://[v", "this is not a URL"),
        ("redis://v?ssl_cert_reqs=none", "the URL has a `?` or `#` part"),
        ("redis://me:hidden@v", "a password must not be written into this file"),
        ("env:NOT_SET", "the environment variable NOT_SET is not set"),
    ],
)
def test_what_is_no_address_is_told_without_being_quoted(url: str, message: str) -> None:
    assert resolve(SharedConfig(url=url), {}) == (None, [f"shared.url: {message}"])


def test_none_is_configured() -> None:
    assert resolve(None) == (None, [])


def test_a_whole_url_may_be_a_secret() -> None:
    store, faults = resolve(SharedConfig(url="env:URL"), {"URL": "rediss://me:hid%40den@v:1/2"})
    assert store == SharedStore("v", 1, 2, "me", "hid@den", tls=True)
    assert faults == []
    assert "hid" not in repr(store) + str(store) + f"{store}" + store.label
    assert store.label == "rediss://v:1/2"


def test_two_passwords_are_one_too_many() -> None:
    config = SharedConfig(url="env:URL", password="env:PASSWORD")
    _, faults = resolve(config, {"URL": "redis://:a@v", "PASSWORD": "b"})
    assert faults == ["shared.password: the URL has a password already"]


def test_the_password_by_itself() -> None:
    store, _ = resolve(SharedConfig(url="redis://v", password="env:PASSWORD"), {"PASSWORD": " b\n"})
    assert store is not None
    assert store.password == "b"


def test_authorities_are_a_file_and_for_tls(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    missing = resolve(SharedConfig(url="rediss://v", ca=str(file)))
    assert missing[1] == [f"shared.ca: there is no file {file}"]
    file.touch()
    store, faults = resolve(SharedConfig(url="rediss://v", ca=str(file)))
    assert store is not None
    assert (store.ca, faults) == (str(file), [])
    assert resolve(SharedConfig(url="redis://v", ca=str(file)))[1] == [
        "shared.ca: `ca` is of no use without TLS"
    ]


def test_a_command_is_taken_apart_as_in_a_shell() -> None:
    store, faults = resolve(SharedConfig(url="redis://v", password_command="iam token --user 'a b'"))
    assert store is not None
    assert (store.password_command, faults) == (("iam", "token", "--user", "a b"), [])
    for wrong in ("'", "  "):
        config = SharedConfig(url="redis://v", password_command=wrong)
        assert resolve(config)[1] == ["shared.password_command: this is not a command"]


@pytest.mark.parametrize("config", [{"url": "env:URL"}, {"url": "redis://v", "password": "env:PASSWORD"}])
def test_a_command_beside_a_password_is_one_too_many(config: dict[str, str]) -> None:
    environ = {"URL": "redis://:a@v", "PASSWORD": "b"}
    _, faults = resolve(SharedConfig(**config, password_command="print"), environ)
    assert faults == ["shared.password_command: the password is said in another place already"]


def test_a_file_is_read_for_each_connection_and_looked_at_beforehand(tmp_path: Path) -> None:
    store, faults = resolve(SharedConfig(url="redis://v", password="file:/run/secrets/v"))
    assert faults == ["shared.password: the file /run/secrets/v is empty"]
    assert store is not None
    assert (store.password, store.password_file) == (None, "/run/secrets/v")


def test_a_certificate_to_show(tmp_path: Path) -> None:
    cert, key = Authority(tmp_path / "ca", "ours").issue("gateway")
    other = Authority(tmp_path / "other", "other").issue("gateway")[1]
    store, faults = resolve(SharedConfig(url="rediss://v", cert=str(cert), key=str(key)))
    assert store is not None
    assert (store.cert, store.key, faults) == (str(cert), str(key), [])
    for wrong, told in (
        ({"cert": str(cert), "key": str(other)}, "shared.cert: this certificate can not be used"),
        ({"cert": str(cert)}, "shared.cert: this certificate can not be used"),
        ({"cert": str(cert), "key": "/none"}, "shared.key: there is no file /none"),
        ({"key": str(key)}, "shared.key: there is no `cert` that it belongs to"),
    ):
        assert resolve(SharedConfig(url="rediss://v", **wrong))[1] == [told]
