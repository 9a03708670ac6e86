from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dialects.golden import cases
from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.request import CacheHint, ChatRequest, Message, Opaque, ResponseFormat, Sampling, Text, Tool
from waypost.dialects.cohere_chat.codec import COHERE_CHAT
from waypost.dialects.cohere_chat.request import render_request, thinks
from waypost.dialects.lane import CrossLane
from waypost.dialects.openai_chat.codec import CHAT
from waypost.errors import Unrepresentable

HELLO = (Message("user", (Text("hi"),)),)
assert CHAT.codec is not None
assert COHERE_CHAT.codec is not None
LANE = CrossLane(CHAT.codec, COHERE_CHAT, COHERE_CHAT.codec)


@pytest.mark.parametrize("case", cases("cohere_chat", "requests"))
def test_golden(case: Any) -> None:
    asked = CHAT.parse_ask(msgspec.json.encode({"model": "m", **case["asked"]}))
    onward = LANE.render_onward(asked, case["model"], Quirks())
    assert msgspec.json.decode(onward.body) == case["body"]
    assert list(onward.dropped) == case["dropped"]


def render(request: ChatRequest, loss: Loss, quirks: Quirks = Quirks()) -> Any:  # noqa: B008 - frozen
    return msgspec.json.decode(render_request(request, quirks, loss))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"tier": "flex"}, "tier"),
        ({"metadata": {"a": "b"}}, "metadata"),
        ({"verbosity": "low"}, "verbosity"),
        ({"cache_key": "k"}, "cache_key"),
        ({"modalities": ("audio",)}, "modalities"),
        ({"show_thinking": False}, "show_thinking"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"thinking_budget": 2000}, "thinking_budget"),
        ({"tools": (Tool("f", cache=CacheHint()),)}, "tools[0].cache"),
        (
            {"response_format": ResponseFormat("json_schema", "n", "d", msgspec.Raw(b"{}"))},
            "response_format.description",
        ),
    ],
)
def test_settings_without_a_word_are_named(change: dict[str, Any], named: str) -> None:
    loss = Loss()
    render(ChatRequest("command-r", HELLO, **change), loss)
    assert loss.names == (named,)


@pytest.mark.parametrize(
    ("sampling", "named", "told"),
    [
        (Sampling(frequency_penalty=-2.0), ("frequency_penalty",), {"frequency_penalty": 0.0}),
        (Sampling(presence_penalty=2.0), ("presence_penalty",), {"presence_penalty": 1.0}),
        (Sampling(top_p=1.0, top_k=501), ("top_k", "top_p"), {"k": 500, "p": 0.99}),
        (Sampling(top_p=0.5, top_k=0), (), {"k": 0, "p": 0.5}),
        (Sampling(stop=("a", "b", "c", "d", "e", "f")), ("stop",), {"stop_sequences": list("abcde")}),
    ],
)
def test_values_that_cohere_refuses_become_the_nearest_and_are_named(
    sampling: Sampling, named: tuple[str, ...], told: dict[str, Any]
) -> None:
    loss = Loss()
    shown = render(ChatRequest("command-a", HELLO, sampling=sampling), loss)
    assert {name: shown[name] for name in told} == told
    assert loss.names == named


def test_log_probabilities_of_the_chosen_tokens() -> None:
    loss = Loss()
    assert render(ChatRequest("command-r", HELLO, top_logprobs=0), loss)["logprobs"] is True
    assert loss.names == ()


@pytest.mark.parametrize(
    ("budget", "told"),
    [(0, {"type": "disabled"}), (-1, {"type": "enabled"}), (500, {"type": "enabled", "token_budget": 500})],
)
def test_budgets(budget: int, told: Any) -> None:
    request = ChatRequest("command-a-reasoning-08-2025", HELLO, thinking_budget=budget)
    assert render(request, Loss())["thinking"] == told


def test_a_providers_refused_fields_are_named_in_the_cores_words() -> None:
    loss = Loss()
    request = ChatRequest("command-r", HELLO, max_output=5)
    assert "max_tokens" not in render(request, loss, Quirks(drop=("max_tokens", "absent")))
    assert loss.names == ("max_output",)


def test_which_models_reason() -> None:
    assert not thinks("command-r-plus-08-2024")
    assert not thinks("cohere/command-a-03-2025")
    assert thinks("command-a-reasoning-08-2025")
    assert thinks("command-a-plus")


def test_tools_of_others() -> None:
    request = ChatRequest("command-r", HELLO, tools=(Opaque("openai_chat", msgspec.Raw(b"{}"), "tools"),))
    with pytest.raises(Unrepresentable) as caught:
        render(request, Loss())
    assert caught.value.param == "tools[0]"
    loss = Loss(drop=True)
    assert "tools" not in render(request, loss)
    assert loss.names == ("tools[0]",)
