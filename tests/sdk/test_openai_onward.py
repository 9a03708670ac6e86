"""What the SDK sends is what the provider gets: every field, in order, with the model's name as the only change."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from openai import OpenAI

from gateway import GatewayProcess
from sdk.clients import Sdk, sync_client
from sdk.test_openai_differential import CHATS, COMPLETIONS, EMBEDDINGS

pytestmark = pytest.mark.process

CHUNK = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
STREAM = "".join(
    f"data: {event if isinstance(event, str) else json.dumps(event)}\n\n"
    for event in [
        {**CHUNK, "choices": [{"index": 0, "delta": {"content": "hi"}, "finish_reason": None}]},
        {**CHUNK, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        "[DONE]",
    ]
).encode()
WHOLE = b'{"id":"1","object":"x","created":1,"model":"m","choices":[],"data":[],"usage":{"prompt_tokens":1}}'


@dataclass
class Heard:
    """The requests that a provider got."""

    port: int = 0
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture(scope="module")
def heard() -> Iterator[Heard]:
    """A provider that only listens, on a free port."""
    made = Heard()

    class Listener(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            made.paths.append(self.path)
            made.headers.append({name.lower(): value for name, value in self.headers.items()})
            made.bodies.append(body)
            kind, answer = (
                ("text/event-stream", STREAM) if body.get("stream") else ("application/json", WHOLE)
            )
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the bodies are kept."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        server.daemon_threads = True
        made.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield made
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def through(heard: Heard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sdk[OpenAI]]:
    """A client of a gateway before the listener."""
    config = f"""
providers:
  - {{name: lab, dialect: openai_chat, base_url: "http://127.0.0.1:{heard.port}/v1", discover: false,
      api_key: env:LAB_TOKEN, quirks: {{json_schema: native}}}}
discovery: {{environment: false, local: false, local_model: "off"}}
"""
    environ = {"LAB_TOKEN": "lab-secret"}
    with (
        GatewayProcess(tmp_path_factory.mktemp("onward"), config, environ) as gateway,
        sync_client(f"{gateway.url}/v1", gateway.key) as sdk,
    ):
        yield sdk


def sent(through: Sdk[OpenAI]) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(through.requests[-1].content)
    return body


def onward(body: dict[str, Any]) -> list[tuple[str, Any]]:
    """The fields in order, as the provider is to get them."""
    return list({**body, "model": body["model"].removeprefix("lab/")}.items())


@pytest.mark.parametrize("case", CHATS)
def test_chats(heard: Heard, through: Sdk[OpenAI], case: str) -> None:
    through.client.chat.completions.create(**{**CHATS[case], "model": "lab/any"})
    assert heard.paths[-1] == "/v1/chat/completions"
    assert list(heard.bodies[-1].items()) == onward(sent(through))


@pytest.mark.parametrize("case", CHATS)
def test_streamed_chats(heard: Heard, through: Sdk[OpenAI], case: str) -> None:
    list(through.client.chat.completions.create(**{**CHATS[case], "model": "lab/any"}, stream=True))
    # The one addition: without the usage nobody knew what the stream costs.
    expected = {**sent(through), "stream_options": {"include_usage": True}}
    assert list(heard.bodies[-1].items()) == onward(expected)


@pytest.mark.parametrize("case", COMPLETIONS)
def test_completions(heard: Heard, through: Sdk[OpenAI], case: str) -> None:
    through.client.completions.create(**{**COMPLETIONS[case], "model": "lab/any"})
    assert heard.paths[-1] == "/v1/completions"
    assert list(heard.bodies[-1].items()) == onward(sent(through))


@pytest.mark.parametrize("case", EMBEDDINGS)
def test_embeddings(heard: Heard, through: Sdk[OpenAI], case: str) -> None:
    options = {"encoding_format": "float", **EMBEDDINGS[case]}
    through.client.embeddings.with_raw_response.create(**options, model="lab/any")
    assert heard.paths[-1] == "/v1/embeddings"
    assert list(heard.bodies[-1].items()) == onward(sent(through))


def test_the_provider_sees_its_own_key_and_nothing_of_the_client(heard: Heard, through: Sdk[OpenAI]) -> None:
    through.client.chat.completions.create(
        **{**CHATS["plain"], "model": "lab/any"},
        extra_headers={"OpenAI-Organization": "org-1", "Idempotency-Key": "once", "Cookie": "a=b"},
    )
    got = heard.headers[-1]
    assert got["authorization"] == "Bearer lab-secret"
    assert "idempotency-key" not in got, (
        "clients share the operator's account, and so its answers by this key"
    )
    assert got["host"] == f"127.0.0.1:{heard.port}"
    assert through.client.api_key not in str(got)
    assert not {name for name in got if name.startswith(("x-stainless", "openai-org", "cookie"))}
