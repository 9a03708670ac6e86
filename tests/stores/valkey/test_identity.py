from __future__ import annotations

import sys
from pathlib import Path

import pytest

from secured import Authority
from waypost.config.shared_store import SharedStore
from waypost.errors import StoreUnavailable
from waypost.stores.valkey.identity import password_of, secured


async def test_the_password_is_asked_for_anew(tmp_path: Path) -> None:
    file = tmp_path / "password"
    command = (sys.executable, "-c", f"print(open({str(file)!r}).read())")
    for secret in ("one", "two"):
        file.write_text(f" {secret}\n")
        assert await password_of(SharedStore("v", password_file=str(file))) == secret
        file.write_text(secret)
        assert await password_of(SharedStore("v", password_command=command)) == secret
    assert await password_of(SharedStore("v", password="three")) == "three"
    assert await password_of(SharedStore("v")) is None


async def test_one_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="can not be read from"):
        await password_of(SharedStore("v", password_file=str(tmp_path / "none")))
    with pytest.raises(StoreUnavailable, match="printed no password"):
        await password_of(SharedStore("v", password_command=("/none",)))


def test_files_that_can_not_be_used(tmp_path: Path) -> None:
    cert, _ = Authority(tmp_path / "ca", "ours").issue("gateway")
    assert secured(SharedStore("v")) is None
    for wrong in ({"ca": "/none"}, {"cert": str(cert)}, {"cert": "/none"}):
        with pytest.raises(StoreUnavailable, match="PEM"):
            secured(SharedStore("v", tls=True, **wrong))
