from __future__ import annotations

from waypost.dialects.gemini_generate.calls import Calls


def test_ids_by_position() -> None:
    calls = Calls("")
    calls.turn("1")
    assert [calls.made(None, "look"), calls.made("own", "look"), calls.made(None, "now")] == [
        "call_1_0",
        "own",
        "call_1_2",
    ]
    calls.turn("3")
    assert calls.made(None, "look") == "call_3_0"


def test_results_answer_by_name_and_in_order() -> None:
    calls = Calls("1")
    for name in ("look", "look", "now"):
        calls.made(None, name)
    calls.turn("2")
    assert calls.answered(None, "now") == "call_1_2"
    assert calls.answered(None, "look") == "call_1_0"
    assert calls.answered(None, "look") == "call_1_1"
    assert calls.answered(None, "look") == "result_2_3", "every call has its answer"


def test_results_answer_by_id() -> None:
    calls = Calls("1")
    calls.made("a", "look")
    calls.made("b", "look")
    assert calls.answered("b", "look") == "b"
    assert calls.answered(None, "look") == "a"
    assert calls.answered("unheard", "look") == "unheard"


def test_the_prefix_is_fit_for_an_id() -> None:
    assert Calls("a/b c_0").made(None, "f") == "call_abc_0_0"
