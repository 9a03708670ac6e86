from __future__ import annotations

import msgspec
import pytest

from waypost.core.request import Extras
from waypost.core.response import Finish
from waypost.dialects.gemini_generate.finish import FINISHES, WORDS, finish_word, read_finish


def raw(word: str) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(word))


@pytest.mark.parametrize(
    ("word", "finish", "kept"),
    [
        ("STOP", Finish.STOP, False),
        ("MAX_TOKENS", Finish.LENGTH, False),
        ("SAFETY", Finish.FILTERED, False),
        ("RECITATION", Finish.FILTERED, True),
        ("BLOCKLIST", Finish.FILTERED, True),
        ("PROHIBITED_CONTENT", Finish.FILTERED, True),
        ("SPII", Finish.FILTERED, True),
        ("IMAGE_SAFETY", Finish.FILTERED, True),
        ("CONTINUATION", Finish.PAUSED, False),
        ("LANGUAGE", Finish.OTHER, True),
        ("OTHER", Finish.OTHER, False),
        ("MALFORMED_FUNCTION_CALL", Finish.OTHER, True),
        ("UNEXPECTED_TOOL_CALL", Finish.OTHER, True),
        ("TOO_MANY_TOOL_CALLS", Finish.OTHER, True),
        ("MISSING_THOUGHT_SIGNATURE", Finish.OTHER, True),
        ("OF_THE_FUTURE", Finish.OTHER, True),
    ],
)
def test_reasons(word: str, finish: Finish, kept: bool) -> None:
    assert read_finish(raw(word), False) == (finish, kept)
    extras = Extras("gemini_generate", {"finishReason": raw(word)}) if kept else None
    assert finish_word(finish, extras) == (raw(word) if kept else word)


def test_not_ended() -> None:
    assert read_finish(None, False) == (None, False)
    assert read_finish(raw("FINISH_REASON_UNSPECIFIED"), False) == (None, True)
    assert read_finish(msgspec.Raw(b"null"), False) == (None, True)


def test_a_model_that_calls_has_stopped() -> None:
    assert read_finish(raw("STOP"), True) == (Finish.TOOLS, False)
    assert read_finish(raw("MAX_TOKENS"), True) == (Finish.LENGTH, False)
    assert finish_word(Finish.TOOLS, None) == "STOP"


def test_every_reason_of_the_core_has_a_word() -> None:
    assert WORDS.keys() == set(Finish)
    assert set(FINISHES.values()) < set(Finish)
