"""The process's insides, and the tokenizer itself against counts that were made with OpenAI's own."""

from __future__ import annotations

from io import BytesIO

import msgspec
import pytest

from core.written import COUNTS, TEXTS
from waypost.catalog.counting_process import SIZE, Answer, Encoder, Question, build, frame, serve
from waypost.core.encoding import Encoding


class _Panic(BaseException):
    """As `pyo3_runtime.PanicException`: no Exception."""


class _Words:
    def encode_ordinary(self, text: str) -> list[int]:
        if text == "panic":
            raise _Panic
        return [0] * len(text.split())


def _answers(written: bytes) -> list[Answer]:
    source, found = BytesIO(written), []
    while size := source.read(SIZE):
        found.append(msgspec.msgpack.decode(source.read(int.from_bytes(size, "big")), type=Answer))
    return found


def test_questions_are_answered_until_the_input_ends() -> None:
    made: list[Encoding] = []

    def make(encoding: Encoding) -> Encoder:
        made.append(encoding)
        return _Words()

    questions = [
        Question(1, "o200k_base", ["one two", "three"]),
        Question(2, "o200k_base", ["panic"]),
        Question(3, "cl100k_base", []),
        Question(4, "o200k_base", ["four"]),
    ]
    sink = BytesIO()
    serve(BytesIO(b"".join(map(frame, questions)) + b"\x00"), sink, make)
    assert _answers(sink.getvalue()) == [Answer(1, 3), Answer(2, None), Answer(3, 0), Answer(4, 1)]
    assert made == ["o200k_base", "cl100k_base"]


@pytest.mark.parametrize(("encoding", "column"), [("o200k_base", 0), ("cl100k_base", 1)])
def test_counts_are_those_of_openai(encoding: Encoding, column: int) -> None:
    encoder = build(encoding)
    counted = {kind: len(encoder.encode_ordinary(text)) for kind, text in TEXTS.items()}
    assert counted == {kind: counts[column] for kind, counts in COUNTS.items()}
    # A special token's name in a text is text.
    assert len(encoder.encode_ordinary("<|endoftext|>")) > 1
