"""OpenAI's Realtime API: a conversation over a WebSocket, as events in and events out. No sockets here.

https://platform.openai.com/docs/api-reference/realtime-client-events and …/realtime-server-events (2026-11-25). What is
served: `session.update`, `conversation.item.create`, `input_audio_buffer.append` and `.commit`, `response.create` and
`.cancel`. A `response.create` may have the simulator's parameters in `simulate`. The bill has a line for each response:
its prompt is the whole conversation so far.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from waypost.simulator.answers import ANSWER_ID, REQUEST_ID, Answer, Token, compose
from waypost.simulator.ask import Ask, Refused
from waypost.simulator.bill import Bill, End, Tokens
from waypost.simulator.counting import PER_AUDIO, PER_MESSAGE, words
from waypost.simulator.dialect import Json
from waypost.simulator.dice import Dice
from waypost.simulator.models import Behaviour, resolve

#: Characters of base64 that a token of sound says: a twentieth of a second.
SOUND = "A" * 3200
_BIG = 1 << 20


class _Part(msgspec.Struct, frozen=True):
    type: str = ""
    text: str = ""


class _Item(msgspec.Struct, frozen=True):
    content: list[_Part] = []
    output: str = ""


class _Event(msgspec.Struct):
    type: str
    item: _Item = _Item()
    session: Json = {}
    audio: str = ""
    simulate: Json = {}


_EVENT = msgspec.json.Decoder(_Event)
_ENCODER = msgspec.json.Encoder()


class Response:
    """One response, from its creation to its line on the bill."""

    def __init__(self, response_id: str, answer: Answer, request_id: str) -> None:
        self.id = response_id
        self.answer = answer
        self.request_id = request_id
        self.text = self.audio = 0
        self.closed = False

    @property
    def tokens(self) -> Tokens:
        """What it has used by now."""
        answer = self.answer
        return Tokens(
            prompt=answer.prompt,
            cached=answer.cached,
            audio_input=answer.audio_input,
            completion=self.text + self.audio,
            audio_output=self.audio,
        )

    def usage(self) -> Json:
        used = self.tokens
        return {
            "input_tokens": used.prompt,
            "output_tokens": used.completion,
            "total_tokens": used.prompt + used.completion,
            "input_token_details": {
                "text_tokens": used.prompt - used.audio_input,
                "audio_tokens": used.audio_input,
                "cached_tokens": used.cached,
                "cached_tokens_details": {"text_tokens": used.cached, "audio_tokens": 0},
            },
            "output_token_details": {"text_tokens": self.text, "audio_tokens": self.audio},
        }


class Out(msgspec.Struct, frozen=True):
    """An event to be written `due_s` seconds after the one that asked for it. `cut`: the connection breaks instead."""

    data: bytes
    due_s: float = 0.0
    cut: bool = False
    response: Response | None = None
    """Not written any more once this one is closed."""


class Conversation:
    """One session."""

    def __init__(self, model: str, behaviour: Behaviour, seed: int, number: int, bill: Bill) -> None:
        self._model, self._behaviour, self._bill = model, behaviour, bill
        self._seed, self._number = seed, number
        self._prompt = self._audio = self._heard = self._events = self._responses = 0
        self._last = ""
        self._session: Json = {"type": "realtime", "id": f"sess_{number}", "model": model}
        self.response: Response | None = None

    def hello(self) -> bytes:
        """What a session begins with."""
        return self._event("session.created", session=self._session)

    def take(self, data: bytes) -> Iterator[Out]:
        """An event of the client, and what follows from it."""
        try:
            event = _EVENT.decode(data)
        except msgspec.MsgspecError:
            yield Out(self._refusal("This is not an event.", "invalid_json"))
            return
        if event.type == "response.create":
            yield from self._respond(event.simulate)
        elif event.type == "response.cancel":
            yield Out(
                self._end("cancelled", "cancelled") or self._refusal("Nothing to cancel.", "not_active")
            )
        elif event.type == "conversation.item.create":
            yield from self._add(event.item)
        elif event.type == "session.update":
            self._session = {**self._session, **event.session}
            yield Out(self._event("session.updated", session=self._session))
        elif event.type == "input_audio_buffer.append":
            self._heard += 1 + len(event.audio) // (2 * len(SOUND))
        elif event.type == "input_audio_buffer.commit":
            yield from self._commit()
        else:
            yield Out(self._refusal(f"There is no event {event.type[:64]!r}.", "unknown_event"))

    def left(self, end: End) -> None:
        """The connection is gone: a response under way is billed as far as it came."""
        response = self.response
        if response is not None and (response.text or response.audio):
            self._close(response, end)
        self.response = None

    # --- inside --------------------------------------------------------------------------------------------------

    def _add(self, item: _Item) -> Iterator[Out]:
        texts = [part.text for part in item.content if part.text]
        self._prompt += PER_MESSAGE + sum(map(words, texts)) + words(item.output)
        heard = sum(part.type == "input_audio" for part in item.content) * PER_AUDIO
        self._prompt, self._audio = self._prompt + heard, self._audio + heard
        self._last = texts[-1] if texts else self._last
        shown: Json = {"id": f"item_{self._events}", "type": "message", "role": "user", "content": []}
        yield Out(self._event("conversation.item.added", item=shown, previous_item_id=None))
        yield Out(self._event("conversation.item.done", item=shown, previous_item_id=None))

    def _commit(self) -> Iterator[Out]:
        heard, self._heard = self._heard, 0
        self._prompt, self._audio = self._prompt + PER_MESSAGE + heard, self._audio + heard
        item = f"item_{self._events}"
        yield Out(self._event("input_audio_buffer.committed", item_id=item, previous_item_id=None))
        if b'"transcription"' in _ENCODER.encode(self._session):
            usage: Json = {
                "type": "tokens",
                "input_tokens": heard,
                "output_tokens": 1,
                "total_tokens": heard + 1,
                "input_token_details": {"audio_tokens": heard, "text_tokens": 0},
            }
            kind = "conversation.item.input_audio_transcription.completed"
            yield Out(self._event(kind, item_id=item, content_index=0, transcript="hm", usage=usage))

    def _respond(self, simulate: Json) -> Iterator[Out]:
        if self.response is not None:
            yield Out(
                self._refusal("A response is under way already.", "conversation_already_has_active_response")
            )
            return
        self._responses += 1
        dice = Dice(self._seed, self._number * 1000 + self._responses)
        ask = Ask("chat", self._model, self._prompt, audio_input=self._audio, last_text=self._last)
        try:
            behaviour = resolve(self._model, simulate) if simulate else self._behaviour
            answer = compose(ask, behaviour, dice)
        except Refused as refused:
            yield Out(self._refusal(refused.message, refused.code or "invalid_value"))
            return
        response = self.response = Response(
            "resp_" + dice.name(ANSWER_ID), answer, "req_" + dice.name(REQUEST_ID)
        )
        yield Out(self._told("response.created", response, "in_progress"))
        yield from self._say(response, behaviour)

    def _say(self, response: Response, behaviour: Behaviour) -> Iterator[Out]:
        answer, fault = response.answer, behaviour.fault
        due = answer.first_s
        for place, token in enumerate(answer.choices[0].tokens):
            if self.response is not response:
                return
            if fault is not None and place == behaviour.k:
                if fault != "big-event":
                    yield Out(b"", due, cut=True)
                    return
                yield Out(self._event("response.x_padded", padding="x" * (behaviour.size or _BIG)), due)
            yield Out(self._delta(response, token), due, response=response)
            due += answer.gap_s
        if self.response is response:
            done = self._end("completed", "done")
            if done is not None:
                yield Out(done, due)

    def _delta(self, response: Response, token: Token) -> bytes:
        where: Json = {
            "response_id": response.id, "item_id": f"item_{response.id}", "output_index": 0, "content_index": 0
        }  # fmt: skip
        if token.form == "audio":
            return self._event("response.output_audio.delta", delta=SOUND, **where)
        return self._event("response.output_text.delta", delta=token.text, **where)

    def wrote(self, data: bytes) -> None:
        """An event was written: its token is generated now."""
        response = self.response
        if response is not None and b'"response.output_' in data[:64]:
            if b"audio.delta" in data[:64]:
                response.audio += 1
            else:
                response.text += 1

    def _end(self, status: str, end: End) -> bytes | None:
        response, self.response = self.response, None
        if response is None:
            return None
        self._close(response, end)
        self._prompt += PER_MESSAGE + response.text + response.audio
        return self._told("response.done", response, status, usage=response.usage())

    def _close(self, response: Response, end: End) -> None:
        if not response.closed:
            response.closed = True
            self._bill.add(response.request_id, self._model, "realtime", end, response.tokens)

    def _told(self, kind: str, response: Response, status: str, **more: object) -> bytes:
        shown: Json = {
            "object": "realtime.response",
            "id": response.id,
            "status": status,
            "output": [],
            **more,
        }
        return self._event(kind, response=shown)

    def _refusal(self, message: str, code: str) -> bytes:
        error: Json = {"type": "invalid_request_error", "code": code, "message": message, "param": None}
        return self._event("error", error=error)

    def _event(self, kind: str, **fields: object) -> bytes:
        self._events += 1
        return _ENCODER.encode({"type": kind, "event_id": f"event_{self._events}", **fields})
