from __future__ import annotations

from pathlib import Path

import pytest

from waypost.config.credentials import (
    SECRET_MAX_BYTES,
    SecretMissing,
    SecretStore,
    read_whole_file,
    render_credential,
    render_header,
)
from waypost.providers.spec import ProviderSpec


def spec(**changes: str) -> ProviderSpec:
    return ProviderSpec(name="x", title="X", base_url="http://x", dialects=("openai_chat",), **changes)  # type: ignore[arg-type]


def test_secrets_come_from_variables_and_files(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("  from-file\n")
    store = SecretStore({"A": " from-env "}, read_whole_file)
    assert store.resolve("env:A") == "from-env"
    assert store.resolve(f"file:{tmp_path}/key") == "from-file"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"\xff", "is not text"),
        (b"a" * (SECRET_MAX_BYTES + 1), "larger than"),
    ],
)
def test_files_without_a_usable_secret(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(SecretMissing, match=said):
        SecretStore({}, read_whole_file).resolve(f"file:{tmp_path}/key")


def test_missing_ones_are_named() -> None:
    with pytest.raises(SecretMissing, match="the environment variable NOPE is not set"):
        SecretStore({}, read_whole_file).resolve("env:NOPE")
    with pytest.raises(SecretMissing, match="there is no file /nowhere/key"):
        SecretStore({}, read_whole_file).resolve("file:/nowhere/key")
    with pytest.raises(SecretMissing, match="can not be read"):
        SecretStore({}, read_whole_file).resolve("file:/")


def test_header_lines() -> None:
    assert render_header("X-Team", "a b") == b"x-team: a b\r\n"
    for name, value in (("a b", "c"), ("", "c"), ("a:", "c"), ("a", "b\r\nc: d"), ("a", "b\0"), ("a", "€")):
        assert render_header(name, value) is None


def test_credentials_hide_themselves() -> None:
    bearer = render_credential("secret", None)
    named = render_credential("secret", spec(auth="header", auth_header="api-key"))
    local = render_credential("secret", spec(auth="none"))
    assert bearer is not None
    assert named is not None
    assert local is not None
    assert bearer.reveal() == local.reveal() == b"authorization: Bearer secret\r\n"
    assert named.reveal() == b"api-key: secret\r\n"
    assert "secret" not in f"{bearer} {bearer!r} {[named]}"
    assert render_credential("a\nb", None) is None
