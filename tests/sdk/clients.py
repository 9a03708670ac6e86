"""Official `openai` clients against a running gateway, with a record of every HTTP exchange they made."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

import httpx2
from openai import AsyncOpenAI, DefaultAsyncHttpxClient, DefaultHttpxClient, OpenAI

#: Long enough for two busy cores; a call that is to time out says so itself.
TIMEOUT_S = 20.0


Client = TypeVar("Client", OpenAI, AsyncOpenAI)


@dataclass(frozen=True)
class Sdk(Generic[Client]):
    """A client, and what it sent and got, in order: the SDK's own retries are visible only here."""

    client: Client
    requests: list[httpx2.Request]
    responses: list[httpx2.Response]

    @property
    def statuses(self) -> list[int]:
        return [response.status_code for response in self.responses]

    @property
    def headers(self) -> httpx2.Headers:
        """Of the last response."""
        return self.responses[-1].headers


@contextmanager
def sync_client(base_url: str, key: str, *, retries: int = 0) -> Iterator[Sdk[OpenAI]]:
    """An `OpenAI` with the SDK's own HTTP client; without retries unless asked, so that a failure shows."""
    requests: list[httpx2.Request] = []
    responses: list[httpx2.Response] = []
    http = DefaultHttpxClient(event_hooks={"request": [requests.append], "response": [responses.append]})
    with OpenAI(
        base_url=base_url, api_key=key, max_retries=retries, timeout=TIMEOUT_S, http_client=http
    ) as client:
        yield Sdk(client, requests, responses)


@asynccontextmanager
async def async_client(base_url: str, key: str, *, retries: int = 0) -> AsyncIterator[Sdk[AsyncOpenAI]]:
    """The same for `AsyncOpenAI`."""
    requests: list[httpx2.Request] = []
    responses: list[httpx2.Response] = []

    async def asked(request: httpx2.Request) -> None:
        requests.append(request)

    async def answered(response: httpx2.Response) -> None:
        responses.append(response)

    http = DefaultAsyncHttpxClient(event_hooks={"request": [asked], "response": [answered]})
    async with AsyncOpenAI(
        base_url=base_url, api_key=key, max_retries=retries, timeout=TIMEOUT_S, http_client=http
    ) as client:
        yield Sdk(client, requests, responses)
