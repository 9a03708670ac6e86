"""Answers in Cohere's form: chat, whole and as a stream; embeddings; ranks.

Shapes: https://docs.cohere.com/reference/chat-stream, /embed, /rerank and the types of cohere 7.3.1 (2026-11-25).
Each token is one delta event; a call's name is its `tool-call-start`; text before calls is the tool plan.
"""

from __future__ import annotations

from array import array
from base64 import b64encode
from collections.abc import Iterator, Mapping

import msgspec

from waypost.simulator.answers import Answer, Choice, Token, vector
from waypost.simulator.ask import Ask
from waypost.simulator.counting import PER_SEARCH
from waypost.simulator.dialect import LIES, Json, Stamp, UsageForm
from waypost.simulator.dice import mix
from waypost.simulator.models import Behaviour
from waypost.simulator.stream import beats, blocks, group, sse
from waypost.simulator.wire import Made, Piece

_encode = msgspec.json.encode
DONE = b"data: [DONE]\n\n"
#: Input tokens that Cohere's own prompt adds: in `tokens`, not in `billed_units`.
UNBILLED = 64
_REASONS = {
    "stop": "COMPLETE",
    "length": "MAX_TOKENS",
    "tool_calls": "TOOL_CALL",
    "stop_sequence": "STOP_SEQUENCE",
}


