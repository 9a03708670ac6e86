"""The official Python SDK's files and batches, worked off by the gateway over providers that have no such thing."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec
import pytest
from openai import BadRequestError, NotFoundError, OpenAI
from openai.types import Batch

from gateway import GatewayProcess
from sdk.clients import TIMEOUT_S

pytestmark = pytest.mark.process

_HELLO = [{"role": "user", "content": "hello there"}]
_BODIES: dict[str, dict[str, object]] = {
    "/v1/chat/completions": {"model": "sim-echo", "messages": _HELLO},
    "/v1/responses": {"model": "sim-echo", "input": "hello there", "store": False},
    "/v1/completions": {"model": "sim-echo", "prompt": "hello there"},
    "/v1/embeddings": {"model": "sim-embed", "input": "hello there"},
    "/v1/messages": {"model": "sim-echo", "max_tokens": 50, "messages": _HELLO},
}


def lines(url: str, bodies: list[dict[str, object]]) -> bytes:
    return b"\n".join(
        msgspec.json.encode({"custom_id": f"l{n}", "method": "POST", "url": url, "body": body})
        for n, body in enumerate(bodies)
    )


def begin(client: OpenAI, url: str, bodies: list[dict[str, object]]) -> Batch:
    file = client.files.create(file=("in.jsonl", lines(url, bodies)), purpose="batch")
    return client.batches.create(
        input_file_id=file.id,
        endpoint=url,  # type: ignore[arg-type]  # one of them is the gateway's own
        completion_window="24h",
        metadata={"job": "nightly"},
    )


def poll(client: OpenAI, batch: Batch, true: Callable[[Batch], bool]) -> Batch:
    end = time.monotonic() + 20
    while not true(batch := client.batches.retrieve(batch.id)):
        assert time.monotonic() < end, batch
        time.sleep(0.02)
    return batch


def over(batch: Batch) -> bool:
    return batch.status in ("completed", "failed", "cancelled", "expired")


@pytest.mark.parametrize("url", _BODIES)
def test_a_batch_from_upload_to_results(client: OpenAI, url: str) -> None:
    made = begin(client, url, [_BODIES[url]] * 3 + [_BODIES[url] | {"model": "no-such-model"}])
    assert (made.object, made.status, made.endpoint, made.metadata) == (
        "batch",
        "validating",
        url,
        {"job": "nightly"},
    )
    done = poll(client, made, over)
    assert done.status == "completed"
    assert done.request_counts is not None
    assert (done.request_counts.total, done.request_counts.completed, done.request_counts.failed) == (4, 3, 1)
    assert done.output_file_id is not None
    assert done.error_file_id is not None
    good = [msgspec.json.decode(line) for line in client.files.content(done.output_file_id).iter_lines()]
    assert {line["custom_id"] for line in good} == {"l0", "l1", "l2"}
    assert all(line["response"]["status_code"] == 200 and line["error"] is None for line in good)
    assert all(line["response"]["body"]["usage"]["cost"] > 0 for line in good), "priced like any request"
    (bad,) = [msgspec.json.decode(line) for line in client.files.content(done.error_file_id).iter_lines()]
    assert (bad["custom_id"], bad["response"]["status_code"]) == ("l3", 404)
    told = client.files.retrieve(done.output_file_id)
    assert (told.purpose, told.filename) == ("batch_output", f"{done.id}_output.jsonl")


def test_a_file_that_is_wrong_names_its_lines(client: OpenAI) -> None:
    done = poll(client, begin(client, "/v1/embeddings", [_BODIES["/v1/embeddings"], {}]), over)
    assert (done.status, done.output_file_id) == ("failed", None)
    assert done.errors is not None
    (fault,) = done.errors.data or ()
    assert (fault.line, fault.code, fault.param) == (2, "missing_model", "body.model")


def test_cancelling(client: OpenAI) -> None:
    slow = _BODIES["/v1/chat/completions"] | {"simulate": {"ttft_ms": 300}}
    made = begin(client, "/v1/chat/completions", [slow] * 100)
    poll(client, made, lambda batch: bool(batch.request_counts and batch.request_counts.completed))
    assert client.batches.cancel(made.id).status == "cancelling"
    done = poll(client, made, over)
    assert done.status == "cancelled"
    assert done.cancelled_at is not None
    assert done.output_file_id is not None
    assert done.error_file_id is not None
    good = client.files.content(done.output_file_id).text.splitlines()
    bad = client.files.content(done.error_file_id).text.splitlines()
    assert 0 < len(good) < 100
    assert len(good) + len(bad) == 100
    assert '"code":"batch_cancelled"' in bad[0]
    with pytest.raises(BadRequestError, match="can not be cancelled any more"):
        client.batches.cancel(made.id)


def test_lists_are_paged_and_a_key_sees_its_own(gateway: GatewayProcess) -> None:
    key = gateway.create_key("--name", "lister")
    with OpenAI(base_url=f"{gateway.url}/v1", api_key=key, timeout=TIMEOUT_S) as own:
        batches = [begin(own, "/v1/embeddings", [_BODIES["/v1/embeddings"]]) for _ in range(5)]
        assert [one.id for one in own.batches.list(limit=2)] == [one.id for one in reversed(batches)]
        files = [one.id for one in own.files.list(purpose="batch", limit=2, order="asc")]
        assert files == [one.input_file_id for one in batches]
        for batch in batches:
            poll(own, batch, over)
        assert {one.purpose for one in own.files.list()} == {"batch", "batch_output"}
        assert own.files.delete(files[0]).deleted
        with pytest.raises(NotFoundError):
            own.files.retrieve(files[0])
    stranger = gateway.create_key("--name", "stranger")
    with OpenAI(base_url=f"{gateway.url}/v1", api_key=stranger, timeout=TIMEOUT_S) as other:
        assert list(other.files.list()) == list(other.batches.list()) == []
        for ask in (other.files.retrieve, other.files.content, other.files.delete):
            with pytest.raises(NotFoundError):
                ask(files[1])
        for look in (other.batches.retrieve, other.batches.cancel):
            with pytest.raises(NotFoundError):
                look(batches[0].id)
    operator = gateway.create_key("--name", "boss", "--operator")
    with OpenAI(base_url=f"{gateway.url}/v1", api_key=operator, timeout=TIMEOUT_S) as boss:
        assert boss.batches.retrieve(batches[0].id).status == "completed"


def test_a_large_file_is_more_than_a_request_may_be(client: OpenAI) -> None:
    content = b"0123456789abcdef" * (48 << 16)
    made = client.files.create(file=("large.bin", content), purpose="user_data")
    assert made.bytes == len(content) == 48 << 20
    assert client.files.content(made.id).content == content
    assert client.files.delete(made.id).deleted


def test_a_budget_holds_line_by_line(gateway: GatewayProcess) -> None:
    key = gateway.create_key("--name", "thrifty", "--budget", "0.0005")
    body = _BODIES["/v1/chat/completions"] | {"model": "sim-fast", "max_tokens": 50}
    with OpenAI(base_url=f"{gateway.url}/v1", api_key=key, timeout=TIMEOUT_S) as poor:
        done = poll(poor, begin(poor, "/v1/chat/completions", [body] * 40), over)
        assert done.error_file_id is not None
        bad = poor.files.content(done.error_file_id).text.splitlines()
    assert done.status == "completed"
    assert done.request_counts is not None
    assert 0 < done.request_counts.completed < 40
    assert {msgspec.json.decode(line)["response"]["status_code"] for line in bad} == {402}
