"""Why a candidate ended, or why there is none.

https://ai.google.dev/api/generate-content#FinishReason, #BlockReason; google-genai 3.6.1, `types.FinishReason`
(2026-11-25).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from waypost.core.request import Extras
from waypost.core.response import Finish
from waypost.dialects.gemini_generate.own import NAME
from waypost.dialects.taking import text_or_none

#: Others are `OTHER`, and the word is kept: LANGUAGE, OTHER, MALFORMED_FUNCTION_CALL, UNEXPECTED_TOOL_CALL,
#: TOO_MANY_TOOL_CALLS, MISSING_THOUGHT_SIGNATURE, MALFORMED_RESPONSE, NO_IMAGE, IMAGE_OTHER, … The model failed there,
#: and no other dialect has a word for it.
FINISHES: Mapping[str, Finish] = MappingProxyType(
    {
        "STOP": Finish.STOP,
        "MAX_TOKENS": Finish.LENGTH,
        "SAFETY": Finish.FILTERED,
        "RECITATION": Finish.FILTERED,
        "BLOCKLIST": Finish.FILTERED,
        "PROHIBITED_CONTENT": Finish.FILTERED,
        "SPII": Finish.FILTERED,
        "MODEL_ARMOR": Finish.FILTERED,
        "IMAGE_SAFETY": Finish.FILTERED,
        "IMAGE_PROHIBITED_CONTENT": Finish.FILTERED,
        "IMAGE_RECITATION": Finish.FILTERED,
        "CONTINUATION": Finish.PAUSED,
    }
)
#: Google says nothing of calls: a model that made some has stopped. Every block of a prompt is a filter.
WORDS: Mapping[Finish, str] = MappingProxyType(
    {
        Finish.STOP: "STOP",
        Finish.LENGTH: "MAX_TOKENS",
        Finish.TOOLS: "STOP",
        Finish.FILTERED: "SAFETY",
        Finish.REFUSED: "SAFETY",
        Finish.PAUSED: "CONTINUATION",
        Finish.OTHER: "OTHER",
    }
)
_UNSET = "FINISH_REASON_UNSPECIFIED"
FIELD = "finishReason"


def read_finish(raw: msgspec.Raw | None, has_calls: bool) -> tuple[Finish | None, bool]:
    """The reason, and whether the wire's own word has to be kept beside it. None: it has not ended."""
    word = None if raw is None else text_or_none(raw)
    if not word or word == _UNSET:
        return None, raw is not None
    finish = FINISHES.get(word, Finish.OTHER)
    if finish is Finish.STOP and has_calls:
        finish = Finish.TOOLS
    return finish, WORDS[finish] != word


def finish_word(finish: Finish, extras: Extras | None) -> object:
    """What this dialect calls it."""
    if extras is not None and extras.dialect == NAME and FIELD in extras.fields:
        return extras.fields[FIELD]
    return WORDS[finish]