class Spoken:
    """One chat answer, in either form."""

    def __init__(self, ask: Ask, answer: Answer, stamp: Stamp, form: UsageForm) -> None:
        self._ask, self._answer, self._stamp, self._form = ask, answer, stamp, form
        self._choice: Choice = answer.choices[0]

    def whole(self) -> Piece:
        answer, choice = self._answer, self._choice
        message: Json = {"role": "assistant"}
        content: list[Json] = []
        calls: list[Json] = []
        for block in blocks(choice):
            if block.form == "call":
                calls.append(self._call(block.at, block.text, block.arguments))
            elif block.form == "reasoning":
                content.append({"type": "thinking", "thinking": block.text})
            elif choice.call_ids:
                message["tool_plan"] = block.text
            else:
                content.append({"type": "text", "text": block.text})
        if calls:
            message["tool_calls"] = calls
        if content or not calls:
            message["content"] = content
        body: Json = {"id": self._stamp.answer_id, "finish_reason": self._reason(), "message": message}
        if self._form != "missing":
            body["usage"] = self._usage(1 if self._form == "falling" else answer.output)
        return Piece("whole", _encode(body), answer.last_s, Made(answer.output, answer.reasoning))

    def _reason(self) -> str:
        return _REASONS.get(self._choice.finish, self._choice.finish)

    def _call(self, at: int, name: str, arguments: str) -> Json:
        function = {"name": name, "arguments": arguments}
        return {"id": self._choice.call_ids[at], "type": "function", "function": function}

    def _usage(self, output: int) -> Json | None:
        answer = self._answer
        if self._form == "null":
            return None
        if self._form in LIES:
            lie = LIES[self._form]
            told = {"input_tokens": lie, "output_tokens": lie}
            return {"billed_units": told, "tokens": told, "cached_tokens": 0}
        return {
            "billed_units": {"input_tokens": answer.prompt, "output_tokens": output},
            "tokens": {"input_tokens": answer.prompt + UNBILLED, "output_tokens": output},
            "cached_tokens": answer.cached,
        }

    # --- as a stream -------------------------------------------------------------------------------------------

    def pieces(self) -> Iterator[Piece]:
        empty: Json = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
        start = {"id": self._stamp.answer_id, "type": "message-start", "delta": {"message": empty}}
        yield Piece("role", sse(start, "message-start"), self._answer.first_s)
        opened: tuple[str, int] | None = None
        index = -1
        for beat in beats(self._answer):
            token = beat.token
            key = None if token is None else group(token)
            if opened is not None and key != opened:
                closing = self._close(opened, index)
                if closing:
                    yield Piece("role", closing, beat.due_s)
            if token is None:
                yield Piece("finish", self._end(), beat.due_s, beat.made)
                continue
            if key is not None and key != opened:
                opened = key
                if not self._plan(key[0]) and key[0] != "call":
                    index += 1
                    yield Piece("role", _content("content-start", index, _EMPTY[key[0]]), beat.due_s)
            told = self._answer.output - beat.total + 1 if self._form == "falling" else beat.total
            yield Piece("token", self._delta(token, index, told), beat.due_s, beat.made)
        yield Piece("done", DONE, self._answer.last_s)

    def _plan(self, form: str) -> bool:
        return form == "text" and bool(self._choice.call_ids)

    def _close(self, opened: tuple[str, int], index: int) -> bytes:
        if opened[0] == "call":
            return sse({"type": "tool-call-end", "index": opened[1]}, "tool-call-end")
        if self._plan(opened[0]):
            return b""
        return sse({"type": "content-end", "index": index}, "content-end")

    def _delta(self, token: Token, index: int, told: int) -> bytes:
        kind, place = "content-delta", index
        match token.form:
            case "call":
                kind, place = "tool-call-start", token.at
                message: Json = {"tool_calls": self._call(token.at, token.text, "")}
            case "arguments":
                kind, place = "tool-call-delta", token.at
                message = {"tool_calls": {"function": {"arguments": token.text}}}
            case "reasoning":
                message = {"content": {"thinking": token.text}}
            case _:
                message = {"content": {"text": token.text}}
        if self._plan(group(token)[0]):
            event: Json = {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": token.text}}}
        else:
            event = {"type": kind, "index": place, "delta": {"message": message}}
        if self._form in ("growing", "falling"):
            event["delta"] = {"message": message, "usage": self._usage(told)}
        return sse(event, str(event["type"]))

    def _end(self) -> bytes:
        delta: Json = {"finish_reason": self._reason()}
        if self._form != "missing":
            delta["usage"] = self._usage(1 if self._form == "falling" else self._answer.output)
        return sse({"type": "message-end", "delta": delta}, "message-end") * (
            2 if self._form == "twice" else 1
        )


_EMPTY: Mapping[str, Json] = {
    "text": {"type": "text", "text": ""},
    "reasoning": {"type": "thinking", "thinking": ""},
}


def _content(kind: str, index: int, content: Json) -> bytes:
    return sse({"type": kind, "index": index, "delta": {"message": {"content": content}}}, kind)


# --- embeddings and ranks -------------------------------------------------------------------------------------------


def _meta(version: int, billed: Json) -> Json:
    return {"api_version": {"version": str(version)}, "billed_units": billed}


def embedded(ask: Ask, answer: Answer, behaviour: Behaviour, stamp: Stamp, form: UsageForm) -> Piece:
    """All inputs as vectors, in every type that was asked for."""
    vectors = [vector(data, ask.dimensions or behaviour.dimensions, stamp.seed) for data in ask.inputs]
    types = ask.echo.get("types")
    named = types if isinstance(types, list) else []
    body: Json = {
        "id": stamp.answer_id,
        "response_type": "embeddings_by_type",
        "texts": ask.echo.get("texts"),
        "embeddings": {str(name): [_typed(str(name), numbers) for numbers in vectors] for name in named},
    }
    billed: Json = {"input_tokens": LIES.get(form, answer.prompt)}
    if form != "missing":
        body["meta"] = None if form == "null" else _meta(2, billed)
    return Piece("whole", _encode(body), answer.first_s, Made())


def _typed(name: str, numbers: list[float]) -> object:
    """A vector as one of Cohere's types; the binary ones have a bit for every number's sign."""
    match name:
        case "int8":
            return [round(number * 127) for number in numbers]
        case "uint8":
            return [round(number * 127) + 128 for number in numbers]
        case "binary" | "ubinary":
            bits = [number > 0 for number in numbers]
            packed = [
                sum(bit << (7 - i) for i, bit in enumerate(bits[at : at + 8]))
                for at in range(0, len(bits), 8)
            ]
            return [byte - 128 for byte in packed] if name == "binary" else packed
        case "base64":
            return b64encode(array("f", numbers).tobytes()).decode()
        case _:
            return numbers


def ranked(ask: Ask, answer: Answer, stamp: Stamp, form: UsageForm) -> Piece:
    """The documents by how many of the query's words they have; chance decides between equals."""
    documents = ask.echo.get("documents")
    texts = [str(text) for text in documents] if isinstance(documents, list) else []
    scores = sorted(
        ((_score(ask.last_text, text, stamp.seed), place) for place, text in enumerate(texts)), reverse=True
    )
    top = ask.echo.get("top_n")
    results: list[Json] = []
    for score, place in scores[: top if isinstance(top, int) else None]:
        result: Json = {"index": place, "relevance_score": score}
        if ask.echo.get("told") is True:
            result["document"] = {"text": texts[place]}
        results.append(result)
    version = ask.echo.get("version")
    units = -(-len(texts) // PER_SEARCH)
    body: Json = {"id": stamp.answer_id, "results": results}
    billed: Json = {"search_units": LIES.get(form, units)}
    if form != "missing":
        body["meta"] = None if form == "null" else _meta(version if isinstance(version, int) else 2, billed)
    return Piece("whole", _encode(body), answer.first_s, Made())


def _score(query: str, text: str, seed: int) -> float:
    asked, has = set(query.lower().split()), set(text.lower().split())
    shared = len(asked & has) / len(asked) if asked else 0.0
    chance = mix(seed ^ int.from_bytes(text.encode()[:8], "little") ^ len(text)) % 1000 / 10_000
    return round(0.9 * shared + chance, 6)
