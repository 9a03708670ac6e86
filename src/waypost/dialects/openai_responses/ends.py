"""How a response ends, and what the core calls it.

`status` and `incomplete_details.reason`: https://platform.openai.com/docs/api-reference/responses/object (2026-11-25).
"""

from __future__ import annotations

import msgspec

from waypost.core.request import Extras, Opaque, ToolCall
from waypost.core.response import Finish, ReplyPart
from waypost.dialects.fields import NULL, Fields, loose_string
from waypost.dialects.openai_responses.own import NAME
from waypost.dialects.openai_responses.parts import type_of
from waypost.dialects.taking import object_or_none

#: Reasons of an incomplete response; the others are `OTHER`.
REASONS = {"max_output_tokens": Finish.LENGTH, "content_filter": Finish.FILTERED}
#: Items that wait for the client, besides calls of its functions.
WAITING = frozenset(
    {"computer_call", "local_shell_call", "shell_call", "apply_patch_call", "mcp_approval_request"}
)
#: What a finish is here: the status, and the reason of an incomplete response. A refusal of the model has no status of
#: its own; where it comes without words, a filter is what clients know.
ENDS: dict[Finish, tuple[str, str | None]] = {
    Finish.STOP: ("completed", None),
    Finish.TOOLS: ("completed", None),
    Finish.PAUSED: ("completed", None),
    Finish.OTHER: ("completed", None),
    Finish.LENGTH: ("incomplete", "max_output_tokens"),
    Finish.FILTERED: ("incomplete", "content_filter"),
    Finish.REFUSED: ("incomplete", "content_filter"),
}
#: An answer that was cut, and nobody said why.
_CUT: tuple[str, str | None] = ("incomplete", None)
_KEPT = ("status", "incomplete_details")


def read_finish(response: Fields, waits: bool) -> tuple[Finish, Extras | None]:
    """`waits`: a call of a tool is in the output. Where the core has no word, the response's own stay in the extras."""
    status = loose_string(response.get("status"))
    if status in ("completed", None):
        return (Finish.TOOLS if waits else Finish.STOP), None
    details = object_or_none(response.get("incomplete_details")) or {}
    finish = REASONS.get(loose_string(details.get("reason")) or "") if status == "incomplete" else None
    if finish is not None:
        return finish, None
    return Finish.OTHER, Extras(NAME, {name: response[name] for name in _KEPT if name in response})


def waits_for_client(part: ReplyPart) -> bool:
    """Whether a part is a call that the client has to answer."""
    if isinstance(part, ToolCall):
        return True
    return isinstance(part, Opaque) and part.dialect == NAME and type_of(part.data) in WAITING


def end_fields(finish: Finish | None, extras: Extras | None) -> dict[str, object]:
    """`status` and `incomplete_details` of a response that ended so."""
    own = extras.fields if extras is not None and extras.dialect == NAME else {}
    status, reason = _CUT if finish is None else ENDS[finish]
    details: object = msgspec.Raw(NULL) if reason is None else {"reason": reason}
    return {
        "status": own.get("status", status),
        "incomplete_details": own.get("incomplete_details", details),
    }
