"""A chat request from the core: the cross-dialect lane. No client speaks Cohere's chat to the gateway.

Carried: messages, text, pictures in base64 or by link, reasoning, tool calls and results, tools, tool choice, JSON
object and schema, sampling, stop texts, output limit, thinking, log probabilities of the chosen tokens.

Dropped and named: cache hints, several choices, user, tier, metadata, verbosity, modalities, parallel calls switched
off, one tool among several, alternatives to tokens, that a tool failed, reasoning towards models that do not reason,
stop texts beyond five. Penalties, `top_k` and `top_p` outside Cohere's ranges become the nearest, and are named.

Refused: documents, sounds, videos and pictures outside a user's message, tools that are built into another provider.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec

from waypost.core.effort import budget_of
from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.request import ChatRequest, Tool
from waypost.dialects.cohere_chat.messages import Writer
from waypost.dialects.taking import Json, put

Number = TypeVar("Number", int, float)

#: Models that do not reason, by the start of their ids; newer do (https://docs.cohere.com/docs/models, 2026-11-25).
_PLAIN: Final = (
    "command-r",
    "command-light",
    "command-nightly",
    "command-a-03",
    "command-a-vision",
    "command-a-translate",
    "c4ai-",
)
_ENCODER = msgspec.json.Encoder()
#: Settings of the core that Cohere has no word for, with the values that say nothing.
_UNSAID: Final[Mapping[str, tuple[object, ...]]] = {
    "parallel_tool_calls": (None, True),
    "choices": (1,),
    "user": (None,),
    "tier": (None, "auto", "default"),
    "metadata": (None, {}),
    "verbosity": (None, "medium"),
    "cache_key": (None,),
    "modalities": ((), ("text",)),
    "show_thinking": (None, True),
}
#: The core's names of what a provider may refuse.
_CORE: Final[Mapping[str, str]] = {
    "max_tokens": "max_output",
    "stop_sequences": "stop",
    "k": "top_k",
    "p": "top_p",
    "logprobs": "top_logprobs",
    "thinking": "effort",
}
#: The least and the most of each, and how many stop texts: cohere 7.3.1, `v2/client.py`, `chat` (2026-11-25).
_RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "frequency_penalty": (0.0, 1.0),
    "presence_penalty": (0.0, 1.0),
    "top_k": (0, 500),
    "top_p": (0.01, 0.99),
}
_STOPS: Final = 5
_CHOICES: Final = {"required": "REQUIRED", "none": "NONE", "one": "REQUIRED"}


def thinks(model: str) -> bool:
    """Whether this model reasons."""
    return not model.rpartition("/")[2].startswith(_PLAIN)


def render_request(request: ChatRequest, quirks: Quirks, loss: Loss) -> bytes:
    """Raises Unrepresentable, naming the part."""
    for name, silent in _UNSAID.items():
        if getattr(request, name) not in silent:
            loss.setting(name)
    sampling = request.sampling
    writer = Writer(loss, thinks=thinks(request.model))
    shown = [writer.message(message, number) for number, message in enumerate(request.messages)]
    out: Json = {"model": request.model, "messages": [message for message in shown if message is not None]}
    tools = _tools(request, loss)
    put(
        out,
        stream=request.stream or None,
        tools=tools or None,
        strict_tools=_strict(request, loss) or None,
        tool_choice=_choice(request, loss) if tools else None,
        response_format=_format(request, loss),
        max_tokens=request.max_output,
        stop_sequences=_stop(sampling.stop, loss) or None,
        temperature=sampling.temperature,
        seed=sampling.seed,
        frequency_penalty=_within("frequency_penalty", sampling.frequency_penalty, loss),
        presence_penalty=_within("presence_penalty", sampling.presence_penalty, loss),
        k=_within("top_k", sampling.top_k, loss),
        p=_within("top_p", sampling.top_p, loss),
        logprobs=True if request.top_logprobs is not None else None,
        thinking=_thinking(request, loss),
    )
    if request.top_logprobs:
        loss.setting("top_logprobs")
    for name in quirks.drop:
        if out.pop(name, None) is not None:
            loss.setting(_CORE.get(name, name))
    return _ENCODER.encode(out)


def _within(name: str, value: Number | None, loss: Loss) -> Number | None:
    """The value, or the nearest that Cohere takes; that it is another one is named."""
    if value is None:
        return None
    least, most = _RANGES[name]
    if not least <= value <= most:
        loss.setting(name)
    return type(value)(min(max(value, least), most))


def _stop(stop: tuple[str, ...], loss: Loss) -> tuple[str, ...]:
    if len(stop) > _STOPS:
        loss.setting("stop")
    return stop[:_STOPS]


def _tools(request: ChatRequest, loss: Loss) -> list[Json]:
    out: list[Json] = []
    for number, tool in enumerate(request.tools):
        where = f"tools[{number}]"
        if not isinstance(tool, Tool):
            loss.content(
                where, f"{where} is built into another provider, and Cohere has no form for it. Leave it out."
            )
            continue
        if tool.cache is not None:
            loss.setting(f"{where}.cache")
        function: Json = {
            "name": tool.name,
            "parameters": tool.parameters or {"type": "object", "properties": {}},
        }
        out.append({"type": "function", "function": put(function, description=tool.description)})
    return out


def _strict(request: ChatRequest, loss: Loss) -> bool:
    """Cohere is strict about all tools or none."""
    tools = [(number, tool) for number, tool in enumerate(request.tools) if isinstance(tool, Tool)]
    strict = [number for number, tool in tools if tool.strict]
    if len(strict) == len(tools):
        return bool(tools)
    for number in strict:
        loss.setting(f"tools[{number}].strict")
    return False


def _choice(request: ChatRequest, loss: Loss) -> str | None:
    choice = request.tool_choice
    if choice is None:
        return None
    if choice.mode == "one" and len(request.tools) > 1:
        loss.setting("tool_choice")  # some tool is called, and which is the model's to say
    return _CHOICES.get(choice.mode)


def _format(request: ChatRequest, loss: Loss) -> Json | None:
    wanted = request.response_format
    if wanted is None or wanted.kind == "text":
        return None
    if wanted.description is not None:
        loss.setting("response_format.description")
    return put({"type": "json_object"}, json_schema=wanted.schema if wanted.kind == "json_schema" else None)


def _thinking(request: ChatRequest, loss: Loss) -> Json | None:
    budget = budget_of(request)
    if budget is None:
        return None
    if not thinks(request.model):
        if budget != 0:
            loss.setting("effort" if request.thinking_budget is None else "thinking_budget")
        return None
    if budget == 0:
        return {"type": "disabled"}
    return put({"type": "enabled"}, token_budget=budget if budget > 0 else None)
