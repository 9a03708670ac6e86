from __future__ import annotations

import msgspec
import pytest

from config.golden_view import surroundings
from transcript import ScriptedAnswer, provider, target
from waypost.config.load import load_bytes
from waypost.config.resolve import resolve
from waypost.config.targets import Credential, Target
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
NOW = 1_790_000_000.0


def wall() -> float:
    return NOW


def asked(stream: bool = False) -> Asked:
    return Asked(model="m", stream=stream, fields={})


def test_a_head_is_complete_and_holds_the_providers_own_headers() -> None:
    served_by = provider(headers=b"x-team: blue\r\n")
    head = Heads(wall).render(target(served_by), CHAT, False, {}, Onward(b"x" * 42), 1)
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /v1/chat/completions HTTP/1.1"
    assert {b"host: p1.example", b"x-team: blue", b"content-length: 42"} <= set(lines)
    assert lines[-2:] == [b"", b""]


def test_a_provider_may_have_a_path_of_its_own_for_a_dialect() -> None:
    served_by = provider(endings={"openai_chat": "/chat"}, query="v=1")
    head = Heads(wall).render(target(served_by), CHAT, False, {}, Onward(b""), 1)
    assert head.startswith(b"POST /v1/chat?v=1 HTTP/1.1\r\n")


def test_a_form_says_its_own_content_type() -> None:
    onward = Onward(b"--x", (), b"multipart/form-data; boundary=x")
    head = Heads(wall).render(target(provider()), CHAT, False, {}, onward, 1)
    assert b"content-type: multipart/form-data; boundary=x\r\ncontent-length: 3\r\n" in head


def test_only_listed_client_headers_pass() -> None:
    sent = dict.fromkeys(
        (*FORWARDED, *CHAT.forwarded, b"authorization", b"cookie", b"x-real-ip", b"openai-project"), b"v"
    )
    head = Heads(wall).render(target(provider(credential=Credential(b""))), CHAT, False, sent, Onward(b""), 1)
    assert all(b"\r\n" + name + b": v\r\n" in head for name in (*FORWARDED, *CHAT.forwarded))
    for kept_back in (b"authorization", b"cookie", b"x-real-ip", b"openai-project"):
        assert kept_back not in head


def test_a_new_configuration_makes_new_heads() -> None:
    heads = Heads(wall)
    heads.render(target(provider()), CHAT, False, {}, Onward(b""), 1)
    moved = provider(origin=Origin("https", "elsewhere.example", 443))
    assert b"host: p1.example" in heads.render(target(moved), CHAT, False, {}, Onward(b""), 1)
    assert b"host: elsewhere.example" in heads.render(target(moved), CHAT, False, {}, Onward(b""), 2)


def test_a_credential_with_a_line_break_never_becomes_a_head() -> None:
    broken = provider(credential=Credential(b"authorization: Bearer a\r\nx-evil: 1\r\n\r\nGET /"))
    with pytest.raises(InvalidRequest):
        Heads(wall).render(target(broken), CHAT, False, {}, Onward(b""), 1)


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


class Signer:
    """Writes down what it is asked to sign."""

    key = "signer"
    renewal = None

    def __init__(self) -> None:
        self.signed: list[tuple[str, str, str, bytes, float]] = []

    def lines(self, method: str, authority: str, path: str, body: bytes, at: float) -> bytes:
        self.signed.append((method, authority, path, body, at))
        return b"authorization: signature %d\r\n" % len(self.signed)

    def secrets(self) -> tuple[bytes, ...]:
        return (b"signing-secret",)


def test_a_signer_signs_each_request_and_all_else_is_prebuilt() -> None:
    signer = Signer()
    heads = Heads(wall)
    served_by = provider(credential=Credential(b"x-team-secret: s\r\n", signer))
    for number in (1, 2):
        head = heads.render(target(served_by), CHAT, False, {}, Onward(b"body"), 1)
        assert b"\r\nx-team-secret: s\r\n" in head
        assert b"\r\nauthorization: signature %d\r\ncontent-type: application/json\r\n" % number in head
    assert signer.signed == [("POST", "p1.example", "/v1/chat/completions", b"body", NOW)] * 2


