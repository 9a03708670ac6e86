"""A whole answer to and from the core: the cross-dialect lane."""

from __future__ import annotations

import msgspec

from waypost.core.asked import Asked, Stamp
from waypost.core.events import Started
from waypost.core.plain import plain_choice
from waypost.core.request import Extras
from waypost.core.response import ChatResponse, Choice, ReplyPart
from waypost.dialects.openai_responses.ends import end_fields, read_finish, waits_for_client
from waypost.dialects.openai_responses.identity import item_id
from waypost.dialects.openai_responses.output import parse_item
from waypost.dialects.openai_responses.own import NAME, Taking, read_form
from waypost.dialects.openai_responses.reply import parse_reply, read_items
from waypost.dialects.openai_responses.said import Answer, OutputItem
from waypost.dialects.openai_responses.shell import shell
from waypost.dialects.openai_responses.tools import asked_custom_names
from waypost.dialects.openai_responses.usage import parse_usage, usage_object
from waypost.dialects.taking import INTEGER, TEXT, Json
from waypost.errors import Garbled, Unrepresentable

_WHOLE = "whole"
_ENCODER = msgspec.json.Encoder()


def parse_response(body: bytes) -> ChatResponse:
    """Raises Garbled, and what the provider reports inside a 200."""
    fields = parse_reply(body).fields
    taking = Taking(fields)
    if "output" not in taking.rest or bytes(taking.rest["output"])[:1] != b"[":
        raise Garbled("The provider's answer has no output. Try again, or another model.")
    parts: list[ReplyPart] = []
    for item in read_items(taking.rest.pop("output")):
        parts += parse_item(item, whole=True)
    finish, extras = read_finish(fields, any(map(waits_for_client, parts)))
    return ChatResponse(
        response_id=taking.take("id", TEXT) or "",
        model=taking.take("model", TEXT) or "",
        choices=(Choice(0, tuple(parts), finish, extras),),
        created=taking.take("created_at", INTEGER),
        # Its wire form stays among the extras: it says more than the counts do.
        usage=parse_usage(taking.rest.get("usage")),
        tier=taking.take("service_tier", TEXT),
        extras=taking.extras(_WHOLE),
    )


def only_choice(response: ChatResponse) -> Choice:
    """This format has one answer. Raises Unrepresentable for more."""
    if len(response.choices) > 1:
        raise Unrepresentable(
            "The provider gave several answers, and the client's format has room for one. Ask for one.",
            param="choices",
        )
    return response.choices[0] if response.choices else Choice(0, (), None)


def render_response(response: ChatResponse, asked: Asked, cost_nusd: int | None, stamp: Stamp) -> bytes:
    """Raises Unrepresentable for a part that this dialect can not say."""
    plain = render_plain(response, asked, cost_nusd, stamp)
    return render_any(response, asked, cost_nusd, stamp) if plain is None else plain


def render_plain(response: ChatResponse, asked: Asked, cost_nusd: int | None, stamp: Stamp) -> bytes | None:
    """An answer of another dialect that is nothing but text; None: the general way says it."""
    found, usage = plain_choice(response, NAME), response.usage
    if found is None or usage is None:
        return None
    choice, text = found
    ended = end_fields(choice.finish, None)
    message: Json = {
        "id": item_id("msg", stamp.exchange_id, 0),
        "type": "message",
        "status": ended["status"],
        "role": "assistant",
        "content": [{"type": "output_text", "text": text, "annotations": []}],
    }
    started = Started(response.response_id, response.model, response.created, response.tier)
    out = {
        **shell(started, asked, stamp),
        **ended,
        "output": [message],
        "usage": usage_object(usage, cost_nusd),
    }
    return _ENCODER.encode(out)


def render_any(response: ChatResponse, asked: Asked, cost_nusd: int | None, stamp: Stamp) -> bytes:
    """See `render_response`."""
    choice = only_choice(response)
    started = Started(response.response_id, response.model, response.created, response.tier)
    answer = Answer(stamp.exchange_id, asked_custom_names(asked.fields))
    output = render_output(choice, answer)
    extras = response.extras
    if extras is not None and extras.dialect == NAME and read_form(extras).words == _WHOLE:
        return _render_own(response, extras, output)
    out = shell(started, asked, stamp) | end_fields(choice.finish, choice.extras)
    out["output"] = output
    if response.usage is not None:
        out["usage"] = usage_object(response.usage, cost_nusd)
    return _ENCODER.encode(out)


def _render_own(response: ChatResponse, extras: Extras, output: list[Json | msgspec.Raw]) -> bytes:
    out: Json = {"id": response.response_id, "created_at": response.created, "model": response.model}
    out |= {"output": output, "service_tier": response.tier}
    out = {name: value for name, value in out.items() if value is not None}
    return _ENCODER.encode({**out, **extras.fields})


def render_output(choice: Choice, answer: Answer) -> list[Json | msgspec.Raw]:
    """The output items of a whole answer, numbered as a stream of it would number them."""
    items: list[OutputItem] = []
    signatures: dict[int, Json] = {}
    for part in choice.parts:
        item = answer.place(part)
        if items and items[-1] is item:
            continue
        items.append(item)
        signature = answer.signature_of(item)
        if signature is not None:
            signatures[answer.take_index()] = signature
    cut = item_status(choice)
    done: dict[int, Json | msgspec.Raw] = {}
    for number, item in enumerate(items):
        last = number == len(items) - 1 and item.kind == "message"
        done[item.index] = item.render(cut if last else "completed")
    done |= signatures
    return [done[index] for index in sorted(done)]


def item_status(choice: Choice) -> str:
    """The status of the last item, where that is a message."""
    status = end_fields(choice.finish, choice.extras)["status"]
    return "incomplete" if status in ("incomplete", msgspec.Raw(b'"incomplete"')) else "completed"
