"""The official Python SDK's error classes: each failure is the one that an application already handles."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from openai import (
    APIStatusError,
    APITimeoutError,
    AsyncOpenAI,
    AuthenticationError,
    BadRequestError,
    InternalServerError,
    NotFoundError,
    OpenAI,
    PermissionDeniedError,
    RateLimitError,
    UnprocessableEntityError,
)

from gateway import GatewayProcess
from sdk.clients import Sdk, sync_client
from sdk.test_openai_chat import HELLO

pytestmark = pytest.mark.process


def ask(client: OpenAI, model: str = "sim-fast", **simulate: object) -> None:
    client.chat.completions.create(model=model, messages=HELLO, extra_body={"simulate": simulate})


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the SDK meant to wait before its retries, in seconds; it does not wait."""
    waits: list[float] = []
    # Its own `time` alone: a process that the test starts is waited for with the real one.
    monkeypatch.setattr("openai._base_client.time", SimpleNamespace(**{**vars(time), "sleep": waits.append}))
    return waits


# --- the key ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["sk-wp-mistyped", "sk-proj-of-somebody-else", "x"])
def test_a_wrong_key(gateway: GatewayProcess, key: str) -> None:
    with sync_client(gateway.url, key, retries=3) as sdk:
        for call in (lambda: ask(sdk.client), sdk.client.models.list):
            with pytest.raises(AuthenticationError) as caught:
                call()
            assert caught.value.status_code == 401
            assert caught.value.code == "invalid_api_key"
            assert key not in caught.value.message
            assert caught.value.response.headers["www-authenticate"] == "Bearer"
    assert sdk.statuses == [401, 401]


def test_a_model_that_the_key_may_not_use(gateway: GatewayProcess) -> None:
    key = gateway.create_key("--name", "echo only", "--models", "sim-echo")
    with sync_client(gateway.url, key, retries=3) as sdk:
        ask(sdk.client, "sim-echo")
        with pytest.raises(PermissionDeniedError) as caught:
            ask(sdk.client, "sim-fast")
        assert caught.value.param == "model"
        assert caught.value.code == "permission_denied"
        assert "sim-echo" in caught.value.message
        # Neither does another spelling open it.
        with pytest.raises(PermissionDeniedError):
            ask(sdk.client, "sim/sim-fast")
    assert sdk.statuses == [200, 403, 403]


def test_a_spent_budget_is_not_asked_for_again(gateway: GatewayProcess, slept: list[float]) -> None:
    key = gateway.create_key("--name", "poor", "--budget", "0.000001")
    with sync_client(gateway.url, key, retries=3) as sdk, pytest.raises(APIStatusError) as caught:
        ask(sdk.client)
    error = caught.value
    assert (error.status_code, error.code, error.type) == (402, "budget_exceeded", "insufficient_quota")
    # An application that waits for a rate limit must not take this for one.
    assert not isinstance(error, RateLimitError)
    assert (sdk.statuses, slept) == ([402], [])


def test_the_rate_of_a_key(gateway: GatewayProcess, slept: list[float]) -> None:
    key = gateway.create_key("--name", "slow", "--rpm", "1")
    with sync_client(gateway.url, key, retries=2) as sdk:
        ask(sdk.client)
        with pytest.raises(RateLimitError) as caught:
            ask(sdk.client)
        assert sdk.statuses == [200, 429, 429, 429]
        assert caught.value.code == "rate_limit_exceeded"
        # The SDK obeys what the header says, to the millisecond, and not its own half second.
        told = [int(response.headers["retry-after-ms"]) / 1000 for response in sdk.responses[1:]]
        assert slept == told[:2]
        assert 0 < told[0] <= 60
        assert int(caught.value.response.headers["retry-after"]) - told[2] == pytest.approx(0.5, abs=0.51)


