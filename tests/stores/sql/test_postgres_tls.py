from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from secured import Authority
from waypost.errors import ConfigError
from waypost.stores.sql.address import Address
from waypost.stores.sql.postgres_tls import FreshTls

CLEAR = Address("db.example", 5432, "d", "u", sslmode="disable")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ours", "ours")


def shown(authority: Authority) -> Address:
    cert, key = authority.issue("gateway")
    return Address(
        "db.example", 5432, "d", "u", sslrootcert=str(authority.pem), sslcert=str(cert), sslkey=str(key)
    )


def test_in_the_clear_there_is_nothing_to_look_at() -> None:
    assert FreshTls(CLEAR).context() is None


def test_what_is_as_before_is_not_read_again(authority: Authority) -> None:
    tls = FreshTls(shown(authority))
    assert tls.context() is tls.context()


@pytest.mark.parametrize("which", ["sslrootcert", "sslcert", "sslkey"])
def test_a_file_that_is_another_one_is_read(authority: Authority, tmp_path: Path, which: str) -> None:
    address = shown(authority)
    tls = FreshTls(address)
    before = tls.context()
    file = Path(getattr(address, which))
    new = tmp_path / "new"
    new.write_bytes(file.read_bytes())
    new.replace(file)
    after = tls.context()
    assert after is not None
    assert after is not before
    assert tls.context() is after


def test_half_of_a_renewal_changes_nothing_until_all_of_it_is_there(authority: Authority) -> None:
    address = shown(authority)
    tls = FreshTls(address)
    before = tls.context()
    assert address.sslcert is not None
    assert address.sslkey is not None
    cert, key = Path(address.sslcert), Path(address.sslkey)
    old = key.read_bytes()
    authority.issue("gateway")  # under the same names
    new = key.read_bytes()
    key.write_bytes(old)
    assert tls.context() is before, "the two do not belong together"
    key.unlink()
    assert tls.context() is before
    key.write_bytes(new)
    assert tls.context() not in (None, before)
    assert cert.exists()


def test_what_can_not_be_used_at_the_start_is_said(authority: Authority) -> None:
    wrong = msgspec.structs.replace(shown(authority), sslkey=str(authority.pem))
    with pytest.raises(ConfigError, match="sslcert"):
        FreshTls(wrong)
