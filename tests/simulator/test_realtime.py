from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.simulator.bill import Bill
from waypost.simulator.models import MODELS
from waypost.simulator.realtime import Conversation


class Client:
    """Writes every event at once, as a socket without timing would."""

    def __init__(self, model: str = "sim-fast") -> None:
        self.bill = Bill()
        self.conversation = Conversation(model, MODELS[model], 1, 1, self.bill)

    def ask(self, kind: str, stop: int | None = None, **fields: object) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = []
        for out in self.conversation.take(msgspec.json.encode({"type": kind, **fields})):
            if out.cut:
                events.append({"type": "cut"})
            elif out.response is None or not out.response.closed:
                self.conversation.wrote(out.data)
                events.append(msgspec.json.decode(out.data))
            if stop is not None and len(events) == stop:
                break
        return events

    def say(self, text: str) -> None:
        self.ask("conversation.item.create", item={"content": [{"type": "input_text", "text": text}]})


def test_the_whole_conversation_is_the_prompt() -> None:
    client = Client()
    client.say("one two")
    first = client.ask("response.create", simulate={"tokens": 4})
    assert [event["type"] for event in first] == [
        "response.created",
        *["response.output_text.delta"] * 4,
        "response.done",
    ]
    client.say("three")
    second = client.ask("response.create")
    usages = [events[-1]["response"]["usage"] for events in (first, second)]
    assert [usage["input_tokens"] for usage in usages] == [5, 5 + 3 + 4 + 4]
    assert [line.tokens.prompt for line in client.bill.lines] == [5, 16]


def test_sound() -> None:
    client = Client("sim-audio")
    client.ask("session.update", session={"audio": {"input": {"transcription": {"model": "t"}}}})
    client.ask("input_audio_buffer.append", audio="A" * 6400)
    told = client.ask("input_audio_buffer.commit")
    assert told[-1]["usage"]["input_tokens"] == 2
    done = client.ask("response.create")[-1]
    assert done["response"]["usage"]["input_token_details"]["audio_tokens"] == 2
    assert done["response"]["usage"]["output_token_details"] == {"text_tokens": 16, "audio_tokens": 8}


def test_what_was_called_off_is_billed_as_far_as_it_came() -> None:
    client = Client()
    events = client.conversation.take(b'{"type":"response.create"}')
    for _ in range(3):
        client.conversation.wrote(next(events).data)
    (done,) = client.ask("response.cancel")
    assert (done["response"]["status"], done["response"]["usage"]["output_tokens"]) == ("cancelled", 2)
    assert [(line.end, line.tokens.completion) for line in client.bill.lines] == [("cancelled", 2)]
    assert next(events, None) is None


@pytest.mark.parametrize(("written", "lines"), [(1, 0), (3, 1)])
def test_who_leaves_is_billed_for_what_was_written(written: int, lines: int) -> None:
    client = Client()
    client.ask("response.create", stop=written)
    client.conversation.left("cancelled")
    client.conversation.left("cancelled")
    assert client.bill.count == lines


def test_faults() -> None:
    client = Client()
    events = client.ask("response.create", simulate={"fault": "reset-stream", "k": 2})
    assert [event["type"] for event in events][-2:] == ["response.output_text.delta", "cut"]
    client = Client()
    big = client.ask("response.create", simulate={"fault": "big-event", "k": 0, "size": 5000})
    assert len(big[1]["padding"]) == 5000


def test_errors_are_events() -> None:
    client = Client()
    for kind, code in (("nothing", "unknown_event"), ("response.cancel", "not_active")):
        assert client.ask(kind)[0]["error"]["code"] == code
    assert b"invalid_json" in next(client.conversation.take(b"nonsense")).data
    assert client.ask("response.create", simulate={"tokens": -1})[0]["error"]["code"] == "invalid_value"
    client.ask("response.create", stop=1)
    assert client.ask("response.create")[0]["error"]["code"] == "conversation_already_has_active_response"
    assert msgspec.json.decode(client.conversation.hello())["type"] == "session.created"
