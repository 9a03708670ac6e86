"""A chat request to the core: the cross-dialect lane. `body.py` is the way back."""

from __future__ import annotations

from typing import Literal

import msgspec

from waypost.core.request import ChatRequest, Message, Sampling
from waypost.dialects.fields import Fields, parse_body
from waypost.dialects.openai.ask import read_model
from waypost.dialects.openai_chat.messages import parse_messages
from waypost.dialects.openai_chat.own import Taking
from waypost.dialects.openai_chat.plain import NEW_LIMIT, OLD_LIMIT, USER, parse_plain
from waypost.dialects.openai_chat.reasoning import take_reasoning
from waypost.dialects.openai_chat.tools import OLD_TOOLS, take_choice, take_format, take_tools
from waypost.dialects.taking import FLAG, INTEGER, ITEMS, NUMBER, TEXT, TEXTS, object_or_none, object_raw
from waypost.errors import InvalidRequest

_VERBOSITY: msgspec.json.Decoder[Literal["low", "medium", "high"]] = msgspec.json.Decoder(
    Literal["low", "medium", "high"]
)
_METADATA: msgspec.json.Decoder[dict[str, str]] = msgspec.json.Decoder(dict[str, str])
#: Which of two ways of writing a setting was used, kept in the request's form.
STOP_TEXT = "stop_text"
SAFETY = "safety_identifier"
NO_LOGPROBS = "top_logprobs.0"


def parse_request(body: bytes) -> ChatRequest:
    """Raises TooLarge, and as `parse_fields`."""
    return parse_fields(parse_body(body))


def parse_fields(fields: Fields) -> ChatRequest:
    """Raises InvalidRequest, and Unrepresentable for a message of a role the core does not know."""
    request = parse_plain(fields)
    return parse_any(fields) if request is None else request


def parse_any(fields: Fields) -> ChatRequest:
    """See `parse_fields`."""
    taking = Taking(fields)
    model = read_model(taking.rest)
    del taking.rest["model"]
    messages = _parse_messages(taking)
    forms: list[str] = []
    reasoning = take_reasoning(taking, forms)
    tools = take_tools(taking, forms)
    return ChatRequest(
        model=model,
        messages=messages,
        tools=tools,
        tool_choice=take_choice(taking, forms),
        # Who asks with `functions` looks for one call.
        parallel_tool_calls=False if OLD_TOOLS in forms else taking.take("parallel_tool_calls", FLAG),
        response_format=take_format(taking),
        sampling=_take_sampling(taking, forms),
        max_output=_take_limit(taking, forms),
        effort=reasoning.effort,
        thinking_budget=reasoning.budget,
        show_thinking=reasoning.show,
        choices=_take_choices(taking),
        stream=_take_true(taking, "stream"),
        wants_usage=_take_wants_usage(taking),
        user=_take_user(taking, forms),
        tier=taking.take("service_tier", TEXT),
        top_logprobs=_take_logprobs(taking, forms),
        metadata=_take_metadata(taking),
        verbosity=taking.take("verbosity", _VERBOSITY),
        cache_key=taking.take("prompt_cache_key", TEXT),
        modalities=_take_modalities(taking),
        extras=taking.extras(" ".join(forms)),
    )


def _parse_messages(taking: Taking) -> tuple[Message, ...]:
    items = taking.take("messages", ITEMS)
    if not items:
        raise InvalidRequest("`messages` has to be an array with at least one message.", param="messages")
    return parse_messages(items)


def _take_sampling(taking: Taking, forms: list[str]) -> Sampling:
    return Sampling(
        temperature=taking.take("temperature", NUMBER),
        top_p=taking.take("top_p", NUMBER),
        top_k=taking.take("top_k", INTEGER),
        frequency_penalty=taking.take("frequency_penalty", NUMBER),
        presence_penalty=taking.take("presence_penalty", NUMBER),
        seed=taking.take("seed", INTEGER),
        stop=_take_stop(taking, forms),
    )


def _take_true(taking: Taking, name: str) -> bool:
    raw = taking.rest.get(name)
    if raw is None or bytes(raw) != b"true":
        return False
    del taking.rest[name]
    return True


def _take_stop(taking: Taking, forms: list[str]) -> tuple[str, ...]:
    single = taking.take("stop", TEXT)
    if single is not None:
        forms.append(STOP_TEXT)
        return (single,)
    raw = taking.rest.get("stop")
    if raw is None or not bytes(raw).strip(b"[] \t\r\n"):
        return ()
    texts = taking.take("stop", TEXTS)
    return tuple(texts) if texts else ()


def _take_limit(taking: Taking, forms: list[str]) -> int | None:
    for name in (NEW_LIMIT, OLD_LIMIT):
        limit = taking.take(name, INTEGER)
        if limit is not None:
            forms.append(name)
            return limit
    return None


def _take_choices(taking: Taking) -> int:
    raw = taking.rest.get("n")
    if raw is None or bytes(raw) == b"1":  # written out, it stays among the extras and is rendered from there
        return 1
    count = taking.take("n", INTEGER)
    return 1 if count is None else count


def _take_wants_usage(taking: Taking) -> bool:
    options = object_or_none(taking.rest.get("stream_options"))
    if not options or bytes(options.get("include_usage", msgspec.Raw(b""))) != b"true":
        return False
    del options["include_usage"]
    del taking.rest["stream_options"]
    if options:
        taking.rest["stream_options"] = object_raw(options)
    return True


def _take_user(taking: Taking, forms: list[str]) -> str | None:
    for name in (USER, SAFETY):
        user = taking.take(name, TEXT)
        if user is not None:
            forms.append(name)
            return user
    return None


def _take_logprobs(taking: Taking, forms: list[str]) -> int | None:
    """`top_logprobs` counts only beside `logprobs`."""
    if not _take_true(taking, "logprobs"):
        return None
    count = taking.take("top_logprobs", INTEGER)
    if count == 0:
        forms.append(NO_LOGPROBS)
    return count or 0


def _take_metadata(taking: Taking) -> dict[str, str] | None:
    raw = taking.rest.get("metadata")
    if raw is None or not object_or_none(raw):
        return None
    return taking.take("metadata", _METADATA)


def _take_modalities(taking: Taking) -> tuple[str, ...]:
    raw = taking.rest.get("modalities")
    if raw is None or bytes(raw).strip(b"[] \t\r\n") in (b"", b'"text"'):
        return ()  # text alone is what is made anyway
    wanted = taking.take("modalities", TEXTS)
    return tuple(wanted) if wanted else ()
