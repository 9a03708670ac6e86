"""An answer in Anthropic's form, whole and as a stream.

Shapes: https://docs.claude.com/en/api/messages, /messages-streaming and the types of anthropic 2.14.0 (2026-11-25).
Each token is one `content_block_delta`; a call's name is the start of its block.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from waypost.simulator.answers import Answer, Choice, Token
from waypost.simulator.anthropic_ask import REDACTED, THINKING
from waypost.simulator.ask import Ask
from waypost.simulator.dialect import LIES, Json, Stamp, UsageForm
from waypost.simulator.models import Behaviour
from waypost.simulator.seals import Seals
from waypost.simulator.stream import Block, beats, blocks, group, sse
from waypost.simulator.wire import Made, Piece

PING = b'event: ping\ndata: {"type":"ping"}\n\n'
_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}


class Spoken:
    """One answer, in either form."""

    def __init__(
        self, ask: Ask, answer: Answer, behaviour: Behaviour, stamp: Stamp, form: UsageForm, seals: Seals
    ) -> None:
        self._ask, self._answer, self._behaviour = ask, answer, behaviour
        self._stamp, self._form, self._seals = stamp, form, seals
        self._choice: Choice = answer.choices[0]

    def whole(self) -> Piece:
        message = self._message(self._reason())
        message["content"] = [*self._veiled(), *[self._block(block) for block in blocks(self._choice)]]
        if self._form != "missing":
            message["usage"] = self._usage(None if self._form != "falling" else 1)
        answer = self._answer
        made = Made(answer.output, answer.reasoning)
        return Piece("whole", msgspec.json.encode(message), answer.last_s, made)

    def _message(self, ending: Json) -> Json:
        return {
            "id": self._stamp.answer_id,
            "type": "message",
            "role": "assistant",
            "model": self._ask.model,
            "content": [],
            **ending,
            "x_sim": self._stamp.x_sim,
        }

    def _reason(self) -> Json:
        choice = self._choice
        reason = _REASONS.get(choice.finish, choice.finish)
        refused = choice.finish == "stop" and choice.count("refusal") > 0
        ending: Json = {
            "stop_reason": "refusal" if refused else reason,
            "stop_sequence": choice.stopped or None,
        }
        if refused:
            details = {"type": "refusal", "category": None, "explanation": None}
            ending["stop_details"] = details
        return ending

    def _block(self, block: Block) -> Json:
        if block.form == "reasoning":
            return {
                "type": "thinking",
                "thinking": block.text,
                "signature": self._seals.seal(THINKING, block.text),
            }
        if block.form == "call":
            return {
                "type": "tool_use",
                "id": self._call_id(block.at),
                "name": block.text,
                "input": _arguments(block.arguments),
            }
        return {"type": "text", "text": block.text}

    def _call_id(self, at: int) -> str:
        return "toolu_" + self._choice.call_ids[at].removeprefix("call_")

    def _veiled(self) -> list[Json]:
        """Reasoning that the client may not read but has to bring back."""
        if not self._choice.hidden:
            return []
        if self._behaviour.redact:
            data = self._seals.wrap(REDACTED, f"{self._choice.seed:x}")
            return [{"type": "redacted_thinking", "data": data}]
        if self._ask.shown is False:
            return [{"type": "thinking", "thinking": "", "signature": self._seals.seal(THINKING, "")}]
        return []

    def _usage(self, output: int | None = None) -> Json | None:
        answer = self._answer
        if self._form == "null":
            return None
        exact = self._form not in LIES
        lie = LIES.get(self._form, 0)
        told = answer.output if output is None else output
        written = (answer.cache_write, answer.cache_write_1h) if exact else (0, 0)
        return {
            "input_tokens": answer.prompt - answer.cached - sum(written) if exact else lie,
            "cache_creation_input_tokens": sum(written),
            "cache_read_input_tokens": answer.cached if exact else 0,
            "cache_creation": {
                "ephemeral_5m_input_tokens": written[0],
                "ephemeral_1h_input_tokens": written[1],
            },
            "output_tokens": told if exact else lie,
            "output_tokens_details": {"thinking_tokens": min(answer.reasoning, told) if exact else 0},
            "service_tier": self._ask.tier,
        }

    # --- as a stream -------------------------------------------------------------------------------------------

    def pieces(self) -> Iterator[Piece]:
        first = self._answer.first_s
        message = self._message({"stop_reason": None, "stop_sequence": None})
        if self._form != "missing":
            message["usage"] = self._usage(min(1, self._answer.output))
        yield Piece("role", sse({"type": "message_start", "message": message}, "message_start"), first)
        yield Piece("role", PING, first)
        index = 0
        for block in self._veiled():
            yield Piece("role", _veiled_events(index, block), first)
            index += 1
        opened: tuple[str, int] | None = None
        text: list[str] = []
        for beat in beats(self._answer):
            token = beat.token
            key = None if token is None else group(token)
            if opened is not None and key != opened:
                yield Piece("role", self._close(index, opened, "".join(text)), beat.due_s)
                index, opened = index + 1, None
            if token is None:
                yield Piece("finish", self._end(), beat.due_s, beat.made)
                continue
            if key != opened:
                opened, text = key, []
                if token.form != "call":
                    yield Piece("role", _start(index, _EMPTY[group(token)[0]]), beat.due_s)
            text.append(token.text)
            yield Piece("token", self._delta(index, token, beat.total), beat.due_s, beat.made)
        yield Piece("done", sse({"type": "message_stop"}, "message_stop"), self._answer.last_s)

    def _close(self, index: int, opened: tuple[str, int], text: str) -> bytes:
        signed = b""
        if opened[0] == "reasoning":
            signature = self._seals.seal(THINKING, text)
            signed = _delta(index, {"type": "signature_delta", "signature": signature})
        return signed + sse({"type": "content_block_stop", "index": index}, "content_block_stop")

    def _delta(self, index: int, token: Token, total: int) -> bytes:
        match token.form:
            case "call":
                named: Json = {
                    "type": "tool_use",
                    "id": self._call_id(token.at),
                    "name": token.text,
                    "input": {},
                }
                event = _start(index, named) + _delta(index, {"type": "input_json_delta", "partial_json": ""})
            case "arguments":
                event = _delta(index, {"type": "input_json_delta", "partial_json": token.text})
            case "reasoning":
                event = _delta(index, {"type": "thinking_delta", "thinking": token.text})
            case _:
                event = _delta(index, {"type": "text_delta", "text": token.text})
        if self._form in ("growing", "falling"):
            told = total if self._form == "growing" else self._answer.output - total + 1
            event += self._message_delta({"stop_reason": None, "stop_sequence": None}, told)
        return event

    def _end(self) -> bytes:
        """Why it ended, with the last usage; `twice` says it twice."""
        told = 1 if self._form == "falling" else None
        return self._message_delta(self._reason(), told) * (2 if self._form == "twice" else 1)

    def _message_delta(self, ending: Json, output: int | None) -> bytes:
        event: Json = {"type": "message_delta", "delta": ending}
        if self._form != "missing":
            event["usage"] = self._usage(output)
        return sse(event, "message_delta")


_EMPTY: Mapping[str, Json] = {
    "text": {"type": "text", "text": ""},
    "reasoning": {"type": "thinking", "thinking": "", "signature": ""},
}


def _start(index: int, block: Json) -> bytes:
    return sse({"type": "content_block_start", "index": index, "content_block": block}, "content_block_start")


def _delta(index: int, delta: Json) -> bytes:
    return sse({"type": "content_block_delta", "index": index, "delta": delta}, "content_block_delta")


def _veiled_events(index: int, block: Json) -> bytes:
    stop = sse({"type": "content_block_stop", "index": index}, "content_block_stop")
    if block["type"] == "redacted_thinking":
        return _start(index, block) + stop
    signed = _delta(index, {"type": "signature_delta", "signature": block["signature"]})
    return _start(index, _EMPTY["reasoning"]) + signed + stop


def _arguments(text: str) -> object:
    """The input of a call; one that the output limit cut is what was there, as text."""
    try:
        return msgspec.json.decode(text or "{}")
    except msgspec.DecodeError:
        return {"INVALID_JSON": text}
