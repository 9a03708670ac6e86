"""The page on the life of a request has the stages of the pipeline, in its order."""

from __future__ import annotations

import re

from docs.pages import DOCS
from waypost.pipeline import run


def test_the_ten_stages_are_those_of_the_pipeline() -> None:
    text = (DOCS / "life-of-a-request.md").read_text("utf-8")
    table = re.findall(r"^\| (\d+) \| ([a-z ]+?) \|", text, re.MULTILINE)
    listed = " ".join((run.__doc__ or "").split()).partition("10 settle")
    told = re.findall(r"(\d+) ([a-z ]+?)(?: \(\w+\))?(?: ·|$)", listed[0] + listed[1])
    assert len(table) == 10
    assert table == told
