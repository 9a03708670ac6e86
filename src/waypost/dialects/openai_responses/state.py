"""What a kept response is, and a conversation that goes on from one: pure pieces, for whoever keeps them.

`GET /responses/{id}`, `/input_items`, `previous_response_id`, `background`:
https://platform.openai.com/docs/api-reference/responses (2026-11-25).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from waypost.core.asked import Asked, Stamp
from waypost.core.events import Started
from waypost.dialects.fields import Fields, parse_object, read_flag, read_string, render_fields
from waypost.dialects.openai_responses.estimate import estimate
from waypost.dialects.openai_responses.identity import item_id
from waypost.dialects.openai_responses.parts import type_of
from waypost.dialects.openai_responses.reply import read_items
from waypost.dialects.openai_responses.shell import shell
from waypost.dialects.taking import Json, object_or_none, object_raw, text_or_none
from waypost.errors import GatewayError, InvalidRequest

Status = Literal["completed", "failed", "in_progress", "cancelled", "queued", "incomplete"]
Order = Literal["asc", "desc"]

#: How many items one page of a listing may have, and has when nothing is said.
PAGE_MOST = 100
PAGE_USUAL = 20

_PREVIOUS = "previous_response_id"
_COMPLETED = msgspec.Raw(b'"completed"')
_MESSAGE = msgspec.Raw(b'"message"')
_ENCODER = msgspec.json.Encoder()
#: What ids of items begin with.
_PREFIXES = {
    "message": "msg",
    "function_call": "fc",
    "function_call_output": "fco",
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctco",
    "reasoning": "rs",
}
#: Items that a listing shows with a status.
_WITH_STATUS = frozenset(
    {
        "message",
        "function_call",
        "function_call_output",
        "custom_tool_call",
        "custom_tool_call_output",
    }
)
#: `error.code` of a failed response, by the HTTP status that the failure would have had; else `server_error`.
_CODES = {429: "rate_limit_exceeded", 400: "invalid_prompt", 413: "invalid_prompt", 422: "invalid_prompt"}


class Stored(msgspec.Struct, frozen=True):
    """A kept response. `created` is Unix time in seconds; `fields` are the request's without its input; `items` are the
    input items, those of the conversation before included; `body` is the response object, once there is one."""

    response_id: str
    created: int
    status: Status
    model: str
    fields: dict[str, msgspec.Raw] = {}
    items: tuple[msgspec.Raw, ...] = ()
    body: msgspec.Raw | None = None


def wants_store(asked: Asked) -> bool:
    """Whether the response is to be kept: unless `store` is false."""
    return asked.fields.get("store") is None or bytes(asked.fields["store"]) != b"false"


def wants_background(asked: Asked) -> bool:
    """Whether the client will come back for the answer."""
    return read_flag(asked.fields, "background")


def previous_id(asked: Asked) -> str | None:
    """The response that this one goes on from."""
    return read_string(asked.fields, _PREVIOUS)


def join(previous_items: Sequence[msgspec.Raw], new_input: msgspec.Raw | None) -> list[msgspec.Raw]:
    """The input of a conversation that goes on: what was said before, and the new input, a text or items. A reference
    to an item from before is left out: the item is there."""
    known = {found for item in previous_items if (found := _id_of(item)) is not None}
    new = [
        item
        for item in _as_items(new_input)
        if type_of(item) != "item_reference" or _id_of(item) not in known
    ]
    return [*previous_items, *new]


def continued(asked: Asked, previous: Stored) -> Asked:
    """The request with the whole conversation as its input, for a target that keeps none. The answer still names the
    response that it goes on from: `Asked.form` has its id."""
    fields = {name: raw for name, raw in asked.fields.items() if name != _PREVIOUS}
    before = [*previous.items, *(output_items(previous.body) if previous.body is not None else ())]
    fields["input"] = msgspec.Raw(_ENCODER.encode(join(before, asked.fields.get("input"))))
    return msgspec.structs.replace(
        asked, fields=fields, input_estimate=estimate(fields), form=previous.response_id
    )


def output_items(body: msgspec.Raw | bytes) -> list[msgspec.Raw]:
    """The output of a response as items of the next input. The format takes them back as they are."""
    fields = object_or_none(msgspec.Raw(bytes(body))) or {}
    return read_items(fields.get("output"))


def input_items(asked: Asked, exchange_id: str) -> list[msgspec.Raw]:
    """The input as a listing shows it: every item with an id and in its full form. Ids that the gateway makes are the
    same for the same exchange."""
    items = _as_items(asked.fields.get("input"))
    return [_full(item, number, exchange_id) for number, item in enumerate(items)]


def _as_items(raw: msgspec.Raw | None) -> list[msgspec.Raw]:
    if raw is None:
        return []
    if text_or_none(raw) is not None:
        return [object_raw({"role": msgspec.Raw(b'"user"'), "content": raw})]
    return read_items(raw)


def _id_of(raw: msgspec.Raw) -> str | None:
    fields = object_or_none(raw) or {}
    return text_or_none(fields["id"]) if "id" in fields else None


def _full(raw: msgspec.Raw, number: int, exchange_id: str) -> msgspec.Raw:
    fields = object_or_none(raw)
    if fields is None:
        return raw
    fields.setdefault("type", _MESSAGE)
    kind = text_or_none(fields["type"]) or ""
    if _id_of(raw) is None:
        made = item_id(_PREFIXES.get(kind, "item"), exchange_id, number)
        fields["id"] = msgspec.Raw(_ENCODER.encode(made))
    if kind in _WITH_STATUS:
        fields.setdefault("status", _COMPLETED)
    content = fields.get("content")
    if kind == "message" and content is not None and text_or_none(content) is not None:
        fields["content"] = _as_parts(fields, content)
    return object_raw(fields)


def _as_parts(fields: Fields, text: msgspec.Raw) -> msgspec.Raw:
    said = "role" in fields and text_or_none(fields["role"]) == "assistant"
    part: Json = {"type": "output_text" if said else "input_text", "text": text}
    if said:
        part["annotations"] = []
    return msgspec.Raw(_ENCODER.encode([part]))


def render_listing(
    items: Sequence[msgspec.Raw], limit: int = PAGE_USUAL, after: str | None = None, order: Order = "desc"
) -> bytes:
    """One page of a listing. `items` are in the order in which they were said; `after` is the id of the last item that
    the client has. Raises InvalidRequest, with `param`."""
    if not 1 <= limit <= PAGE_MOST:
        raise InvalidRequest(f"`limit` has to be from 1 to {PAGE_MOST}; it is {limit}.", param="limit")
    found = list(items) if order == "asc" else list(reversed(items))
    if after is not None:
        ids = [_id_of(item) for item in found]
        if after not in ids:
            raise InvalidRequest(
                "`after` names no item of this response. Use an id from the listing.", param="after"
            )
        found = found[ids.index(after) + 1 :]
    page = found[:limit]
    return _ENCODER.encode(
        {
            "object": "list",
            "data": page,
            "first_id": _id_of(page[0]) if page else None,
            "last_id": _id_of(page[-1]) if page else None,
            "has_more": len(found) > len(page),
        }
    )


def render_stored(stored: Stored) -> bytes:
    """A kept response as `GET` shows it: its body with the status of now, or what there is before one."""
    if stored.body is not None:
        fields = parse_object(bytes(stored.body))
        fields["status"] = msgspec.Raw(_ENCODER.encode(stored.status))
        return render_fields(fields)
    return _ENCODER.encode(_pending(stored))


def render_failed(stored: Stored, error: GatewayError) -> bytes:
    """The body of a response whose making failed."""
    code = _CODES.get(error.status, "server_error")
    failure = {"code": code, "message": error.message}
    return _ENCODER.encode(_pending(stored) | {"status": "failed", "error": failure})


def _pending(stored: Stored) -> Json:
    asked = Asked(stored.model, False, stored.fields, tier=read_string(stored.fields, "service_tier"))
    started = Started(stored.response_id, stored.model, stored.created)
    out = shell(started, asked, Stamp(stored.response_id, stored.created))
    return out | {"id": stored.response_id, "status": stored.status}


def render_deleted(response_id: str) -> bytes:
    """What `DELETE` answers."""
    return _ENCODER.encode({"id": response_id, "object": "response", "deleted": True})