# --- the request ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["no-such-model", "nobody/gpt-5"])
def test_a_model_that_does_not_exist(sdk: Sdk[OpenAI], model: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        ask(sdk.client, model)
    assert caught.value.code == "model_not_found"
    assert caught.value.param == "model"
    assert caught.value.type == "invalid_request_error"
    with pytest.raises(NotFoundError):
        sdk.client.models.retrieve(model)


@pytest.mark.parametrize(
    ("call", "param"),
    [
        (lambda c: c.chat.completions.create(model="sim-fast", messages=[]), "messages"),
        (lambda c: c.chat.completions.create(model="", messages=HELLO), "model"),
        (lambda c: c.chat.completions.create(model="sim-fast", messages=HELLO, n=0), "n"),
        (lambda c: c.chat.completions.create(model="sim-fast", messages=HELLO, stream="yes"), "stream"),
        (
            lambda c: c.chat.completions.create(model="sim-fast", messages=HELLO, max_tokens=-1),
            "max_tokens",
        ),
        (lambda c: c.embeddings.create(model="sim-embed", input=[]), "input"),
        (
            lambda c: c.embeddings.create(model="sim-embed", input="a", encoding_format="hex"),
            "encoding_format",
        ),
        # These two are found by the provider, and come back as it said them.
        (lambda c: c.embeddings.create(model="sim-embed", input="a", dimensions=0), "dimensions"),
        (
            lambda c: c.chat.completions.create(model="sim-fast", messages=HELLO, logprobs="many"),
            "logprobs",
        ),
    ],
)
def test_a_wrong_field_is_named(sdk: Sdk[OpenAI], call: Callable[[OpenAI], object], param: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        call(sdk.client)
    assert caught.value.param == param
    assert caught.value.type == "invalid_request_error"
    assert sdk.headers["x-should-retry"] == "false"


@pytest.mark.parametrize(
    ("fault", "kind", "status", "code"),
    [
        ("400", BadRequestError, 400, "invalid_value"),
        ("context-length", BadRequestError, 400, "context_length_exceeded"),
        ("content-filter", BadRequestError, 400, "content_filter"),
        ("404", NotFoundError, 404, "model_not_found"),
        ("413", APIStatusError, 413, "request_too_large"),
        ("422", UnprocessableEntityError, 422, None),
    ],
)
def test_a_refusal_by_the_provider_comes_as_it_said_it(
    gateway: GatewayProcess, fault: str, kind: type[APIStatusError], status: int, code: str | None
) -> None:
    with sync_client(gateway.url, gateway.key, retries=3) as sdk:
        for stream in (False, True):
            with pytest.raises(kind) as caught:
                sdk.client.chat.completions.create(
                    model="sim-fast", messages=HELLO, stream=stream, extra_body={"simulate": {"fault": fault}}
                )
            assert (caught.value.status_code, caught.value.code) == (status, code)
    assert sdk.statuses == [status, status]


def test_a_body_over_the_limit_is_refused_and_not_cut_off(sdk: Sdk[OpenAI]) -> None:
    content = "x" * (32 * 1024 * 1024)
    with pytest.raises(APIStatusError) as caught:
        sdk.client.chat.completions.create(model="sim-fast", messages=[{"role": "user", "content": content}])
    assert (caught.value.status_code, caught.value.code) == (413, "request_too_large")
    assert "`limits.body`" in caught.value.message
    ask(sdk.client)


# --- the provider -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["429", "429-ms", "429-date", "429-reset"])
def test_the_sdk_waits_as_long_as_the_provider_says(
    gateway: GatewayProcess, slept: list[float], fault: str
) -> None:
    with sync_client(gateway.url, gateway.key, retries=2) as sdk:
        ask(sdk.client, fault=fault, s=7, first=1)
    assert sdk.statuses == [429, 200]
    assert slept == [pytest.approx(7, abs=1.1)]
    assert int(sdk.responses[0].headers["retry-after"]) in (6, 7, 8)


def test_a_rate_limit_of_the_provider_that_stays(gateway: GatewayProcess, slept: list[float]) -> None:
    with sync_client(gateway.url, gateway.key, retries=2) as sdk, pytest.raises(RateLimitError) as caught:
        ask(sdk.client, fault="429-ms", s=0.25)
    assert sdk.statuses == [429] * 3
    assert slept == [0.25, 0.25]
    assert caught.value.code == "upstream_rate_limited"


@pytest.mark.parametrize("fault", ["401", "402", "403", "quota"])
def test_a_refused_credential_of_the_gateway_is_not_the_clients_fault(
    gateway: GatewayProcess, slept: list[float], fault: str
) -> None:
    with (
        sync_client(gateway.url, gateway.key, retries=3) as sdk,
        pytest.raises(InternalServerError) as caught,
    ):
        ask(sdk.client, fault=fault)
    spent = fault in ("402", "quota")
    assert caught.value.code == ("upstream_quota_spent" if spent else "upstream_credential_refused")
    assert (sdk.statuses, slept) == ([502], [])


#: Whatever a provider does to its connection, the client's own stays whole.
_BROKEN = [
    "500", "502", "503", "504", "refuse", "drop", "reset-headers", "cut-headers", "cut-body", "garbage",
    "garbage-body", "html", "empty", "error-first", "redirect", "length-twice", "length-and-chunked",
    "bad-chunk-size", "gzip-bomb", "big-header", "stall-headers", "slow-headers",
]  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "stream"),
    # A stream is whole with its [DONE], whatever length was promised: that fault is for whole answers only.
    [("length-long", False), *((fault, stream) for fault in _BROKEN for stream in (False, True))],
)
def test_a_broken_provider_is_a_server_error(sdk: Sdk[OpenAI], fault: str, stream: bool) -> None:
    with pytest.raises(InternalServerError) as caught:
        for _ in sdk.client.chat.completions.create(
            model=f"hasty/fault-{fault}?k=0&gap_ms=100", messages=HELLO, stream=stream
        ):
            pass
    assert (caught.value.code or "").startswith("upstream_")
    assert caught.value.type == "upstream_error"
    assert caught.value.status_code in (502, 504)
    assert "127.0.0.1" not in caught.value.message
    assert "x-waypost-request-id" in sdk.headers


def test_the_sdk_asks_again_after_a_server_error(gateway: GatewayProcess, slept: list[float]) -> None:
    with sync_client(gateway.url, gateway.key, retries=2) as sdk:
        said = sdk.client.chat.completions.create(model="hasty/fault-503?first=1", messages=HELLO)
    assert said.choices[0].message.content
    assert sdk.statuses == [502, 200]
    assert len(slept) == 1


def test_the_clients_own_timeout(gateway: GatewayProcess, slept: list[float]) -> None:
    with sync_client(gateway.url, gateway.key, retries=1) as sdk:
        with pytest.raises(APITimeoutError):
            ask(sdk.client.with_options(timeout=0.1), "hasty/fault-stall-headers")
        assert len(sdk.requests) == 2
        ask(sdk.client)


async def test_the_asynchronous_client_raises_the_same(async_openai: AsyncOpenAI) -> None:
    with pytest.raises(NotFoundError):
        await async_openai.chat.completions.create(model="no-such-model", messages=HELLO)
    with pytest.raises(BadRequestError):
        await async_openai.chat.completions.create(model="sim-fast", messages=[])
    with pytest.raises(InternalServerError):
        await async_openai.chat.completions.create(model="hasty/fault-500", messages=HELLO)
    with pytest.raises(AuthenticationError):
        await async_openai.with_options(api_key="wrong").models.list()
