from __future__ import annotations

import msgspec
import pytest

from waypost.recorder.fixture import Options
from waypost.recorder.known import Known
from waypost.recorder.literals import Slot
from waypost.recorder.names import Names
from waypost.recorder.scrub import Scrubber, is_words, redact


def scrubber(*secrets: str, **options: object) -> Scrubber:
    return Scrubber(Known(secrets), Names(lambda _: False), msgspec.convert(options, Options))


def slot(text: str, *path: str | int) -> Slot:
    return Slot(text, 0, 0, path or ("content",))


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("authorization", "Bearer sk-abc", "Bearer ***"),
        ("authorization", "AWS4-HMAC-SHA256 Credential=AKIA/x, Signature=00", "AWS4-HMAC-SHA256 ***"),
        ("x-api-key", "sk-abc", "***"),
        ("x-acme-session-token", "abc", "***"),
        ("set-cookie", "__cf_bm=abc; path=/", "***"),
        ("anthropic-ratelimit-tokens-remaining", "79999", "79999"),
        ("x-amzn-bedrock-input-token-count", "12", "12"),
        ("date", "Tue, 25 Nov 2025 10:11:12 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ("anthropic-ratelimit-requests-reset", "2025-11-25T10:11:12Z", "1970-01-01T00:00:00Z"),
        ("x-amz-date", "20251125T101112Z", "19700101T000000Z"),
        ("x-reset-at", "1764065472.5", "0"),
        ("openai-organization", "acme-inc", "account_1"),
        ("request-id", "req_011CSHoEeqs5C35K2UUqR7Fy", "req_1"),
        ("cf-ray", "8c1a2b3c4d5e6f70-FRA", "id_1"),
        ("x-forwarded-for", "203.0.114.9", "192.0.2.1"),
        ("host", "acme.openai.azure.com", "localhost"),
        ("content-length", "12", None),
        ("openai-version", "2020-10-01", "2020-10-01"),
        ("user-agent", "OpenAI/Python 2.1.0", "OpenAI/Python 2.1.0"),
    ],
)
def test_headers(name: str, value: str, shown: str | None) -> None:
    here = scrubber()
    assert here.header(name, value) == shown
    if shown is not None:
        assert here.header(name, shown) == shown


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("/v1/x?key=AIzaSyA123&alt=sse", "/v1/x?key=***&alt=sse"),
        ("/v1/projects/acme-1/locations/eu/x:y", "/v1/projects/account_1/locations/eu/x:y"),
        ("/v1/responses/resp_68a1b2c3d4e5/cancel", "/v1/responses/resp_1/cancel"),
        ("/model/arn:aws:bedrock:eu-1:123456789012:x/converse", "/model/arn:aws:bedrock:account_1:x/converse"),
    ],
)  # fmt: skip
def test_paths(target: str, shown: str) -> None:
    here = scrubber()
    assert (here.target(target), here.target(shown)) == (shown, shown)


@pytest.mark.parametrize(
    ("text", "path", "shown"),
    [
        ("Paris on 2025-11-25", ("content",), "Paris on 2025-11-25"),
        ("my key is sk-ant-api03-abcdef012345", ("content",), "my key is ***"),
        ("gpt-4o-mini-2024-07-18", ("model",), "gpt-4o-mini-2024-07-18"),
        ("ft:gpt-4o:acme:x:Ab12", ("model",), "ft:gpt-4o:account_1:x:Ab12"),
        ("gpt-4o", ("data", 0, "id"), "gpt-4o"),
        ("call_1", ("tool_call_id",), "call_1"),
        ("functions.get_weather:a1b2c3", ("tool_call_id",), "id_1"),
        ("bob", ("metadata", "user_id"), "account_1"),
        ("fp_44709d6fcb", ("system_fingerprint",), "fp_1"),
        ("EqQBCkYIBhgC", ("content", 0, "signature"), "c2VhbGVkICMwMDE="),
    ],
)
def test_texts(text: str, path: tuple[str | int, ...], shown: str) -> None:
    here = scrubber()
    assert (here.text(slot(text, *path)), here.text(slot(shown, *path))) == (shown, shown)


def test_long_base64_is_shortened_to_base64_once() -> None:
    long = "iVBORw0KGgo" * 1000
    here = scrubber()
    short = here.text(slot(f"data:image/png;base64,{long}", "image_url", "url"))
    assert short.startswith("data:image/png;base64,waypost/shortened/11000/characters/sha256/")
    assert len(short.partition(",")[2]) % 4 == 0
    assert here.text(slot(short, "image_url", "url")) == short
    assert scrubber(keep_media=True).text(slot(long, "data")) == long
    assert here.text(slot(long[:3000], "data")) == long[:3000]


def test_what_was_learnt_is_hidden_everywhere() -> None:
    here = scrubber()
    here.learn(slot("the key sk-live-0123456789abcdef"))
    assert here.text(slot("ends in 0123456789abcdef")) == "ends in ***"


def test_redaction_keeps_lengths_and_names() -> None:
    assert redact("Hello, Zoë 42!", nested=False) == "xxxxx, xxx 00!"
    nested = '{"city": "Köln\\n1", "on": true}'
    assert redact(nested, nested=True) == '{"city": "xxxx\\n0", "on": true}'


def test_words_and_others() -> None:
    assert is_words(slot("x", "messages", 0, "content"))
    assert is_words(slot("x", "content", 0, "input", "city"))
    assert not is_words(slot("x", "input", 0, "role"))
    assert not is_words(slot("x", "tool_choice"))
