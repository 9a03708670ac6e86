from __future__ import annotations

import random
from hashlib import sha256

import pytest

from waypost.core.tokentext import TextKind, digest_of, is_text, issue_text


@pytest.mark.parametrize("kind", ["api", "inv", "ses"])
def test_a_text_is_of_its_kind_only(kind: TextKind) -> None:
    issued = issue_text(kind, random.Random(1).randbytes)
    assert issued.text.startswith(f"wp-{kind}-{issued.text_id}_")
    assert is_text(kind, issued.text.encode())
    for other in ("api", "inv", "ses"):
        assert is_text(other, issued.text.encode()) == (other == kind)  # type: ignore[arg-type]
    assert issued.digest == digest_of(issued.text.encode()) == sha256(issued.text.encode()).digest()


def test_a_slip_is_noticed() -> None:
    text = issue_text("api", random.Random(2).randbytes).text
    for at in range(len(text)):
        wrong = text[:at] + ("x" if text[at] != "x" else "y") + text[at + 1 :]
        assert not is_text("api", wrong.encode())
    assert not is_text("api", text[:-1].encode())
    assert not is_text("api", ("é" + text[2:]).encode())


def test_a_secret_is_not_in_what_is_printed() -> None:
    issued = issue_text("api", random.Random(3).randbytes)
    assert issued.text[16:30] not in repr(issued) + issued.hint
