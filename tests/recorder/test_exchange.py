from __future__ import annotations

import msgspec
import pytest

from recorder.taking import answered, asked, body_of, scrub, streamed
from waypost.dialects.bedrock_converse.eventstream import Header, decode_frame, encode_frame
from waypost.recorder.check import check_fixture
from waypost.recorder.fixture import Fixture, Options, encode_fixture
from waypost.recorder.known import Known

KEY = "prov-CANARY-0123456789"


def events(*values: object) -> list[bytes]:
    return [b"data: %b\n\n" % msgspec.json.encode(value) for value in values]


def data_of(fixture: Fixture) -> str:
    return (fixture.response.data() or b"").decode()


def test_ids_are_the_same_in_request_and_answer() -> None:
    loop = [{"role": "assistant", "tool_calls": [{"id": "call_AbCdEfGh12345678"}]},
            {"role": "tool", "tool_call_id": "call_AbCdEfGh12345678", "content": "12 °C"}]  # fmt: skip
    fixture = scrub(asked({"messages": loop}), answered({"id": "x", "seen": "call_AbCdEfGh12345678"}))
    text = encode_fixture(fixture).decode()
    assert (text.count('"call_1"'), "AbCdEf" in text, "12 °C" in text) == (3, False, True)


def test_a_header_of_the_answer_names_what_its_body_repeats() -> None:
    fixture = scrub(
        asked({}),
        answered(
            {"error": {"message": "acme-inc is out of quota"}},
            ("openai-organization", "acme-inc"),
            ("set-cookie", "__cf=1"),
            status=429,
        ),
    )
    assert fixture.response.headers == ("openai-organization: account_1", "set-cookie: ***")
    assert body_of(fixture.response.body) == {"error": {"message": "account_1 is out of quota"}}


def test_chunks_stay_as_they_were_cut() -> None:
    first, second = events({"id": "chatcmpl-Abcdefgh1234", "d": "Hé"}, {"d": "llo"})
    whole = first + second
    cuts = [whole[:9], whole[9:25], whole[25:40], whole[40 : len(first) + 3], whole[len(first) + 3 :]]
    fixture = scrub(asked({}), streamed(*cuts))
    chunks = fixture.response.chunks
    assert chunks is not None
    assert [chunk.ms for chunk in chunks] == [0, 10, 20, 30, 40]
    assert chunks[-1].data() == cuts[-1]
    assert chunks[0].data() == cuts[0]
    assert data_of(fixture) == whole.decode().replace("chatcmpl-Abcdefgh1234", "chatcmpl-1")


@pytest.mark.parametrize("size", [1, 3, 5, 11])
def test_a_secret_in_pieces_is_found(size: int) -> None:
    text = f"it is {KEY}, is it?"
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    stream = events(*({"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces))
    fixture = scrub(asked({}), streamed(*stream), KEY)
    said = [msgspec.json.decode(line[6:]) for line in data_of(fixture).split("\n\n") if line]
    assert "".join(each["choices"][0]["delta"]["content"] for each in said) == "it is ***, is it?"
    assert len(said) == len(pieces)


def test_what_the_prompt_gave_away_is_hidden_in_the_answer() -> None:
    prompt = {"messages": [{"role": "user", "content": "sk-live-abcdef0123456789"}]}
    fixture = scrub(asked(prompt), answered({"content": "your key ends in ef0123456789"}))
    assert body_of(fixture.response.body) == {"content": "your key ends in ***"}


def test_amazons_stream() -> None:
    frame = encode_frame(
        [Header(":event-type", "contentBlockStart")], b'{"toolUseId":"tooluse_AbCd1234EfGh"}'
    )
    fixture = scrub(asked({}), streamed(frame[:30], frame[30:], kind="application/vnd.amazon.eventstream"))
    assert decode_frame(fixture.response.data() or b"").payload == b'{"toolUseId":"tooluse_1"}'
    assert fixture.response.chunks is not None
    assert len(fixture.response.chunks) == 2


def test_bytes_that_can_not_be_read_are_not_written() -> None:
    fixture = scrub(asked(b"\xff\xfe"), answered(b"\x89PNG\xff"), KEY)
    for content in (fixture.request.content, fixture.response.content):
        assert content is not None
        assert (content.text, content.base64) == (None, None)
        assert content.sha256
    kept = scrub(asked({}), answered(b"\x89PNG\xff"), options=Options(keep_media=True))
    assert kept.response.data() == b"\x89PNG\xff"


def test_redaction_of_a_stream_of_arguments() -> None:
    pieces = ['{"ci', 'ty": "Par', 'is", "n": true}']
    said = [("fc_1", piece) for piece in pieces] + [("msg_1", piece) for piece in ("Hel", "lo.")]
    stream = events(*({"type": "x.delta", "item_id": item, "delta": piece} for item, piece in said))
    fixture = scrub(asked({"input": "Hi"}), streamed(*stream), options=Options(redact_text=True))
    shown = [msgspec.json.decode(line[6:])["delta"] for line in data_of(fixture).split("\n\n") if line]
    assert shown == ['{"ci', 'ty": "xxx', 'xx", "n": true}', "xxx", "xx."]
    assert body_of(fixture.request.body) == {"input": "xx"}


def test_scrubbing_again_changes_nothing() -> None:
    prompt = {"user": "bob", "messages": [{"content": f"{KEY} bob@corp.io 10.1.2.3 sk-abcdefghijkl1"}]}
    request = asked(prompt, ("authorization", f"Bearer {KEY}"), ("host", "x"), target="/v1/x?key=abc")
    answer = answered(
        {"id": "msg_01AbCdEfGh12345678", "signature": "EqQBCkYIBhgC"}, ("date", "2025-11-25T10:00:00Z")
    )
    for options in (Options(), Options(redact_text=True)):
        assert check_fixture(scrub(request, answer, KEY, options=options), Known([KEY])) == []
