"""The `google-genai` SDK and its content generation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from google import genai
from google.genai import errors as failures
from google.genai import types

from sdk.speakers.talk import NOTHING, SCHEMA, TIMEOUT_S, Call, Counted, Said, Speaker, Talk, Told, Wishes


class GeminiSpeaker(Speaker):
    name = "gemini"
    errors = {  # noqa: RUF012
        "key": failures.ClientError,
        "model": failures.ClientError,
        "rate": failures.ClientError,
        "down": failures.ServerError,
        "busy": failures.ServerError,
        "request": failures.ClientError,
        "budget": failures.ClientError,
    }
    stream_error = failures.APIError

    def __init__(self, url: str, key: str) -> None:
        options = types.HttpOptions(
            base_url=url,
            timeout=int(TIMEOUT_S * 1000),
            retry_options=types.HttpRetryOptions(attempts=1),
        )
        self.client = genai.Client(api_key=key, http_options=options)

    def __enter__(self) -> Speaker:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def talk(self, model: str, wishes: Wishes = NOTHING, *, streams: bool = False) -> Talk:
        return GeminiTalk(self, model, wishes, streams)

    def told(self, error: Exception) -> Told:
        assert isinstance(error, failures.APIError)
        headers: Any = {} if error.response is None else error.response.headers
        return Told(error.code, error.message or "", error.status or "", headers)


class GeminiTalk(Talk):
    """The SDK's `Chat` keeps the history, with the signatures in it, also of streams."""

    def __init__(self, speaker: GeminiSpeaker, model: str, wishes: Wishes, streams: bool) -> None:
        super().__init__(model, wishes, streams)
        self._chats = speaker.client.chats
        self._history: list[Any] = []

    def say(self, text: str, *, png: bytes | None = None) -> Said:
        if png is None:
            return self._ask(text)
        return self._ask([text, types.Part.from_bytes(data=png, mime_type="image/png")])

    def answer(self, results: Sequence[tuple[Call, str]]) -> Said:
        parts = []
        for call, result in results:
            part = types.Part.from_function_response(name=call.name, response={"output": result})
            assert part.function_response is not None
            part.function_response.id = call.id or None
            parts.append(part)
        return self._ask(parts)

    def _ask(self, message: Any) -> Said:
        chat = self._chats.create(model=self.model, config=_config(self.wishes), history=self._history)
        said = _said(
            list(chat.send_message_stream(message)) if self.streams else [chat.send_message(message)]
        )
        # Only what the SDK takes for a whole answer is in it.
        self._history = chat.get_history(curated=True)
        return said


def _said(chunks: list[types.GenerateContentResponse]) -> Said:
    # `automatic_function_calling_history` aside, a chunk is a whole answer's type with a part of it.
    candidates = [chunk.candidates[0] for chunk in chunks if chunk.candidates]
    parts = [
        part
        for candidate in candidates
        if candidate.content is not None
        for part in candidate.content.parts or ()
    ]
    texts = [part.text for part in parts if part.text and not part.thought]
    finishes = [candidate.finish_reason for candidate in candidates if candidate.finish_reason is not None]
    usage = chunks[-1].usage_metadata
    assert usage is not None
    http = chunks[0].sdk_http_response
    headers: Mapping[str, str] = {} if http is None or http.headers is None else http.headers
    return Said(
        text="".join(texts),
        finish=finishes[-1].value if finishes else "",
        counted=Counted(
            usage.prompt_token_count or 0,
            (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0),
            usage.cached_content_token_count or 0,
            usage.thoughts_token_count or 0,
        ),
        headers={name.lower(): value for name, value in headers.items()},
        calls=[
            Call(part.function_call.id or "", part.function_call.name or "", part.function_call.args or {})
            for part in parts
            if part.function_call is not None
        ],
        thinking="".join(part.text for part in parts if part.text and part.thought),
        parsed=chunks[0].parsed if len(chunks) == 1 else None,
        pieces=len(texts),
    )


def _config(wishes: Wishes) -> types.GenerateContentConfig:
    given: dict[str, Any] = dict(wishes.more)
    if wishes.system:
        given["system_instruction"] = wishes.system
    if wishes.tools:
        declared = [
            types.FunctionDeclaration(
                name=name, description=f"the {name}", parameters=types.Schema.model_validate(SCHEMA)
            )
            for name in wishes.tools
        ]
        given["tools"] = [types.Tool(function_declarations=declared)]
    if wishes.choice:
        mode = {"none": "NONE", "any": "ANY"}.get(wishes.choice, "ANY")
        names = None if wishes.choice in ("none", "any") else [wishes.choice]
        calling = types.FunctionCallingConfig(
            mode=types.FunctionCallingConfigMode(mode), allowed_function_names=names
        )
        given["tool_config"] = types.ToolConfig(function_calling_config=calling)
    if wishes.limit is not None:
        given["max_output_tokens"] = wishes.limit
    if wishes.stop:
        given["stop_sequences"] = [wishes.stop]
    if wishes.temperature is not None:
        given["temperature"] = wishes.temperature
    if wishes.schema is not None:
        given |= {"response_mime_type": "application/json", "response_schema": wishes.schema}
    if wishes.thinks:
        given["thinking_config"] = types.ThinkingConfig(include_thoughts=True, thinking_budget=1024)
    if wishes.headers:
        given["http_options"] = types.HttpOptions(headers=dict(wishes.headers))
    return types.GenerateContentConfig(**given)
