"""`boto3` and Bedrock's Converse."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

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


class ConverseSpeaker(Speaker):
    name = "converse"
    stream_error = EventStreamError

    def __init__(self, url: str, key: str) -> None:
        self.client: Any = boto3.session.Session().client(
            "bedrock-runtime",
            region_name="us-east-1",
            endpoint_url=f"{url}/bedrock",
            # The gateway finds its key in the access key id; what signs it, the gateway can not know.
            aws_access_key_id=key,
            aws_secret_access_key="any",
            config=Config(retries={"total_max_attempts": 1}, read_timeout=TIMEOUT_S),
        )
        self.errors = {
            "key": self.client.exceptions.AccessDeniedException,
            "model": self.client.exceptions.ResourceNotFoundException,
            "rate": self.client.exceptions.ThrottlingException,
            "down": ClientError,
            "busy": ClientError,
            "request": self.client.exceptions.ValidationException,
            "budget": ClientError,
        }
        self._extra: Mapping[str, str] = {}
        self.client.meta.events.register("before-sign.bedrock-runtime.*", self._add_headers)

    def _add_headers(self, request: Any, **_: object) -> None:
        for name, value in self._extra.items():
            request.headers[name] = value

    def __enter__(self) -> Speaker:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def talk(self, model: str, wishes: Wishes = NOTHING, *, streams: bool = False) -> Talk:
        self._extra = wishes.headers
        return ConverseTalk(self, model, wishes, streams)

    def told(self, error: Exception) -> Told:
        assert isinstance(error, ClientError)
        said: Any = error.response
        meta = said.get("ResponseMetadata", {})
        return Told(
            meta.get("HTTPStatusCode", 200),
            said["Error"].get("Message", ""),
            said["Error"].get("Code", ""),
            meta.get("HTTPHeaders", {}),
        )


class ConverseTalk(Talk):
    """There is no accumulator in boto3: a stream's events are put together here, as its guide shows."""

    def __init__(self, speaker: ConverseSpeaker, model: str, wishes: Wishes, streams: bool) -> None:
        super().__init__(model, wishes, streams)
        self._client = speaker.client
        self._messages: list[Any] = []

    def say(self, text: str, *, png: bytes | None = None) -> Said:
        content: list[Any] = [{"text": text}]
        if png is not None:
            content.append({"image": {"format": "png", "source": {"bytes": png}}})
        self._messages.append({"role": "user", "content": content})
        return self._ask()

    def answer(self, results: Sequence[tuple[Call, str]]) -> Said:
        blocks = [
            {"toolResult": {"toolUseId": call.id, "content": [{"text": result}]}} for call, result in results
        ]
        self._messages.append({"role": "user", "content": blocks})
        return self._ask()

    def _ask(self) -> Said:
        given = {"modelId": self.model, "messages": self._messages, **_given(self.wishes)}
        pieces = 0
        if self.streams:
            answer = self._client.converse_stream(**given)
            with closing(answer["stream"]) as events:
                content, finish, usage, pieces = _gathered(events)
        else:
            answer = self._client.converse(**given)
            content, finish = answer["output"]["message"]["content"], answer["stopReason"]
            usage = answer["usage"]
        self._messages.append({"role": "assistant", "content": content})
        text = "".join(block.get("text", "") for block in content)
        cached, written = usage.get("cacheReadInputTokens", 0), usage.get("cacheWriteInputTokens", 0)
        thoughts = [
            block["reasoningContent"]["reasoningText"]["text"]
            for block in content
            if "reasoningText" in block.get("reasoningContent", {})
        ]
        calls = [block["toolUse"] for block in content if "toolUse" in block]
        return Said(
            text=text,
            finish=finish,
            counted=Counted(usage["inputTokens"] + cached + written, usage["outputTokens"], cached),
            headers=answer["ResponseMetadata"]["HTTPHeaders"],
            calls=[Call(call["toolUseId"], call["name"], call["input"]) for call in calls],
            thinking="".join(thoughts),
            parsed=self.wishes.schema.model_validate_json(text) if self.wishes.schema is not None else None,
            pieces=pieces,
        )


def _gathered(events: Iterable[Any]) -> tuple[list[Any], str, Any, int]:
    """Content, reason for the end, usage and pieces of text of a stream."""
    blocks: dict[int, Any] = {}
    finish, usage, pieces = "", {}, 0
    for event in events:
        if "contentBlockStart" in event:
            started = event["contentBlockStart"]
            if "toolUse" in started["start"]:
                blocks[started["contentBlockIndex"]] = {
                    "toolUse": {**started["start"]["toolUse"], "input": ""}
                }
        elif "contentBlockDelta" in event:
            delta = event["contentBlockDelta"]["delta"]
            pieces += "text" in delta
            _add(blocks, event["contentBlockDelta"]["contentBlockIndex"], delta)
        elif "messageStop" in event:
            finish = event["messageStop"]["stopReason"]
        elif "metadata" in event:
            usage = event["metadata"]["usage"]
    for block in blocks.values():
        if "toolUse" in block:
            block["toolUse"]["input"] = json.loads(block["toolUse"]["input"] or "{}")
    return [blocks[index] for index in sorted(blocks)], finish, usage, pieces


def _add(blocks: dict[int, Any], index: int, delta: Any) -> None:
    if "text" in delta:
        block = blocks.setdefault(index, {"text": ""})
        block["text"] += delta["text"]
    elif "toolUse" in delta:
        blocks[index]["toolUse"]["input"] += delta["toolUse"]["input"]
    elif "reasoningContent" in delta:
        reasoning = blocks.setdefault(index, {"reasoningContent": {}})["reasoningContent"]
        said = delta["reasoningContent"]
        if "redactedContent" in said:
            reasoning["redactedContent"] = reasoning.get("redactedContent", b"") + said["redactedContent"]
        else:
            told = reasoning.setdefault("reasoningText", {"text": ""})
            told["text"] += said.get("text", "")
            if "signature" in said:
                told["signature"] = told.get("signature", "") + said["signature"]


def _given(wishes: Wishes) -> dict[str, Any]:
    given: dict[str, Any] = dict(wishes.more)
    inference: dict[str, Any] = {}
    if wishes.system:
        given["system"] = [{"text": wishes.system}]
    if wishes.tools:
        tools = [
            {"toolSpec": {"name": name, "description": f"the {name}", "inputSchema": {"json": SCHEMA}}}
            for name in wishes.tools
        ]
        given["toolConfig"] = {"tools": tools}
        if wishes.choice:
            one = {"tool": {"name": wishes.choice}}
            given["toolConfig"]["toolChoice"] = {"any": {}} if wishes.choice == "any" else one
    if wishes.limit is not None or wishes.thinks:
        inference["maxTokens"] = wishes.limit or LIMIT
    if wishes.stop:
        inference["stopSequences"] = [wishes.stop]
    if wishes.temperature is not None:
        inference["temperature"] = wishes.temperature
    if inference:
        given["inferenceConfig"] = inference
    if wishes.schema is not None:
        schema = json.dumps(wishes.schema.model_json_schema())
        form = {"type": "json_schema", "structure": {"jsonSchema": {"schema": schema, "name": "place"}}}
        given["outputConfig"] = {"textFormat": form}
    if wishes.thinks:
        thinking = {"type": "enabled", "budget_tokens": 1024}
        given["additionalModelRequestFields"] = {"thinking": thinking}
    return given
