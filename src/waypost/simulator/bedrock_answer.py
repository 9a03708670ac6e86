"""An answer in the form of Bedrock's Converse, whole and as an event stream.

Shapes: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html and the service model
of botocore 1.44.8 (2026-11-25). Each token is one `contentBlockDelta`; a call's name is its `contentBlockStart`.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator

import msgspec

from waypost.simulator.answers import Answer, Choice, Token
from waypost.simulator.ask import Ask
from waypost.simulator.bedrock_ask import REDACTED, THINKING
from waypost.simulator.dialect import LIES, Json, Stamp, UsageForm
from waypost.simulator.dice import mix
from waypost.simulator.eventstream import event
from waypost.simulator.models import Behaviour
from waypost.simulator.seals import Seals
from waypost.simulator.stream import Block, beats, blocks, group
from waypost.simulator.wire import Made, Piece

_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}
_PADDING = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


class Spoken:
    """One answer, in either form."""

    def __init__(
        self, ask: Ask, answer: Answer, behaviour: Behaviour, stamp: Stamp, form: UsageForm, seals: Seals
    ) -> None:
        self._ask, self._answer, self._behaviour = ask, answer, behaviour
        self._stamp, self._form, self._seals = stamp, form, seals
        self._choice: Choice = answer.choices[0]
        self._number = 0

    def whole(self) -> Piece:
        answer = self._answer
        content = [*self._veiled(), *[self._block(block) for block in blocks(self._choice)]]
        body: Json = {
            "output": {"message": {"role": "assistant", "content": content}},
            "stopReason": self._reason(),
            "metrics": self._metrics(),
        }
        if self._form != "missing":
            body["usage"] = self._usage(1 if self._form == "falling" else answer.output)
        data = msgspec.json.encode(body)
        return Piece("whole", data, answer.last_s, Made(answer.output, answer.reasoning))

    def _reason(self) -> str:
        choice = self._choice
        if choice.finish == "stop" and choice.count("refusal"):
            return "content_filtered"
        return _REASONS.get(choice.finish, choice.finish)

    def _metrics(self) -> Json:
        return {"latencyMs": int(self._answer.last_s * 1000) + 1}

    def _block(self, block: Block) -> Json:
        if block.form == "reasoning":
            signature = self._seals.seal(THINKING, block.text)
            return {"reasoningContent": {"reasoningText": {"text": block.text, "signature": signature}}}
        if block.form == "call":
            return {"toolUse": {**self._call(block.at, block.text), "input": _arguments(block.arguments)}}
        return {"text": block.text}

    def _call(self, at: int, name: str) -> Json:
        return {"toolUseId": "tooluse_" + self._choice.call_ids[at].removeprefix("call_")[:22], "name": name}

    def _veiled(self) -> list[Json]:
        """Reasoning that the client may not read but has to bring back."""
        if not self._choice.hidden:
            return []
        if self._behaviour.redact:
            blob = b64encode(self._seals.wrap(REDACTED, f"{self._choice.seed:x}").encode()).decode()
            return [{"reasoningContent": {"redactedContent": blob}}]
        if self._ask.shown is False:
            signature = self._seals.seal(THINKING, "")
            return [{"reasoningContent": {"reasoningText": {"text": "", "signature": signature}}}]
        return []

    def _usage(self, output: int) -> Json | None:
        answer = self._answer
        if self._form == "null":
            return None
        if self._form in LIES:
            lie = LIES[self._form]
            return {"inputTokens": lie, "outputTokens": lie, "totalTokens": 2 * lie}
        written = answer.cache_write + answer.cache_write_1h
        details = [
            {"ttl": ttl, "inputTokens": count}
            for ttl, count in (("5m", answer.cache_write), ("1h", answer.cache_write_1h))
            if count
        ]
        return {
            "inputTokens": answer.prompt - answer.cached - written,
            "outputTokens": output,
            "totalTokens": answer.prompt + output,
            "cacheReadInputTokens": answer.cached,
            "cacheWriteInputTokens": written,
            **({"cacheDetails": details} if details else {}),
        }

    # --- as a stream -------------------------------------------------------------------------------------------

    def _event(self, kind: str, **fields: object) -> bytes:
        """One event. `p` is Amazon's padding, which hides how long a token is."""
        self._number += 1
        return event(kind, {**fields, "p": _PADDING[: 1 + mix(self._number) % len(_PADDING)]})

    def _delta(self, index: int, delta: Json) -> bytes:
        return self._event("contentBlockDelta", contentBlockIndex=index, delta=delta)

    def pieces(self) -> Iterator[Piece]:
        first = self._answer.first_s
        yield Piece("role", self._event("messageStart", role="assistant"), first)
        index = 0
        for block in self._veiled():
            yield Piece("role", self._veiled_events(index, block), first)
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
                stop = self._event("messageStop", stopReason=self._reason())
                yield Piece("done", stop, beat.due_s, beat.made)
                continue
            if key != opened:
                opened, text = key, []
            text.append(token.text)
            data = self._token(index, token)
            if self._form in ("growing", "falling"):
                told = beat.total if self._form == "growing" else self._answer.output - beat.total + 1
                data += self._metadata(told)
            yield Piece("token", data, beat.due_s, beat.made)
        yield from self._last_usage()

    def _last_usage(self) -> Iterator[Piece]:
        if self._form == "missing":
            return
        told = 1 if self._form == "falling" else self._answer.output
        for _ in range(2 if self._form == "twice" else 1):
            yield Piece("usage", self._metadata(told), self._answer.last_s)

    def _metadata(self, output: int) -> bytes:
        return self._event("metadata", usage=self._usage(output), metrics=self._metrics())

    def _token(self, index: int, token: Token) -> bytes:
        match token.form:
            case "call":
                start = {"toolUse": self._call(token.at, token.text)}
                return self._event("contentBlockStart", contentBlockIndex=index, start=start)
            case "arguments":
                return self._delta(index, {"toolUse": {"input": token.text}})
            case "reasoning":
                return self._delta(index, {"reasoningContent": {"text": token.text}})
            case _:
                return self._delta(index, {"text": token.text})

    def _close(self, index: int, opened: tuple[str, int], text: str) -> bytes:
        signed = b""
        if opened[0] == "reasoning":
            signed = self._delta(index, {"reasoningContent": {"signature": self._seals.seal(THINKING, text)}})
        return signed + self._event("contentBlockStop", contentBlockIndex=index)

    def _veiled_events(self, index: int, block: Json) -> bytes:
        reasoning = block["reasoningContent"]
        told = reasoning if isinstance(reasoning, dict) else {}
        delta = {"signature": told["reasoningText"]["signature"]} if "reasoningText" in told else told
        stop = self._event("contentBlockStop", contentBlockIndex=index)
        return self._delta(index, {"reasoningContent": delta}) + stop


def _arguments(text: str) -> object:
    """The input of a call; one that the output limit cut is what was there, as text."""
    try:
        return msgspec.json.decode(text or "{}")
    except msgspec.DecodeError:
        return {"INVALID_JSON": text}
