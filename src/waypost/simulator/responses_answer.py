"""An answer in the form of OpenAI's Responses, whole and as a stream.

Shapes: https://platform.openai.com/docs/api-reference/responses/object, /responses-streaming and the types of
openai 3.57.0 (2026-11-25). Each token is one delta event; a call's name is the event that adds its item.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from waypost.simulator.answers import Answer, Choice, Token
from waypost.simulator.ask import Ask
from waypost.simulator.dialect import LIES, Json, Stamp, UsageForm
from waypost.simulator.dice import mix
from waypost.simulator.responses_ask import REASONING
from waypost.simulator.seals import Seals
from waypost.simulator.stream import Block, beats, blocks, group, sse
from waypost.simulator.wire import Made, Piece

#: `finish` → status, why it is incomplete, the error's code.
_ENDS = {
    "length": ("incomplete", "max_output_tokens", None),
    "content_filter": ("incomplete", "content_filter", None),
    "failed": ("failed", None, "server_error"),
}


class Spoken:
    """One answer, in either form. Its parts are an output of items, one per block."""

    def __init__(self, ask: Ask, answer: Answer, stamp: Stamp, form: UsageForm, seals: Seals) -> None:
        self._ask, self._answer, self._stamp = ask, answer, stamp
        self._form, self._seals = form, seals
        self._choice: Choice = answer.choices[0]
        self._number = 0
        custom = ask.echo.get("custom")
        self._custom = set(custom) if isinstance(custom, list) else set()

    # --- the response object -----------------------------------------------------------------------------------

    def response(self) -> Json:
        """The whole response when all is done."""
        made = self._state(self._end()[0], self.output())
        made["usage"] = self._usage(1 if self._form == "falling" else self._answer.output)
        if self._form == "missing":
            del made["usage"]
        return made

    def whole(self) -> Piece:
        answer = self._answer
        made = Made(answer.output, answer.reasoning)
        if self._ask.echo.get("background") is True:
            return Piece("whole", msgspec.json.encode(self._state("queued", [])), 0.0, made)
        return Piece("whole", msgspec.json.encode(self.response()), answer.last_s, made)

    def _end(self) -> tuple[str, str | None, str | None]:
        return _ENDS.get(self._choice.finish, ("completed", None, None))

    def _state(self, status: str, output: list[Json]) -> Json:
        told = self._ask.echo.get("told")
        ended = status not in ("queued", "in_progress")
        _, incomplete, failed = self._end() if ended else (status, None, None)
        error = {"code": failed, "message": "The server had an error while processing your request."}
        return {
            "id": self._stamp.answer_id,
            "object": "response",
            "created_at": self._stamp.created,
            "completed_at": self._stamp.created if status == "completed" else None,
            "status": status,
            "error": error if failed else None,
            "incomplete_details": {"reason": incomplete} if incomplete else None,
            "model": self._ask.model,
            "output": output,
            "service_tier": self._ask.tier,
            "usage": None,
            **(told if isinstance(told, dict) else {}),
            "x_sim": self._stamp.x_sim,
        }

    def _usage(self, output: int) -> Json | None:
        answer, exact = self._answer, self._form not in LIES
        if self._form == "null":
            return None
        lie = LIES.get(self._form, 0)
        return {
            "input_tokens": answer.prompt if exact else lie,
            "input_tokens_details": {
                "cached_tokens": answer.cached if exact else 0,
                "cache_write_tokens": answer.cache_write + answer.cache_write_1h if exact else 0,
            },
            "output_tokens": output if exact else lie,
            "output_tokens_details": {"reasoning_tokens": min(answer.reasoning, output) if exact else 0},
            "total_tokens": answer.prompt + output if exact else 2 * lie,
        }

    # --- items -------------------------------------------------------------------------------------------------

    def output(self) -> list[Json]:
        """All items, complete."""
        made = blocks(self._choice)
        if self._choice.hidden:
            made.insert(0, Block("reasoning", ""))
        last = len(made) - 1
        cut = self._end()[0] == "incomplete"
        return [
            self._item(block, place, "incomplete" if cut and place == last else "completed")
            for place, block in enumerate(made)
        ]

    def _item(self, block: Block, place: int, status: str) -> Json:
        name = f"{self._stamp.name}{place:02x}"
        if block.form == "reasoning":
            return self._reasoning(block.text, name)
        if block.form == "call":
            call: Json = {"call_id": self._choice.call_ids[block.at], "name": block.text, "status": status}
            if block.text in self._custom:
                return {"id": "ctc_" + name, "type": "custom_tool_call", **call, "input": block.arguments}
            return {"id": "fc_" + name, "type": "function_call", **call, "arguments": block.arguments}
        content = [self._content(block.text)] if status != "in_progress" else []
        message: Json = {"id": "msg_" + name, "type": "message", "role": "assistant", "status": status}
        return {**message, "content": content}

    def _reasoning(self, text: str, name: str) -> Json:
        item: Json = {"id": "rs_" + name, "type": "reasoning", "summary": []}
        if text and self._ask.echo.get("summary") is True:
            item["summary"] = [{"type": "summary_text", "text": text}]
        elif text:
            item["content"] = [{"type": "reasoning_text", "text": text}]
        if self._ask.echo.get("encrypt") is True:
            item["encrypted_content"] = self._seals.wrap(REASONING, f"{self._choice.seed:x}")
        return item

    def _content(self, text: str) -> Json:
        if self._choice.count("refusal"):
            return {"type": "refusal", "refusal": text}
        return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}

    # --- as a stream -------------------------------------------------------------------------------------------

    def _event(self, kind: str, **fields: object) -> bytes:
        event = sse({"type": kind, "sequence_number": self._number, **fields}, kind)
        self._number += 1
        return event

    def pieces(self) -> Iterator[Piece]:
        first = self._answer.first_s
        for kind in ("created", "in_progress"):
            state = self._state("in_progress", [])
            yield Piece("role", self._event(f"response.{kind}", response=state), first)
        output = self.output()
        place = -1
        if self._choice.hidden:
            place = 0
            item = output[0]
            yield Piece("role", self._added(place, {**item, "summary": []}) + self._done(place, item), first)
        opened: tuple[str, int] | None = None
        for beat in beats(self._answer):
            token = beat.token
            key = None if token is None else group(token)
            if opened is not None and key != opened:
                yield Piece("role", self._close(place, output[place]), beat.due_s)
            if token is None:
                yield Piece("done", self._last(), beat.due_s, beat.made)
                return
            if key != opened:
                opened, place = key, place + 1
                if token.form != "call":
                    yield Piece("role", self._open(place, output[place]), beat.due_s)
            event = self._delta(place, output[place], token)
            if self._form in ("growing", "falling"):
                told = beat.total if self._form == "growing" else self._answer.output - beat.total + 1
                state = {**self._state("in_progress", []), "usage": self._usage(told)}
                event += self._event("response.in_progress", response=state)
            yield Piece("token", event, beat.due_s, beat.made)

    def _last(self) -> bytes:
        made = self.response()
        kind = f"response.{made['status']}"
        return b"".join([self._event(kind, response=made) for _ in range(2 if self._form == "twice" else 1)])

    def _added(self, place: int, item: Json) -> bytes:
        return self._event("response.output_item.added", output_index=place, item=item)

    def _done(self, place: int, item: Json) -> bytes:
        return self._event("response.output_item.done", output_index=place, item=item)

    def _open(self, place: int, item: Json) -> bytes:
        at: Json = {"item_id": item["id"], "output_index": place}
        if item["type"] == "reasoning":
            if item["summary"]:
                empty: Json = {"type": "summary_text", "text": ""}
                return self._added(place, {**item, "summary": []}) + self._event(
                    "response.reasoning_summary_part.added", **at, summary_index=0, part=empty
                )
            part: Json = {"type": "reasoning_text", "text": ""}
            opened = self._added(place, {**item, "content": []})
        else:
            opened = self._added(place, {**item, "status": "in_progress", "content": []})
            part = self._content("")
        return opened + self._event("response.content_part.added", **at, content_index=0, part=part)

    def _delta(self, place: int, item: Json, token: Token) -> bytes:
        at: Json = {"item_id": item["id"], "output_index": place, "delta": token.text}
        if self._ask.obfuscate:
            at["obfuscation"] = f"{mix(self._number):x}"
        inside = {**at, "content_index": 0}
        match token.form:
            case "call":
                field = "input" if item["type"] == "custom_tool_call" else "arguments"
                return self._added(place, {**item, "status": "in_progress", field: ""})
            case "arguments":
                custom = item["type"] == "custom_tool_call"
                what = "custom_tool_call_input" if custom else "function_call_arguments"
                return self._event(f"response.{what}.delta", **at)
            case "reasoning":
                if item["summary"]:
                    return self._event("response.reasoning_summary_text.delta", **at, summary_index=0)
                return self._event("response.reasoning_text.delta", **inside)
            case "refusal":
                return self._event("response.refusal.delta", **inside)
            case _:
                return self._event("response.output_text.delta", **inside, logprobs=[])

    def _close(self, place: int, item: Json) -> bytes:
        at: Json = {"item_id": item["id"], "output_index": place}
        kind = item["type"]
        if kind == "function_call":
            told = self._event("response.function_call_arguments.done", **at, arguments=item["arguments"])
        elif kind == "custom_tool_call":
            told = self._event("response.custom_tool_call_input.done", **at, input=item["input"])
        else:
            told = self._close_text(at, item)
        return told + self._done(place, item)

    def _close_text(self, at: Json, item: Json) -> bytes:
        summary = item.get("summary")
        if isinstance(summary, list) and summary:
            part = summary[0]
            told = self._event(
                "response.reasoning_summary_text.done", **at, summary_index=0, text=part["text"]
            )
            return told + self._event(
                "response.reasoning_summary_part.done", **at, summary_index=0, part=part
            )
        content = item["content"]
        part = content[0] if isinstance(content, list) else {}
        kind = part["type"]
        name = "refusal" if kind == "refusal" else "text"
        more: Json = {"logprobs": []} if kind == "output_text" else {}
        told = self._event(f"response.{kind}.done", **at, content_index=0, **{name: part[name]}, **more)
        return told + self._event("response.content_part.done", **at, content_index=0, part=part)
