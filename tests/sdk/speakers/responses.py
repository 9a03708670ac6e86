"""The `openai` SDK and its Responses."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from sdk.speakers.chat import OpenAISpeaker
from sdk.speakers.talk import NOTHING, SCHEMA, Call, Counted, Said, Talk, Wishes


class ResponsesSpeaker(OpenAISpeaker):
    name = "responses"

    def talk(self, model: str, wishes: Wishes = NOTHING, *, streams: bool = False) -> Talk:
        return ResponsesTalk(self, model, wishes, streams)


class ResponsesTalk(Talk):
    """Stateless: every request has the whole conversation, and reasoning comes back encrypted."""

    def __init__(self, speaker: ResponsesSpeaker, model: str, wishes: Wishes, streams: bool) -> None:
        super().__init__(model, wishes, streams)
        self._speaker = speaker
        self._input: list[Any] = []

    def say(self, text: str, *, png: bytes | None = None) -> Said:
        content: Any = text
        if png is not None:
            url = "data:image/png;base64," + b64encode(png).decode()
            content = [
                {"type": "input_text", "text": text},
                {"type": "input_image", "image_url": url, "detail": "auto"},
            ]
        self._input.append({"role": "user", "content": content})
        return self._ask()

    def answer(self, results: Sequence[tuple[Call, str]]) -> Said:
        for call, result in results:
            self._input.append({"type": "function_call_output", "call_id": call.id, "output": result})
        return self._ask()

    def _ask(self) -> Said:
        responses = self._speaker.client.responses
        given = {"model": self.model, "input": self._input, **_given(self.wishes)}
        pieces = 0
        if self.streams:
            with responses.stream(**given) as stream:
                events = list(stream)
            pieces = sum(event.type == "response.output_text.delta" for event in events)
            # The SDK's `get_final_response` knows no ends but `completed`; every end has the whole response.
            response: Any = getattr(events[-1], "response", None)
        elif self.wishes.schema is not None:
            response = responses.parse(**given)
        else:
            response = responses.create(**given)
        self._input += [_again(item) for item in response.output]
        calls = [item for item in response.output if item.type == "function_call"]
        thoughts = [item for item in response.output if item.type == "reasoning"]
        incomplete = response.incomplete_details
        usage = response.usage
        return Said(
            text=response.output_text,
            finish=response.status if incomplete is None else incomplete.reason,
            counted=Counted(
                usage.input_tokens,
                usage.output_tokens,
                usage.input_tokens_details.cached_tokens,
                usage.output_tokens_details.reasoning_tokens,
            ),
            headers=self._speaker.headers[-1],
            calls=[Call(item.call_id, item.name, json.loads(item.arguments)) for item in calls],
            thinking="".join(
                part.text for item in thoughts for part in (*item.summary, *(item.content or ()))
            ),
            parsed=getattr(response, "output_parsed", None),
            pieces=pieces,
        )


def _again(item: Any) -> Any:
    """An item of the answer as one of the next request: without what the SDK's parser added to it."""
    again = item.to_dict()
    again.pop("parsed_arguments", None)
    for part in again.get("content") or ():
        part.pop("parsed", None)
    return again


def _given(wishes: Wishes) -> dict[str, Any]:
    given: dict[str, Any] = {"store": False, **wishes.more}
    if wishes.system:
        given["instructions"] = wishes.system
    if wishes.tools:
        given["tools"] = [
            {
                "type": "function",
                "name": name,
                "parameters": SCHEMA,
                "strict": False,
                "description": f"the {name}",
            }
            for name in wishes.tools
        ]
    if wishes.choice:
        words: dict[str, Any] = {"none": "none", "any": "required"}
        given["tool_choice"] = words.get(wishes.choice, {"type": "function", "name": wishes.choice})
    if wishes.limit is not None:
        given["max_output_tokens"] = wishes.limit
    if wishes.temperature is not None:
        given["temperature"] = wishes.temperature
    if wishes.schema is not None:
        given["text_format"] = wishes.schema
    if wishes.thinks:
        given["reasoning"] = {"effort": "medium", "summary": "auto"}
        given["include"] = ["reasoning.encrypted_content"]
    if wishes.headers:
        given["extra_headers"] = dict(wishes.headers)
    return given
