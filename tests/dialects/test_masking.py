from __future__ import annotations

import msgspec
import pytest

from waypost.dialects.masking import MESSAGE_CAP, clean_message, find_secrets, mask, mask_json


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-abcdefghijklmnop1234",
        "sk-ant-api03-AAAAAAAAAAAAAAAAAAAA",
        "AIzaSyA1234567890abcdefghijk",
        "gsk_abcdefghijklmnop",
        "sk-...*******************wxyz",
        "0123456789abcdef0123456789abcdef01234567",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
    ],
)
def test_keys_are_masked(secret: str) -> None:
    shown = mask(f"Incorrect API key provided: {secret}. See the docs")
    assert secret not in shown
    assert secret[-10:] not in shown
    assert shown.startswith("Incorrect API key provided: ")


def test_url_credentials_and_bearer() -> None:
    assert mask("to https://bob:pa55@host/x?api_key=zzz&b=1") == "to https://***@host/x?api_key=***&b=1"
    assert mask("header Authorization: Bearer abcdef") == "header Authorization: Bearer ***"


def test_secrets_are_found_without_what_stands_before_them() -> None:
    text = "to https://bob:pa55@host/x?api_key=zzz and Bearer abcdef"
    assert [text[start:end] for start, end in find_secrets(text)] == ["bob:pa55@", "zzz", "abcdef"]


def test_plain_words_stay() -> None:
    text = "The model `gpt-4o-mini-2024-07-18` has a maximum context of 128000 tokens; you sent 130001 at messages[3]."
    assert mask(text) == text


def test_one_short_line() -> None:
    assert clean_message("a\n\tb") == "a b"
    assert len(clean_message("word " * 5000)) == MESSAGE_CAP


def test_account_names_are_masked() -> None:
    shown = mask("Rate limit reached in organization org-AbCdEfGhIjKlMnOpQrStUvWx on tokens")
    assert shown == "Rate limit reached in organization *** on tokens"


def test_a_key_behind_an_escape_is_masked_and_the_document_stays_json() -> None:
    for key in ("sk-abcdefghijklmnop", "sk-" + "abc123" * 10):
        body = msgspec.json.encode({"error": {"message": f"bad key:\n{key}", "n": [1, key]}})
        masked = mask_json(body)
        assert masked is not None
        assert key.encode() not in masked
        assert msgspec.json.decode(masked)["error"] == {"message": "bad key:\n***", "n": [1, "***"]}
    escaped = mask_json(b'{"a":"sk\\u002dabcdefghijklmnop"}')
    assert escaped == b'{"a":"***"}'


def test_what_needs_no_masking_keeps_its_bytes_and_what_is_no_json_is_dropped() -> None:
    body = b'{ "a": 1.50, "b": ["x"] }'
    assert mask_json(body) == body
    assert mask_json(b"<html>") is None
    assert mask_json(b'{"a":' * 5000) is None
    assert mask_json(b'{"a":"\xff"}') is None
