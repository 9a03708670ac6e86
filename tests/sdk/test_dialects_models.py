"""The list of models and the counting of tokens, by the SDKs that have methods for them."""

from __future__ import annotations

import pytest

from gateway import GatewayProcess
from sdk.speakers.chat import ChatSpeaker
from sdk.speakers.gemini import GeminiSpeaker
from sdk.speakers.messages import MessagesSpeaker
from sdk.speakers.responses import ResponsesSpeaker
from sdk.targets import MODELS, TARGETS, last_ask
from simulated import SimulatorProcess
from waypost.simulator.counting import PER_MESSAGE, PER_TOOL

pytestmark = pytest.mark.process

NAMES = [f"{target}-{word}" for target in TARGETS for word in MODELS]


def test_openai_lists_models(crossing: GatewayProcess) -> None:
    with ChatSpeaker(crossing.url, crossing.key) as speaker:
        found = list(speaker.client.models.list())
        assert [model.id for model in found] == NAMES
        assert {model.object for model in found} == {"model"}
        assert speaker.client.models.retrieve("gem-echo").id == "gem-echo"


def test_anthropic_lists_models(crossing: GatewayProcess) -> None:
    with MessagesSpeaker(crossing.url, crossing.key) as speaker:
        # The SDK goes on to the next page as long as there is one.
        found = list(speaker.client.models.list(limit=1000))
        assert [model.id for model in found] == NAMES
        assert {model.type for model in found} == {"model"}
        assert found[0].display_name == NAMES[0]
        assert speaker.client.models.retrieve("gem-echo").id == "gem-echo"


def test_google_lists_models(crossing: GatewayProcess) -> None:
    with GeminiSpeaker(crossing.url, crossing.key) as speaker:
        found = list(speaker.client.models.list())
        assert [model.name for model in found] == [f"models/{name}" for name in NAMES]
        assert "generateContent" in (found[0].supported_actions or ())
        one = speaker.client.models.get(model="ant-echo")
        assert one.name == "models/ant-echo"


def test_a_key_sees_its_own_models_alone(crossing: GatewayProcess) -> None:
    key = crossing.create_key("--name", "two of them", "--models", "gem-echo,ant-echo")
    for connect in (ChatSpeaker, MessagesSpeaker):
        with connect(crossing.url, key) as speaker:
            assert {model.id for model in speaker.client.models.list()} == {"gem-echo", "ant-echo"}
    with GeminiSpeaker(crossing.url, key) as speaker:
        assert {model.name for model in speaker.client.models.list()} == {
            "models/gem-echo",
            "models/ant-echo",
        }


def test_anthropic_counts_tokens(crossing: GatewayProcess, many: SimulatorProcess) -> None:
    tool = {"name": "weather", "input_schema": {"type": "object", "properties": {}}}
    with MessagesSpeaker(crossing.url, crossing.key) as speaker:
        counted = speaker.client.messages.count_tokens(
            model="ant-echo", messages=[{"role": "user", "content": "one two three"}], tools=[tool]
        )
    assert counted.input_tokens == PER_MESSAGE + 3 + PER_TOOL
    assert last_ask(many)["path"] == "/v1/messages/count_tokens"


def test_google_counts_tokens(crossing: GatewayProcess, many: SimulatorProcess) -> None:
    with GeminiSpeaker(crossing.url, crossing.key) as speaker:
        counted = speaker.client.models.count_tokens(model="gem-echo", contents="one two three")
    assert counted.total_tokens == PER_MESSAGE + 3
    assert last_ask(many)["path"].endswith(":countTokens")


def test_openai_counts_tokens(crossing: GatewayProcess, many: SimulatorProcess) -> None:
    with ResponsesSpeaker(crossing.url, crossing.key) as speaker:
        counted = speaker.client.responses.input_tokens.count(model="res-echo", input="one two three")
    assert (counted.object, counted.input_tokens) == ("response.input_tokens", PER_MESSAGE + 3)
    assert last_ask(many)["path"] == "/v1/responses/input_tokens"


@pytest.mark.parametrize("target", [target for target in TARGETS if target not in ("ant", "gem")])
def test_who_can_not_count_is_counted_for(crossing: GatewayProcess, target: str) -> None:
    """The gateway's own estimate, and that it is one is said."""
    with MessagesSpeaker(crossing.url, crossing.key) as speaker:
        raw = speaker.client.messages.with_raw_response.count_tokens(
            model=f"{target}-echo", messages=[{"role": "user", "content": "one two three"}]
        )
        assert raw.parse().input_tokens >= PER_MESSAGE + 3
        assert raw.headers["x-waypost-count"] == "estimated"
    with GeminiSpeaker(crossing.url, crossing.key) as speaker:
        counted = speaker.client.models.count_tokens(model=f"{target}-echo", contents="one two three")
        assert (counted.total_tokens or 0) >= PER_MESSAGE + 3
