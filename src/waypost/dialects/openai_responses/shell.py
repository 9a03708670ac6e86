"""The response object around the output, with the request's settings echoed in it.

Which fields there are, and what they are when nothing was asked:
https://platform.openai.com/docs/api-reference/responses/object, and `Response` in openai-python 3.52 (2026-11-25).
"""

from __future__ import annotations

from types import MappingProxyType

import msgspec

from waypost.core.asked import Asked, Stamp
from waypost.core.events import Started
from waypost.dialects.fields import NULL, Fields
from waypost.dialects.openai_responses.identity import RESPONSE, response_id
from waypost.dialects.taking import Json

_NULL = msgspec.Raw(NULL)
#: Echoed settings, and what stands for one that the request does not have. Which temperature a target of another
#: dialect then uses is not known, so it is null.
_ECHOED = MappingProxyType(
    {
        "background": msgspec.Raw(b"false"),
        "conversation": _NULL,
        "instructions": _NULL,
        "max_output_tokens": _NULL,
        "max_tool_calls": _NULL,
        "metadata": msgspec.Raw(b"{}"),
        "parallel_tool_calls": msgspec.Raw(b"true"),
        "previous_response_id": _NULL,
        "prompt_cache_key": _NULL,
        "reasoning": msgspec.Raw(b'{"effort":null,"summary":null}'),
        "safety_identifier": _NULL,
        "temperature": _NULL,
        "text": msgspec.Raw(b'{"format":{"type":"text"}}'),
        "tool_choice": msgspec.Raw(b'"auto"'),
        "tools": msgspec.Raw(b"[]"),
        "top_logprobs": msgspec.Raw(b"0"),
        "top_p": _NULL,
        "truncation": msgspec.Raw(b'"disabled"'),
        "user": _NULL,
    }
)
#: Echoed when the request has them.
_IF_ASKED = ("prompt", "prompt_cache_options", "prompt_cache_retention", "store")


def echo(fields: Fields) -> Json:
    """The settings of a request as a response shows them."""
    out: Json = {**_ECHOED}
    for name, given in fields.items():
        if name in _ECHOED and bytes(given) != NULL:
            out[name] = given
    if "conversation" in fields and bytes(fields["conversation"])[:1] == b'"':
        out["conversation"] = {"id": fields["conversation"]}
    out.update({name: fields[name] for name in _IF_ASKED if name in fields})
    return out


def shell(started: Started, asked: Asked, stamp: Stamp) -> Json:
    """A response under way, before its output. An id of another dialect is replaced by one of the gateway's."""
    own = started.response_id.startswith(RESPONSE)
    return {
        "id": started.response_id if own else response_id(stamp.exchange_id),
        "object": "response",
        "created_at": stamp.created if started.created is None else started.created,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "model": started.model,
        "output": [],
        "service_tier": asked.tier or "auto" if started.tier is None else started.tier,
        **echo(asked.fields),
        # A conversation that the gateway put together: see `state.continued`.
        **({"previous_response_id": asked.form} if asked.form else {}),
        "usage": None,
    }
