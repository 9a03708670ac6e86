from __future__ import annotations

from waypost.errors import Rejected, TimedOut


def test_the_providers_own_words_go_on() -> None:
    error = Rejected("No.", status=422, body=b"{}", param="x")
    assert (error.status, error.body, error.param) == (422, b"{}", "x")
    assert Rejected.status == 502


def test_a_deadline_says_which_and_whether_it_may_have_cost() -> None:
    assert (TimedOut("x", phase="idle").phase, TimedOut("x", phase="idle").may_have_billed) == ("idle", True)
    assert not TimedOut("x", phase="connect", may_have_billed=False).may_have_billed