def test_each_dialect_has_its_own_path_key_and_headers() -> None:
    served_by = provider(
        path="/v2",
        credential=Credential(b"x-api-key: k\r\n"),
        credentials={"openai_chat": Credential(b"authorization: Bearer k\r\n")},
        paths={"openai_chat": "/compatibility/v1"},
        dialect_headers={
            "openai_chat": ((b"x-version", b"x-version: 1\r\n"),),
            "other": ((b"x-other", b"x-other: 1\r\n"),),
        },
        query="api-version=7",
    )
    lines = Heads(wall).render(target(served_by), CHAT, False, {}, Onward(b""), 1).split(b"\r\n")
    assert lines[0] == b"POST /compatibility/v1/chat/completions?api-version=7 HTTP/1.1"
    assert {b"authorization: Bearer k", b"x-version: 1"} <= set(lines)
    assert not {b"x-api-key: k", b"x-other: 1"} & set(lines)


def test_a_path_with_the_model_is_made_anew_for_each_model() -> None:
    served_by = provider(paths={"openai_chat": "/deployments/{model}"})
    heads = Heads(wall)
    for model, path in (("gpt-5", b"gpt-5"), ("a/b:c d", b"a%2Fb%3Ac%20d")):
        asked_for = msgspec.structs.replace(target(served_by), model=model)
        head = heads.render(asked_for, CHAT, False, {}, Onward(b""), 1)
        assert head.startswith(b"POST /deployments/%b/chat/completions HTTP/1.1\r\n" % path)


def test_what_a_signer_signs_with_is_taken_out_of_refusals() -> None:
    answer = ScriptedAnswer(400, b'{"error":{"message":"signing-secret is wrong"}}')
    with pytest.raises(Rejected) as caught:
        accept(CHAT, asked(), answer, Credential(b"", Signer()))
    assert caught.value.body == b'{"error":{"message":"*** is wrong"}}'


def test_a_dialects_own_headers_give_way_to_the_clients() -> None:
    own = CHAT.forwarded[0]
    served_by = provider(
        dialect_headers={"openai_chat": ((own, own + b": default\r\n"), (b"x-a", b"x-a: 1\r\n"))}
    )
    heads = Heads(wall)
    assert own + b": default\r\n" in heads.render(target(served_by), CHAT, False, {}, Onward(b""), 1)
    head = heads.render(target(served_by), CHAT, False, {own: b"client", b"x-a": b"client"}, Onward(b""), 1)
    assert own + b": client\r\n" in head
    assert own + b": default" not in head
    assert b"x-a: 1\r\n" in head


def test_two_keys_of_one_provider_are_told_apart_on_the_wire() -> None:
    def keyed(name: str) -> Target:
        line = f"authorization: Bearer secret-{name}\r\n".encode()
        return target(provider(key_name=name, credential=Credential(line)))

    heads = Heads(wall)
    for name in ("a", "b", "a", "b"):
        head = heads.render(keyed(name), CHAT, False, {}, Onward(b""), 1)
        assert head.count(b"authorization:") == 1
        assert f"\r\nauthorization: Bearer secret-{name}\r\n".encode() in head


def test_a_pool_of_the_configuration_sends_each_request_with_its_own_key() -> None:
    text = (
        "providers: [{name: lab, dialect: openai_chat, base_url: http://lab/v1,"
        " keys: [{name: a, api_key: env:A}, {name: b, api_key: env:B}]}]\n"
        "routes: [{name: r, target: lab/m}]\nmodels: [{name: m, targets: [{provider: lab, model: m}]}]"
    )
    around = surroundings({"A": "secret-of-a", "B": "secret-of-b"})
    snapshot = resolve(load_bytes(text.encode()), around, version=1)
    heads = Heads(wall)
    for asked_for in ("route/r", "m", "lab/m", "lab/other"):
        for served_by in snapshot.find(asked_for).targets * 2:
            head = heads.render(served_by, CHAT, False, {}, Onward(b""), 1)
            own = served_by.provider.key_name.encode()
            assert b"\r\nauthorization: Bearer secret-of-" + own + b"\r\n" in head
            assert head.count(b"secret-of-") == 1
