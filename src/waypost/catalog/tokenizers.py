"""Which models count their tokens by a public tokenizer, and what such a tokenizer is made of.

The table follows OpenAI's own: https://github.com/openai/tiktoken/blob/0.14.0/tiktoken/model.py (2026-11-26). What
stands around a message is known of the models that OpenAI's cookbook names (three tokens per message and three before
the answer: https://github.com/openai/openai-cookbook/blob/main/examples/How_to_count_tokens_with_tiktoken.ipynb,
2026-11-26); reasoning models and gpt-oss are shown more than the request says, so theirs is near and not exact.

The data files hold OpenAI's merge ranks (MIT licence), packed by `tools/pack_tokenizers.py`. Nothing is downloaded.
"""

from __future__ import annotations

from importlib.resources import files

import msgspec

from waypost.core.encoding import Encoding

_DATA = "{}.ranks.xz"


class Tokenizer(msgspec.Struct, frozen=True):
    """How a model's tokens are counted. `framed`: what stands around its messages is published."""

    encoding: Encoding
    framed: bool = False


class Ranks(msgspec.Struct, frozen=True):
    """A tokenizer's data: the expression that cuts a text, and its tokens in the order in which they are merged."""

    pattern: str
    tokens: tuple[bytes, ...]


class _Packed(msgspec.Struct, frozen=True):
    pattern: str
    sizes: bytes
    tokens: bytes


_OLD_CHAT = Tokenizer("cl100k_base", framed=True)
_CHAT = Tokenizer("o200k_base", framed=True)
_REASONING = Tokenizer("o200k_base")
#: By the beginning of a model's id; behind it the id ends, or goes on with a mark. Longer ones come first.
_FAMILIES: tuple[tuple[str, Tokenizer], ...] = (
    ("text-embedding-ada-002", Tokenizer("cl100k_base")),
    ("text-embedding-3", Tokenizer("cl100k_base")),
    ("gpt-3.5-turbo", _OLD_CHAT),
    ("gpt-35-turbo", _OLD_CHAT),  # Azure's spelling
    ("babbage-002", Tokenizer("cl100k_base")),
    ("davinci-002", Tokenizer("cl100k_base")),
    ("chatgpt-4o", _CHAT),
    ("gpt-4.1", _CHAT),
    ("gpt-4.5", _REASONING),
    ("gpt-oss", _REASONING),
    ("o4-mini", _REASONING),
    ("gpt-4o", _CHAT),
    ("gpt-4", _OLD_CHAT),
    ("gpt-5", _REASONING),
    ("o1", _REASONING),
    ("o3", _REASONING),
)


def find_tokenizer(model: str) -> Tokenizer | None:
    """That of a model by its provider's id, with or without its maker's name (`openai/gpt-4o`) or a tuning's (`ft:`);
    None: it has no public one, or none that is known here."""
    name = model.rpartition("/")[2].removeprefix("ft:").lower()
    for family, tokenizer in _FAMILIES:
        if name.startswith(family) and not name[len(family) : len(family) + 1].isalnum():
            return tokenizer
    return None


def pack_ranks(ranks: Ranks) -> bytes:
    """The data file. The same bytes for the same ranks."""
    import lzma

    packed = _Packed(ranks.pattern, bytes(map(len, ranks.tokens)), b"".join(ranks.tokens))
    return lzma.compress(msgspec.msgpack.encode(packed), preset=9 | lzma.PRESET_EXTREME)


def load_ranks(encoding: Encoding) -> Ranks:
    """Unpack a data file: 200 ms and 30 MB, which is why no gateway does it in its own process."""
    import lzma

    blob = files("waypost.catalog").joinpath(_DATA.format(encoding)).read_bytes()
    packed = msgspec.msgpack.decode(lzma.decompress(blob), type=_Packed)
    tokens, start = [], 0
    for size in packed.sizes:
        tokens.append(packed.tokens[start : start + size])
        start += size
    return Ranks(packed.pattern, tuple(tokens))
