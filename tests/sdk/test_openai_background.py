"""Answers that are made in the background and streamed: a client that is cut off comes back and misses nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import openai
import pytest
from openai import OpenAI
from openai.types.responses import Response, ResponseStreamEvent

from gateway import GatewayProcess
from process.books import bill, one_row_each, settle, sums_exact, until
from sdk.targets import TARGETS
from simulated import SimulatorProcess

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def client(crossing: GatewayProcess) -> Iterator[OpenAI]:
    """The SDK as it is, but for retries."""
    with OpenAI(base_url=f"{crossing.url}/v1", api_key=crossing.key, max_retries=0, timeout=20) as made:
        yield made


def response_of(event: ResponseStreamEvent) -> Response:
    response = getattr(event, "response", None)
    assert isinstance(response, Response)
    return response


def text_of(events: list[ResponseStreamEvent]) -> str:
    return "".join(event.delta for event in events if event.type == "response.output_text.delta")


@pytest.mark.parametrize("target", TARGETS)
def test_a_client_that_was_cut_off_goes_on_where_it_was(client: OpenAI, target: str) -> None:
    stream = client.responses.create(
        model=f"{target}-slow", input="hello there", background=True, stream=True
    )
    with stream:
        before = list(islice(stream, 6))  # and then its connection is closed
    response_id = response_of(before[0]).id
    assert [event.type for event in before[:3]] == [
        "response.created",
        "response.queued",
        "response.in_progress",
    ]
    seen = before[-1].sequence_number
    with client.responses.retrieve(response_id, stream=True, starting_after=seen) as rest:
        after = list(rest)
    events = before + after
    assert [event.sequence_number for event in events] == list(range(len(events)))
    done = response_of(events[-1])
    assert (events[-1].type, done.status, done.id, done.background) == (
        "response.completed",
        "completed",
        response_id,
        True,
    )
    assert text_of(events) == done.output_text
    assert len(done.output_text.split()) == 40
    kept = client.responses.retrieve(response_id)
    assert kept.output_text == done.output_text
    # Again from the beginning, for as long as the events are kept; and after the last one there is nothing.
    with client.responses.retrieve(response_id, stream=True) as again:
        assert [event.to_json() for event in again] == [event.to_json() for event in events]
    last = events[-1].sequence_number
    with client.responses.retrieve(response_id, stream=True, starting_after=last) as nothing:
        assert list(nothing) == []


def test_a_stream_can_be_cancelled(client: OpenAI, crossing: GatewayProcess, many: SimulatorProcess) -> None:
    with client.responses.create(model="ant-slow", input="hi", background=True, stream=True) as stream:
        first = list(islice(stream, 6))
        response_id = response_of(first[0]).id
        assert client.responses.cancel(response_id).status == "cancelled"
        last = list(stream)[-1]
    assert (last.type, response_of(last).status) == ("response.incomplete", "cancelled")
    assert client.responses.retrieve(response_id).status == "cancelled"
    assert client.responses.cancel(response_id).status == "cancelled"


def test_an_answer_that_fails_says_so(client: OpenAI) -> None:
    with client.responses.create(model="oai-breaks", input="hi", background=True, stream=True) as stream:
        last = list(stream)[-1]
    assert (last.type, response_of(last).status) == ("response.failed", "failed")
    error = client.responses.retrieve(response_of(last).id).error
    assert error is not None
    assert error.message


def test_what_is_not_kept_is_refused_by_name(client: OpenAI) -> None:
    whole = client.responses.create(model="oai-fast", input="hi")
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.retrieve(whole.id, stream=True)
    assert caught.value.param == "stream"
    with client.responses.create(model="oai-fast", input="hi", background=True, stream=True) as stream:
        last = list(stream)[-1]
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.retrieve(response_of(last).id, stream=True, starting_after=1000)
    assert caught.value.param == "starting_after"


def test_what_is_deleted_while_it_is_made_is_gone(client: OpenAI) -> None:
    with client.responses.create(model="oai-slow", input="hi", background=True, stream=True) as stream:
        response_id = response_of(next(stream)).id
        client.responses.delete(response_id)
        last = list(stream)[-1]
    assert response_of(last).status == "cancelled"
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(response_id)


def test_each_was_settled_once(crossing: GatewayProcess, many: SimulatorProcess, client: OpenAI) -> None:
    settle(crossing, many)
    one_row_each(crossing)
    sums_exact(crossing)
    before = bill(many).requests
    with client.responses.create(model="oai-slow", input="hi", background=True, stream=True) as stream:
        response_id = response_of(next(stream)).id
    until(lambda: client.responses.retrieve(response_id).status == "completed", "made to its end")
    settle(crossing, many)
    assert bill(many).requests == before + 1
    rows = crossing.query(
        "select e.exchange_id, e.outcome, count(a.attempt_id) from exchanges e left join attempts a "
        "on e.exchange_id = a.exchange_id group by e.exchange_id order by e.started_us desc limit 2"
    )
    assert sorted((str(name).endswith("-b"), outcome, attempts) for name, outcome, attempts in rows) == [
        (False, "disconnected", 0),
        (True, "ok", 1),
    ]
    sums_exact(crossing)
