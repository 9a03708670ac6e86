"""Each client dialect over raw HTTP: how a chat is asked for, and how an answer, its end and its errors look.

Independent of the gateway's own codecs: what is written here is what a client of that dialect reads.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Protocol

import msgspec

from process.talk import Reply, head

_decode = msgspec.json.decode


class Tongue(Protocol):
    """One client dialect."""

    def request(self, model: str, stream: bool, key: str) -> bytes:
        """A whole HTTP request for a short chat."""
        ...

    def complete(self, reply: Reply) -> bool:
        """A whole answer, or a stream with the dialect's own end."""
        ...

    def told(self, reply: Reply) -> str:
        """What an error answer calls itself, in the dialect's word; "" if it is not in the dialect's envelope."""
        ...

    def cut(self, reply: Reply) -> str:
        """What the error at the end of a stream calls itself; "" if there is none."""
        ...


def _post(path: str, body: object, *more: str) -> bytes:
    data = msgspec.json.encode(body)
    return head(path, length=len(data), more=more) + data


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = _decode(data)
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _events(reply: Reply) -> list[dict[str, Any]]:
    """The data of every server-sent event that is a JSON object."""
    found = []
    for part in reply.body.replace(b"\r\n", b"\n").split(b"\n\n"):
        for line in part.split(b"\n"):
            if line.startswith(b"data:"):
                found.append(_object(line[5:].strip()))
    return [event for event in found if event]


class Chat:
    """OpenAI's chat completions."""

    def request(self, model: str, stream: bool, key: str) -> bytes:
        body: dict[str, object] = {"model": model, "messages": [{"role": "user", "content": "hello"}]}
        if stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        return _post("/v1/chat/completions", body, f"authorization: Bearer {key}")

    def complete(self, reply: Reply) -> bool:
        if not reply.streamed:
            return bool(_object(reply.body).get("choices"))
        return reply.body.endswith(b"data: [DONE]\n\n")

    def told(self, reply: Reply) -> str:
        return str(_object(reply.body).get("error", {}).get("code", ""))

    def cut(self, reply: Reply) -> str:
        events = _events(reply)
        return str(events[-1].get("error", {}).get("code", "")) if events else ""


class Messages:
    """Anthropic's Messages."""

    def request(self, model: str, stream: bool, key: str) -> bytes:
        body = {"model": model, "max_tokens": 64, "stream": stream}
        body["messages"] = [{"role": "user", "content": "hello"}]  # type: ignore[assignment]
        return _post("/v1/messages", body, f"x-api-key: {key}", "anthropic-version: 2023-06-01")

    def complete(self, reply: Reply) -> bool:
        if not reply.streamed:
            return _object(reply.body).get("type") == "message"
        return [event.get("type") for event in _events(reply)][-1:] == ["message_stop"]

    def told(self, reply: Reply) -> str:
        said = _object(reply.body)
        return str(said["error"].get("type", "")) if said.get("type") == "error" else ""

    def cut(self, reply: Reply) -> str:
        events = _events(reply)
        last = events[-1] if events else {}
        return str(last["error"].get("type", "")) if last.get("type") == "error" else ""


class Responses:
    """OpenAI's Responses."""

    def request(self, model: str, stream: bool, key: str) -> bytes:
        body = {"model": model, "input": "hello", "stream": stream, "store": False}
        return _post("/v1/responses", body, f"authorization: Bearer {key}")

    def complete(self, reply: Reply) -> bool:
        if not reply.streamed:
            return _object(reply.body).get("status") in ("completed", "incomplete")
        last = [event.get("type") for event in _events(reply)][-1:]
        return last in (["response.completed"], ["response.incomplete"])

    def told(self, reply: Reply) -> str:
        return str(_object(reply.body).get("error", {}).get("code", ""))

    def cut(self, reply: Reply) -> str:
        events = _events(reply)
        last = events[-1] if events else {}
        if last.get("type") == "error":
            return str(last.get("code") or last.get("error", {}).get("code", ""))
        if last.get("type") == "response.failed":
            return str(last["response"]["error"]["code"])
        return ""


class Gemini:
    """Gemini's generateContent, streamed as server-sent events."""

    def request(self, model: str, stream: bool, key: str) -> bytes:
        way = "streamGenerateContent?alt=sse" if stream else "generateContent"
        body = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}
        return _post(f"/v1beta/models/{model}:{way}", body, f"x-goog-api-key: {key}")

    def complete(self, reply: Reply) -> bool:
        said = _events(reply) if reply.streamed else [_object(reply.body)]
        # A prompt that was blocked has no candidates, and its reason in their place.
        ended = any(one.get("finishReason") for event in said for one in event.get("candidates", ()))
        blocked = any(event.get("promptFeedback", {}).get("blockReason") for event in said)
        return (ended or blocked) and not self.cut(reply)

    def told(self, reply: Reply) -> str:
        return str(_object(reply.body).get("error", {}).get("status", ""))

    def cut(self, reply: Reply) -> str:
        events = _events(reply)
        return str(events[-1].get("error", {}).get("status", "")) if events else ""


class Converse:
    """Bedrock's Converse; its streams are binary."""

    def request(self, model: str, stream: bool, key: str) -> bytes:
        way = "converse-stream" if stream else "converse"
        body = {"messages": [{"role": "user", "content": [{"text": "hello"}]}]}
        return _post(f"/bedrock/model/{model}/{way}", body, f"authorization: Bearer {key}")

    def complete(self, reply: Reply) -> bool:
        if "eventstream" not in reply.headers.get("content-type", ""):
            return "output" in _object(reply.body)
        kinds = [kind for kind, _ in frames(reply.body)]
        return "messageStop" in kinds and not any(kind.startswith("!") for kind in kinds)

    def told(self, reply: Reply) -> str:
        # In this order as in botocore's parser for rest-json; without the header the body's `code` counts.
        said = reply.headers.get("x-amzn-errortype") or str(_object(reply.body).get("code", ""))
        return said.partition(":")[0].rpartition("#")[2]

    def cut(self, reply: Reply) -> str:
        kinds = [kind for kind, _ in frames(reply.body)]
        return kinds[-1].removeprefix("!") if kinds and kinds[-1].startswith("!") else ""


def frames(body: bytes) -> Iterator[tuple[str, bytes]]:
    """The frames of an AWS event stream: the event's type (`!` before an exception's) and its payload. Raises
    AssertionError for a check sum that is wrong."""
    at = 0
    while at + 16 <= len(body):
        total, headers = (int.from_bytes(body[at + i : at + i + 4], "big") for i in (0, 4))
        frame = body[at : at + total]
        assert zlib.crc32(frame[:-4]) == int.from_bytes(frame[-4:], "big"), (
            "a broken frame went to the client"
        )
        named = dict(_headers(frame[12 : 12 + headers]))
        kind = named.get(":event-type") or "!" + named.get(":exception-type", named.get(":error-code", ""))
        yield kind, frame[12 + headers : -4]
        at += total


def _headers(data: bytes) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(data):
        size = data[at]
        name = data[at + 1 : at + 1 + size].decode()
        at += 1 + size
        assert data[at] == 7, "a header that is no string"
        length = int.from_bytes(data[at + 1 : at + 3], "big")
        yield name, data[at + 3 : at + 3 + length].decode()
        at += 3 + length


TONGUES: Mapping[str, Tongue] = MappingProxyType(
    {
        "chat": Chat(),
        "messages": Messages(),
        "responses": Responses(),
        "gemini": Gemini(),
        "converse": Converse(),
    }
)
