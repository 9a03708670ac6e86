from __future__ import annotations

from waypost.core.signin import Password, Session


def test_nothing_secret_is_in_what_is_printed() -> None:
    password = Password("user_1", "$argon2id$hash", b"totp-secret", 5, ("code",))
    assert repr(password) == "Password(user_1)"
    session = Session(b"\x01" * 32, "user_1", 1.0, 1.0, 2.0)
    assert repr(session) == "Session(0101010101010101)"
    assert session.session_id == "01" * 8
