"""The `anthropic` SDK and its Messages."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import anthropic
from anthropic import Anthropic, DefaultHttpxClient

from sdk.speakers.talk import (
    LIMIT,
    NOTHING,
    SCHEMA,
    TIMEOUT_S,
    Call,
    Counted,
    Said,
    Speaker,
    Talk,
    Told,
    Wishes,
)


class MessagesSpeaker(Speaker):
    name = "messages"
    errors = {  # noqa: RUF012
        "key": anthropic.AuthenticationError,
        "model": anthropic.NotFoundError,
        "rate": anthropic.RateLimitError,
        "down": anthropic.InternalServerError,
        "busy": anthropic.InternalServerError,
        "request": anthropic.BadRequestError,
        "budget": anthropic.APIStatusError,
    }
    stream_error = anthropic.APIError

    def __init__(self, url: str, key: str) -> None:
        self.headers: list[Any] = []
        hooks = {"response": [lambda response: self.headers.append(response.headers)]}
        http = DefaultHttpxClient(event_hooks=hooks)
        self.client = Anthropic(base_url=url, api_key=key, max_retries=0, timeout=TIMEOUT_S, http_client=http)

    def __enter__(self) -> Speaker:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def talk(self, model: str, wishes: Wishes = NOTHING, *, streams: bool = False) -> Talk:
        return MessagesTalk(self, model, wishes, streams)

    def told(self, error: Exception) -> Told:
        assert isinstance(error, anthropic.APIStatusError)
        body: Any = error.body
        inner = body.get("error", {}) if isinstance(body, dict) else {}
        return Told(
            error.status_code, inner.get("message", ""), inner.get("type", ""), error.response.headers
        )


class MessagesTalk(Talk):
    def __init__(self, speaker: MessagesSpeaker, model: str, wishes: Wishes, streams: bool) -> None:
        super().__init__(model, wishes, streams)
        self._speaker = speaker
        self._messages: list[Any] = []

    def say(self, text: str, *, png: bytes | None = None) -> Said:
        content: Any = text
        if png is not None:
            source = {"type": "base64", "media_type": "image/png", "data": b64encode(png).decode()}
            content = [{"type": "text", "text": text}, {"type": "image", "source": source}]
        self._messages.append({"role": "user", "content": content})
        return self._ask()

    def answer(self, results: Sequence[tuple[Call, str]]) -> Said:
        blocks = [
            {"type": "tool_result", "tool_use_id": call.id, "content": result} for call, result in results
        ]
        self._messages.append({"role": "user", "content": blocks})
        return self._ask()

    def _ask(self) -> Said:
        messages = self._speaker.client.messages
        given = {"model": self.model, "messages": self._messages, **_given(self.wishes)}
        pieces = 0
        if self.streams:
            with messages.stream(**given) as stream:
                pieces = sum(1 for _ in stream.text_stream)
                message: Any = stream.get_final_message()
        elif self.wishes.schema is not None:
            message = messages.parse(**given)
        else:
            message = messages.create(**given)
        # As the SDK's guide has it: the blocks of the answer themselves are part of the next request.
        self._messages.append({"role": "assistant", "content": message.content})
        usage = message.usage
        cached = usage.cache_read_input_tokens or 0
        details = usage.output_tokens_details
        return Said(
            text="".join(block.text for block in message.content if block.type == "text"),
            finish=message.stop_reason or "",
            counted=Counted(
                usage.input_tokens + cached + (usage.cache_creation_input_tokens or 0),
                usage.output_tokens,
                cached,
                None if details is None else details.thinking_tokens,
            ),
            headers=self._speaker.headers[-1],
            calls=[
                Call(block.id, block.name, block.input)
                for block in message.content
                if block.type == "tool_use"
            ],
            thinking="".join(block.thinking for block in message.content if block.type == "thinking"),
            parsed=getattr(message, "parsed_output", None),
            pieces=pieces,
        )


def _given(wishes: Wishes) -> dict[str, Any]:
    given: dict[str, Any] = {"max_tokens": wishes.limit or LIMIT, **wishes.more}
    if wishes.system:
        given["system"] = wishes.system
    if wishes.tools:
        given["tools"] = [
            {"name": name, "description": f"the {name}", "input_schema": SCHEMA} for name in wishes.tools
        ]
    if wishes.choice:
        one = {"type": "tool", "name": wishes.choice}
        given["tool_choice"] = {"type": wishes.choice} if wishes.choice in ("none", "any") else one
    if wishes.stop:
        given["stop_sequences"] = [wishes.stop]
    if wishes.temperature is not None:
        given["extra_body"] = {"temperature": wishes.temperature}  # no longer an argument of this SDK
    if wishes.schema is not None:
        given["output_format"] = wishes.schema
    if wishes.thinks:
        given["thinking"] = {"type": "enabled", "budget_tokens": 1024}
    if wishes.headers:
        given["extra_headers"] = dict(wishes.headers)
    return given
