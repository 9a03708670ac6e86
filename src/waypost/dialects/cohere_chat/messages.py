"""The core's messages in Cohere's form: https://docs.cohere.com/reference/chat (2026-11-25)."""

from __future__ import annotations

from waypost.core.loss import Loss
from waypost.core.request import Media, Message, Part, Refusal, Text, Thinking, ToolCall, ToolResult
from waypost.dialects.cohere_chat.own import TOOL_PLAN, own_form
from waypost.dialects.taking import Json, put


class Writer:
    """Renders messages for one model: what can not be said goes to `loss`."""

    __slots__ = ("_loss", "_thinks")

    def __init__(self, loss: Loss, *, thinks: bool) -> None:
        """`thinks`: the model reasons, and so takes reasoning back as content."""
        self._loss = loss
        self._thinks = thinks

    def message(self, message: Message, number: int) -> Json | None:
        """One message; None when nothing of it can be said. Raises Unrepresentable, naming the part."""
        where = f"messages[{number}]"
        if message.role == "tool":
            return self._result(message, where)
        if message.role == "assistant":
            return self._assistant(message.parts, where)
        pictures = message.role == "user"
        content = self._content(message.parts, where, pictures=pictures)
        if not content:
            return None
        return {"role": "user" if pictures else "system", "content": _compact(content)}

    def _assistant(self, parts: tuple[Part, ...], where: str) -> Json | None:
        calls = [_call(part) for part in parts if isinstance(part, ToolCall)]
        plan: list[str] = []
        rest: list[Part] = []
        for part in parts:
            if isinstance(part, Thinking) and calls and self._is_plan(part):
                plan.append(part.text)
            elif not isinstance(part, ToolCall):
                rest.append(part)
        content = self._content(tuple(rest), where, pictures=False)
        out: Json = {"role": "assistant"}
        put(
            out,
            tool_plan="".join(plan) or None,
            content=_compact(content) if content else None,
            tool_calls=calls or None,
        )
        return out if len(out) > 1 else None

    def _is_plan(self, part: Thinking) -> bool:
        """Models that do not reason plan their calls, and take the plan back in a field of its own."""
        return not part.redacted and (own_form(part.extras) == TOOL_PLAN or not self._thinks)

    def _result(self, message: Message, where: str) -> Json | None:
        [result] = message.parts if len(message.parts) == 1 else [None]
        if not isinstance(result, ToolResult):
            self._loss.content(where, f"{where} has to hold one tool result. Split it.")
            return None
        if result.is_error:
            self._loss.setting(f"{where}.is_error")
        if result.cache is not None:
            self._loss.setting(f"{where}.cache")
        content = self._content(result.parts, where, pictures=False)
        return {"role": "tool", "tool_call_id": result.call_id, "content": _compact(content)}

    def _content(self, parts: tuple[Part, ...], where: str, *, pictures: bool) -> list[Json]:
        out: list[Json] = []
        for number, part in enumerate(parts):
            block = self._part(part, where, f"{where}.content[{number}]", pictures=pictures)
            if block is not None:
                out.append(block)
        return out

    def _part(self, part: Part, message: str, where: str, *, pictures: bool) -> Json | None:
        if isinstance(part, Text | Media) and part.cache is not None:
            self._loss.setting(f"{message}.cache")
        if isinstance(part, Text | Refusal):
            if isinstance(part, Refusal):
                self._loss.setting(f"{message}.refusal")
            elif part.citations:
                self._loss.setting(f"{message}.citations")
            return {"type": "text", "text": part.text} if part.text else None
        if isinstance(part, Thinking):
            if part.text and self._thinks and not part.redacted:
                return {"type": "thinking", "thinking": part.text}
            self._loss.setting(f"{message}.thinking")
            return None
        if isinstance(part, Media) and part.kind == "image" and pictures:
            return self._picture(part, where)
        self._loss.content(
            where,
            f"{where} is of a kind that Cohere takes no form of here: it reads text, and pictures in a user's message. "
            "Leave it out, or choose another model.",
        )
        return None

    def _picture(self, part: Media, where: str) -> Json | None:
        url = part.url if part.data is None else f"data:{part.mime or 'image/png'};base64,{part.data}"
        if url is None or not url.startswith(("data:", "https://", "http://")):
            self._loss.content(
                where, f"{where} is a picture by an id, which Cohere does not know. Send it inline."
            )
            return None
        if part.name is not None:
            self._loss.setting(f"{where}.name")
        return {"type": "image_url", "image_url": put({"url": url}, detail=part.detail)}


def _call(call: ToolCall) -> Json:
    function = {"name": call.name, "arguments": call.arguments or "{}"}
    return {"id": call.call_id, "type": "function", "function": function}


def _compact(content: list[Json]) -> object:
    """A text alone as a text: the form that every model and host takes."""
    if not content:
        return ""
    if len(content) == 1 and content[0]["type"] == "text":
        return content[0]["text"]
    return content
