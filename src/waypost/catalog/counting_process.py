"""The process that counts tokens exactly: `python -m waypost.catalog.counting_process`.

It is one of its own because building a tokenizer holds the interpreter for 140 ms and takes 60 MB, and because the
tokenizer, written in Rust, panics on some texts. It reads questions from its input and writes answers to its output,
each a message pack with its size before it, and ends with its input.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import BinaryIO, Protocol

import msgspec

from waypost.catalog.tokenizers import load_ranks
from waypost.core.encoding import Encoding

#: Bytes of the size before a frame.
SIZE = 4


class Encoder(Protocol):
    """What is asked of a tokenizer: `tiktoken.Encoding` has it."""

    def encode_ordinary(self, text: str) -> Sequence[int]: ...


class Question(msgspec.Struct, frozen=True, array_like=True):
    """Texts to count. Each is tokenized for itself, and nothing in it is taken for a special token."""

    number: int
    encoding: Encoding
    texts: list[str]


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """Their tokens together; None when the tokenizer gave up."""

    number: int
    tokens: int | None


def frame(message: Question | Answer) -> bytes:
    """A message as it goes over the pipe."""
    body = msgspec.msgpack.encode(message)
    return len(body).to_bytes(SIZE, "big") + body


def build(encoding: Encoding) -> Encoder:
    """The tokenizer, from the data that comes with this package. Raises ImportError where `tiktoken` is missing."""
    import tiktoken

    loaded = load_ranks(encoding)
    ranks = {token: rank for rank, token in enumerate(loaded.tokens)}
    made = tiktoken.Encoding(encoding, pat_str=loaded.pattern, mergeable_ranks=ranks, special_tokens={})
    ranks.clear()  # it keeps this dict, and needs only its own copy
    return made


def serve(source: BinaryIO, sink: BinaryIO, make: Callable[[Encoding], Encoder] = build) -> None:
    """Answer questions until the input ends."""
    made: dict[Encoding, Encoder] = {}
    while len(size := source.read(SIZE)) == SIZE:
        question = msgspec.msgpack.decode(source.read(int.from_bytes(size, "big")), type=Question)
        encoding = made.get(question.encoding)
        if encoding is None:
            encoding = made[question.encoding] = make(question.encoding)
        sink.write(frame(Answer(question.number, _count(encoding, question.texts))))
        sink.flush()


def _count(encoding: Encoder, texts: list[str]) -> int | None:
    try:
        return sum(len(encoding.encode_ordinary(text)) for text in texts)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # noqa: BLE001 - a panic in Rust is no Exception; that there is no count is the answer
        return None


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
