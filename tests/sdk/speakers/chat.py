"""The `openai` SDK and its chat completions."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import openai
from openai import DefaultHttpxClient, OpenAI

from sdk.speakers.talk import NOTHING, SCHEMA, TIMEOUT_S, Call, Counted, Said, Speaker, Talk, Told, Wishes

OPENAI_ERRORS: dict[str, type[Exception]] = {
    "key": openai.AuthenticationError,
    "model": openai.NotFoundError,
    "rate": openai.RateLimitError,
    "down": openai.InternalServerError,
    "busy": openai.InternalServerError,
    "request": openai.BadRequestError,
    "budget": openai.APIStatusError,
}


class OpenAISpeaker(Speaker):
    """What chat and Responses have in common: the client and its exceptions."""

    errors = OPENAI_ERRORS
    stream_error = openai.APIError

    def __init__(self, url: str, key: str) -> None:
        self.headers: list[Any] = []
        hooks = {"response": [lambda response: self.headers.append(response.headers)]}
        self.client = OpenAI(
            base_url=f"{url}/v1",
            api_key=key,
            max_retries=0,
            timeout=TIMEOUT_S,
            http_client=DefaultHttpxClient(event_hooks=hooks),
        )

    def __enter__(self) -> Speaker:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def told(self, error: Exception) -> Told:
        assert isinstance(error, openai.APIError)
        if isinstance(error, openai.APIStatusError):
            return Told(error.status_code, error.message, error.code or "", error.response.headers)
        return Told(200, error.message, error.code or "", self.headers[-1])


class ChatSpeaker(OpenAISpeaker):
    name = "chat"

    def talk(self, model: str, wishes: Wishes = NOTHING, *, streams: bool = False) -> Talk:
        return ChatTalk(self, model, wishes, streams)


class ChatTalk(Talk):
    def __init__(self, speaker: ChatSpeaker, model: str, wishes: Wishes, streams: bool) -> None:
        super().__init__(model, wishes, streams)
        self._speaker = speaker
        self._messages: list[Any] = []
        if wishes.system:
            self._messages.append({"role": "system", "content": wishes.system})

    def say(self, text: str, *, png: bytes | None = None) -> Said:
        content: Any = text
        if png is not None:
            url = "data:image/png;base64," + b64encode(png).decode()
            content = [{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": url}}]
        self._messages.append({"role": "user", "content": content})
        return self._ask()

    def answer(self, results: Sequence[tuple[Call, str]]) -> Said:
        for call, result in results:
            self._messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
        return self._ask()

    def _ask(self) -> Said:
        chats = self._speaker.client.chat.completions
        given = {"model": self.model, "messages": self._messages, **_given(self.wishes)}
        pieces = 0
        if self.streams:
            with chats.stream(**given, stream_options={"include_usage": True}) as stream:
                pieces = sum(event.type == "content.delta" for event in stream)
                completion: Any = stream.get_final_completion()
        elif self.wishes.schema is not None:
            completion = chats.parse(**given)
        else:
            completion = chats.create(**given)
        (choice,) = completion.choices
        message = choice.message
        # As the SDK's guide has it: the message object itself is part of the next request.
        self._messages.append(message)
        extra = message.model_extra or {}
        return Said(
            text=message.content or "",
            finish=choice.finish_reason,
            counted=_counted(completion.usage),
            headers=self._speaker.headers[-1],
            calls=[
                Call(call.id, call.function.name, json.loads(call.function.arguments))
                for call in message.tool_calls or ()
            ],
            thinking=extra.get("reasoning_content") or "",
            parsed=getattr(message, "parsed", None),
            pieces=pieces,
        )


def _given(wishes: Wishes) -> dict[str, Any]:
    given: dict[str, Any] = dict(wishes.more)
    if wishes.tools:
        given["tools"] = [
            {
                "type": "function",
                "function": {"name": name, "parameters": SCHEMA, "description": f"the {name}"},
            }
            for name in wishes.tools
        ]
    if wishes.choice:
        words: dict[str, Any] = {"none": "none", "any": "required"}
        one = {"type": "function", "function": {"name": wishes.choice}}
        given["tool_choice"] = words.get(wishes.choice, one)
    if wishes.limit is not None:
        given["max_completion_tokens"] = wishes.limit
    if wishes.stop:
        given["stop"] = [wishes.stop]
    if wishes.temperature is not None:
        given["temperature"] = wishes.temperature
    if wishes.schema is not None:
        given["response_format"] = wishes.schema
    if wishes.thinks:
        given["reasoning_effort"] = "medium"
    if wishes.headers:
        given["extra_headers"] = dict(wishes.headers)
    return given


def _counted(usage: Any) -> Counted:
    prompt, completion = usage.prompt_tokens_details, usage.completion_tokens_details
    return Counted(
        input=usage.prompt_tokens,
        output=usage.completion_tokens,
        cached=None if prompt is None else prompt.cached_tokens,
        reasoning=None if completion is None else completion.reasoning_tokens,
    )
