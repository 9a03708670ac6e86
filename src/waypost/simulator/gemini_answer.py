"""An answer in Gemini's form, whole and as a stream.

Shapes: https://ai.google.dev/api/generate-content, /api/embeddings and the types of google-genai 3.6.1 (2026-11-25).
Each token of text is one chunk; a function call is one chunk when its last token is due. Every chunk has the usage so
far, and the last one of a candidate its `finishReason`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from waypost.simulator.answers import Answer, Choice, Token, vector
from waypost.simulator.ask import Ask
from waypost.simulator.dialect import LIES, Json, Stamp, UsageForm
from waypost.simulator.gemini_ask import THOUGHT
from waypost.simulator.models import Behaviour
from waypost.simulator.seals import Seals
from waypost.simulator.stream import Block, beats, blocks, sse
from waypost.simulator.wire import Made, Piece

_encode = msgspec.json.encode
_REASONS = {"stop": "STOP", "length": "MAX_TOKENS", "tool_calls": "STOP", "stop_sequence": "STOP"}
RATINGS = [{"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "HIGH", "blocked": True}]


class Spoken:
    """One answer, in either form."""

    def __init__(
        self, ask: Ask, answer: Answer, behaviour: Behaviour, stamp: Stamp, form: UsageForm, seals: Seals
    ) -> None:
        self._ask, self._answer, self._behaviour, self._stamp = ask, answer, behaviour, stamp
        self._form, self._seals = form, seals

    def whole(self) -> Piece:
        answer = self._answer
        candidates = [
            self._candidate(place, self._parts(choice), choice) for place, choice in enumerate(answer.choices)
        ]
        told = 1 if self._form == "falling" else answer.output
        body = self._chunk(candidates, told, min(answer.reasoning, told))
        return Piece("whole", _encode(body), answer.last_s, Made(answer.output, answer.reasoning))

    def _chunk(self, candidates: list[Json], output: int, reasoning: int) -> Json:
        chunk: Json = {"candidates": candidates}
        if self._form != "missing":
            chunk["usageMetadata"] = usage(self._answer, self._form, output, reasoning)
        return {
            **chunk,
            "modelVersion": self._ask.model,
            "responseId": self._stamp.answer_id,
            "xSim": self._stamp.x_sim,
        }

    def _candidate(self, place: int, parts: list[Json], ended: Choice | None = None) -> Json:
        candidate: Json = {"content": {"parts": parts, "role": "model"}, "index": place}
        if ended is not None:
            refused = ended.finish == "stop" and ended.count("refusal") > 0
            candidate["finishReason"] = "SAFETY" if refused else _REASONS.get(ended.finish, ended.finish)
            if refused:
                candidate["safetyRatings"] = RATINGS
        return candidate

    def _parts(self, choice: Choice) -> list[Json]:
        """All parts; what was thought is signed on the first call, or on the last part when there is none."""
        made = [self._part(block, choice) for block in blocks(choice)] or [{"text": ""}]
        if _thought(choice):
            calls = [part for part in made if "functionCall" in part]
            (calls[0] if calls else made[-1])["thoughtSignature"] = self._signature(choice)
        return made

    def _part(self, block: Block, choice: Choice) -> Json:
        if block.form == "call":
            call: Json = {"name": block.text, "args": _arguments(block.arguments)}
            if self._behaviour.ids:
                call["id"] = choice.call_ids[block.at]
            return {"functionCall": call}
        return {"text": block.text, "thought": True} if block.form == "reasoning" else {"text": block.text}

    def _signature(self, choice: Choice) -> str:
        return self._seals.wrap(THOUGHT, f"{choice.seed:x}")

    # --- as a stream -------------------------------------------------------------------------------------------

    def pieces(self) -> Iterator[Piece]:
        """The chunks: as events, or as the elements of one array."""
        opened = False
        array = self._ask.echo.get("sse") is not True
        last = len(self._answer.choices)
        thought = 0
        held: dict[int, list[Token]] = {}
        counted: dict[int, Made] = {}
        for beat in beats(self._answer):
            place, choice = beat.place, self._answer.choices[beat.place]
            thought += beat.made.reasoning
            made = _sum(counted.pop(place, Made()), beat.made)
            if beat.token is not None and _continues(choice, beat.at):
                held.setdefault(place, []).append(beat.token)
                counted[place] = made
                continue
            if beat.token is None:
                last -= 1
                candidate = self._candidate(place, [self._last_part(choice)], choice)
            else:
                tokens = [*held.pop(place, []), beat.token]
                candidate = self._candidate(place, [self._streamed(tokens, choice, beat.at)])
            told = self._answer.output - beat.total + 1 if self._form == "falling" else beat.total
            if beat.token is None and self._form == "falling":
                told = 1
            chunk = self._chunk([candidate], told, min(thought, told))
            data = _framed(chunk, array, opened)
            opened = True
            if beat.token is not None:
                yield Piece("token", data, beat.due_s, made)
                continue
            data *= 2 if self._form == "twice" and not last else 1
            yield Piece(
                "finish" if last else "done", data + (b"]" if array and not last else b""), beat.due_s, made
            )

    def _streamed(self, tokens: list[Token], choice: Choice, at: int) -> Json:
        (block,) = blocks(Choice(tokens))
        part = self._part(block, choice)
        first_call = block.form == "call" and not any(
            token.form == "call" for token in choice.tokens[: at + 1 - len(tokens)]
        )
        if first_call and _thought(choice):
            part["thoughtSignature"] = self._signature(choice)
        return part

    def _last_part(self, choice: Choice) -> Json:
        signed = _thought(choice) and not choice.call_ids
        return {"text": "", "thoughtSignature": self._signature(choice)} if signed else {"text": ""}


def _thought(choice: Choice) -> bool:
    return choice.hidden > 0 or choice.count("reasoning") > 0


def _continues(choice: Choice, at: int) -> bool:
    """Whether the token after this one belongs to the same call."""
    token = choice.tokens[at]
    following = choice.tokens[at + 1] if at + 1 < len(choice.tokens) else None
    return token.form in ("call", "arguments") and following is not None and following.form == "arguments"


def _sum(one: Made, other: Made) -> Made:
    return Made(one.output + other.output, one.reasoning + other.reasoning)


def _framed(chunk: Json, array: bool, opened: bool) -> bytes:
    if not array:
        return sse(chunk)
    return (b",\r\n" if opened else b"[") + _encode(chunk)


def _arguments(text: str) -> object:
    """Arguments that the output limit cut are no object; what was there is told as text."""
    try:
        return msgspec.json.decode(text or "{}")
    except msgspec.DecodeError:
        return {"INVALID_JSON": text}


def usage(answer: Answer, form: UsageForm, output: int, reasoning: int) -> Json | None:
    """`usageMetadata` when so much was made; `output` includes the reasoning, Google's candidates do not."""
    if form == "null":
        return None
    if form in LIES:
        lie = LIES[form]
        return {"promptTokenCount": lie, "candidatesTokenCount": lie, "totalTokenCount": 2 * lie}
    modalities: Mapping[str, int] = {"TEXT": answer.prompt - answer.audio_input, "AUDIO": answer.audio_input}
    made: Json = {
        "promptTokenCount": answer.prompt,
        "candidatesTokenCount": output - reasoning,
        "totalTokenCount": answer.prompt + output,
        "promptTokensDetails": [
            {"modality": name, "tokenCount": count} for name, count in modalities.items() if count
        ],
    }
    if reasoning:
        made["thoughtsTokenCount"] = reasoning
    if answer.cached:
        made["cachedContentTokenCount"] = answer.cached
        made["cacheTokensDetails"] = [{"modality": "TEXT", "tokenCount": answer.cached}]
    return made


def embedded(ask: Ask, answer: Answer, behaviour: Behaviour, stamp: Stamp, form: UsageForm) -> Piece:
    """The vectors of all inputs."""
    made = [
        {"values": vector(data, ask.dimensions or behaviour.dimensions, stamp.seed)} for data in ask.inputs
    ]
    body: Json = {"embeddings": made} if ask.echo.get("batch") else {"embedding": made[0]}
    if form != "missing":
        count: Json = {"promptTokenCount": LIES.get(form, answer.prompt)}
        body["usageMetadata"] = None if form == "null" else count
    return Piece("whole", _encode(body), answer.first_s, Made())
