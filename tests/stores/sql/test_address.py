from __future__ import annotations

import ssl
import sys
from pathlib import Path

import pytest

from secured import Authority
from waypost.errors import ConfigError, StoreUnavailable
from waypost.stores.sql.address import Address, address_from, parse_address, secret_from


def test_everything_that_a_url_can_say() -> None:
    told = parse_address(
        "postgres://ga%40te:se%2Fcret@[::1]:6000/way%20post?sslmode=verify-ca&sslrootcert=/etc/ca.pem"
    )
    assert told == Address("::1", 6000, "way post", "ga@te", "se/cret", "verify-ca", "/etc/ca.pem")
    assert told.label == "postgresql://ga@te@[::1]:6000/way post"
    assert "se/cret" not in repr(told)


@pytest.mark.parametrize(
    ("host", "mode"), [("db.internal", "verify-full"), ("127.0.0.1", "disable"), ("localhost", "disable")]
)
def test_tls_is_the_rule_but_on_this_machine(host: str, mode: str) -> None:
    told = parse_address(f"postgresql://u@{host}/d")
    assert (told.sslmode, told.port, told.password) == (mode, 5432, None)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://u:hunter2@h:x/d", "is not a URL"),
        ("mysql://u:hunter2@h/d", "not the URL of a PostgreSQL"),
        ("postgresql:///d", "not the URL of a PostgreSQL"),
        ("postgresql://u:hunter2@h:0/d", "not the URL of a PostgreSQL"),
        ("postgresql://h/d", "names no user"),
        ("postgresql://u:hunter2@h", "names no database"),
        ("postgresql://u:hunter2@h/a/b", "names no database"),
        ("postgresql://u:hunter2@h/d?sslmode=prefer", "sslmode"),
        ("postgresql://u:hunter2@h/d?options=-c", "option 'options'"),
    ],
)
def test_what_is_wrong_is_said_without_the_url(url: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as told:
        parse_address(url)
    assert "hunter2" not in str(told.value)
    assert told.value.param == "WAYPOST_DATABASE_URL"


def test_how_each_mode_looks_at_certificates(tmp_path: Path) -> None:
    def mode(name: str) -> ssl.SSLContext | None:
        return parse_address(f"postgresql://u@h/d?sslmode={name}").tls()

    assert mode("disable") is None
    full, ca, require = mode("verify-full"), mode("verify-ca"), mode("require")
    assert full is not None
    assert ca is not None
    assert require is not None
    assert (full.check_hostname, full.verify_mode) == (True, ssl.CERT_REQUIRED)
    assert (ca.check_hostname, ca.verify_mode) == (False, ssl.CERT_REQUIRED)
    assert (require.check_hostname, require.verify_mode) == (False, ssl.CERT_NONE)
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(ConfigError, match="PEM"):
        parse_address(f"postgresql://u@h/d?sslrootcert={tmp_path}/ca.pem").tls()


def test_where_the_password_comes_from(tmp_path: Path) -> None:
    assert address_from({}) is None
    assert address_from({"WAYPOST_DATABASE_URL": ""}) is None
    assert secret_from({}) is None
    plain = secret_from({"WAYPOST_DATABASE_PASSWORD": "a"})
    assert plain is not None
    assert plain() == "a"
    (tmp_path / "p").write_text("b\n")
    file = secret_from({"WAYPOST_DATABASE_PASSWORD_FILE": str(tmp_path / "p")})
    assert file is not None
    assert file() == "b"
    (tmp_path / "p").write_text("c")  # it was rotated
    assert file() == "c"
    (tmp_path / "p").unlink()
    with pytest.raises(StoreUnavailable, match="WAYPOST_DATABASE_PASSWORD_FILE"):
        file()


def test_a_command_is_asked_for_each_connection() -> None:
    def asking(code: str) -> str | None:
        command = f"{sys.executable} -c '{code}'"
        secret = secret_from({"WAYPOST_DATABASE_PASSWORD_COMMAND": command})
        assert secret is not None
        return secret()

    assert asking("print(1 + 1)") == "2"
    with pytest.raises(StoreUnavailable, match="printed no password") as told:
        asking('import sys; sys.exit("hunter2")')
    assert "hunter2" not in str(told.value)


def test_a_certificate_that_the_gateway_shows(tmp_path: Path) -> None:
    cert, key = Authority(tmp_path / "ca", "ours").issue("gateway")
    other = Authority(tmp_path / "other", "other").issue("gateway")[1]
    told = parse_address(f"postgresql://u@h/d?sslcert={cert}&sslkey={key}")
    assert (told.sslcert, told.sslkey) == (str(cert), str(key))
    assert told.tls() is not None
    for words in (f"sslcert={cert}&sslkey={other}", f"sslcert={cert}", "sslcert=/none"):
        with pytest.raises(ConfigError, match=r"certificate in .* can not be used"):
            parse_address(f"postgresql://u@h/d?{words}").tls()
    for words in (f"sslkey={key}", f"sslcert={cert}&sslmode=disable"):
        with pytest.raises(ConfigError, match="has an ssl"):
            parse_address(f"postgresql://u@h/d?{words}")


def test_a_command_with_a_quotation_mark_too_few() -> None:
    with pytest.raises(ConfigError, match="WAYPOST_DATABASE_PASSWORD_COMMAND"):
        secret_from({"WAYPOST_DATABASE_PASSWORD_COMMAND": "print 'token"})
