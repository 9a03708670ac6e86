from __future__ import annotations

import pytest

from transcript import ScriptedAnswer, provider, target
from waypost.config.snapshot import Credential
from waypost.core.asked import Asked, Onward
from waypost.core.origin import Origin
from waypost.dialects.lane import SameLane
from waypost.dialects.registry import DIALECTS
from waypost.errors import (
    CredentialRefused,
    Failed,
    Garbled,
    InvalidRequest,
    Rejected,
    Throttled,
    UpstreamError,
)
from waypost.upstream.attempt import FORWARDED, Heads, accept

CHAT = SameLane(DIALECTS["openai_chat"])
NONE = Credential(b"")


def asked(stream: bool = False) -> Asked:
    return Asked(model="m", stream=stream, fields={})


def test_a_head_is_complete_and_holds_the_providers_own_headers() -> None:
    served_by = provider(headers=b"x-team: blue\r\n")
    head = Heads().render(target(served_by), CHAT, False, {}, Onward(b"x" * 42), 1)
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /v1/chat/completions HTTP/1.1"
    assert {b"host: p1.example", b"x-team: blue", b"content-length: 42"} <= set(lines)
    assert lines[-2:] == [b"", b""]


def test_a_form_says_its_own_content_type() -> None:
    onward = Onward(b"--x", (), b"multipart/form-data; boundary=x")
    head = Heads().render(target(provider()), CHAT, False, {}, onward, 1)
    assert b"content-type: multipart/form-data; boundary=x\r\ncontent-length: 3\r\n" in head


def test_only_listed_client_headers_pass() -> None:
    sent = dict.fromkeys(
        (*FORWARDED, *CHAT.forwarded, b"authorization", b"cookie", b"x-real-ip", b"openai-project"), b"v"
    )
    head = Heads().render(target(provider(credential=Credential(b""))), CHAT, False, sent, Onward(b""), 1)
    assert all(b"\r\n" + name + b": v\r\n" in head for name in (*FORWARDED, *CHAT.forwarded))
    for kept_back in (b"authorization", b"cookie", b"x-real-ip", b"openai-project"):
        assert kept_back not in head


def test_a_new_configuration_makes_new_heads() -> None:
    heads = Heads()
    heads.render(target(provider()), CHAT, False, {}, Onward(b""), 1)
    moved = provider(origin=Origin("https", "elsewhere.example", 443))
    assert b"host: p1.example" in heads.render(target(moved), CHAT, False, {}, Onward(b""), 1)
    assert b"host: elsewhere.example" in heads.render(target(moved), CHAT, False, {}, Onward(b""), 2)


def test_a_credential_with_a_line_break_never_becomes_a_head() -> None:
    broken = provider(credential=Credential(b"authorization: Bearer a\r\nx-evil: 1\r\n\r\nGET /"))
    with pytest.raises(InvalidRequest):
        Heads().render(target(broken), CHAT, False, {}, Onward(b""), 1)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, Rejected), (404, Rejected), (401, CredentialRefused), (429, Throttled), (302, UpstreamError)],
)
def test_other_statuses_are_failures(status: int, kind: type[Exception]) -> None:
    answer = ScriptedAnswer(status, b'{"error":{"message":"no"}}')
    with pytest.raises(kind):
        accept(CHAT, asked(), answer, NONE)
    assert answer.closed


def test_a_whole_answer_to_a_stream_request_is_a_failure_that_says_what_it_was() -> None:
    with pytest.raises(Garbled):
        accept(CHAT, asked(stream=True), ScriptedAnswer(200, b'{"choices":[]}'), NONE)
    with pytest.raises(Failed):
        accept(CHAT, asked(stream=True), ScriptedAnswer(200, b'{"error":{"message":"no"}}'), NONE)


def test_what_was_asked_for_passes() -> None:
    whole = ScriptedAnswer(200, b"{}")
    accept(CHAT, asked(), whole, NONE)
    accept(CHAT, asked(stream=True), ScriptedAnswer(200, None), NONE)
    assert not whole.closed


def test_a_refusal_that_quotes_the_gateways_key_does_not_tell_it() -> None:
    # No known prefix, too short for the patterns: only the credential itself says that it is one.
    key = Credential(b"authorization: Bearer hunter2hunter\r\nx-team-secret: swordfish1\r\n")
    answer = ScriptedAnswer(400, b'{"error":{"message":"the key hunter2hunter of swordfish1 has no access"}}')
    with pytest.raises(Rejected) as caught:
        accept(CHAT, asked(), answer, key)
    assert caught.value.body == b'{"error":{"message":"the key *** of *** has no access"}}'
    assert "hunter2hunter" not in caught.value.message
