"""How many tokens a text has, where no tokenizer is at hand: a central estimate, not one on the safe side.

A text falls into pieces much as a byte-pair tokenizer cuts it before it merges: words with the mark before them,
numbers of up to three digits, runs of marks, line breaks. What a piece costs was fitted to OpenAI's `o200k_base` over
the documentation, code and JSON of this repository and the texts in `tests/core/written.py`, which also says how far
it is off. Other vendors' tokenizers differ from that one and from each other; they publish no factors.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

#: Longer texts are judged by slices of them, so that an estimate takes three milliseconds at most.
_SLICES = 8
_SLICE = 2048

_PIECES = re.compile(
    r"""
      (?P<dense> (?=[A-Za-z+/_=-]{0,32}[0-9]) [A-Za-z0-9_+/=-]{48,} )
    | (?P<latin> [^\r\n\w]? (?: [A-Z]*+[a-z]++ | [A-Z]++ ) (?![À-ɏ]) )
    | (?P<accented> [^\r\n\w]? [A-Za-zÀ-ɏ]+ )
    | (?P<digits> [0-9]{1,3} )
    | (?P<greek> [^\r\n\w]? [Ͱ-Ͽ]+ )
    | (?P<cyrillic> [^\r\n\w]? [Ѐ-֏]+ )
    | (?P<semitic> [^\r\n\w]? [\u0590-\u08ff]+ )
    | (?P<indic> [^\r\n\w]? [\u0900-\u0dff]+ )
    | (?P<spaceless> [^\r\n\w]? [\u0e00-\u0fff]+ )
    | (?P<kana> [\u3040-\u30ff]+ )
    | (?P<han> [\u3400-\u9fff]+ )
    | (?P<hangul> [^\r\n\w]? [\uac00-\ud7af]+ )
    | (?P<marks> [ ]? [!-/:-@\[-`{-~\u2000-\u206f\u3000-\u303f\uff00-\uffef]+ [\r\n/]* )
    | (?P<breaks> \s*[\r\n]+ )
    | (?P<spaces> \s+ )
    | (?P<other> . )
    """,
    re.VERBOSE,
)
#: By kind of piece: tokens of one, the characters that are among these, and tokens per character beyond.
_COSTS: Mapping[str, tuple[float, int, float]] = MappingProxyType(
    {
        "dense": (1.0, 1, 0.62),
        "latin": (1.0, 7, 0.07),
        "accented": (1.6, 4, 0.35),
        "digits": (1.1, 3, 0.0),
        "greek": (1.0, 1, 0.22),
        "cyrillic": (1.0, 1, 0.17),
        "semitic": (1.0, 1, 0.17),
        "indic": (1.0, 1, 0.11),
        "spaceless": (1.0, 1, 0.45),
        "kana": (1.0, 1, 0.55),
        "han": (1.0, 1, 0.82),
        "hangul": (1.0, 1, 0.45),
        "marks": (0.87, 1, 0.22),
        "breaks": (1.3, 8, 0.0),
        "spaces": (1.0, 1, 0.02),
        "other": (1.3, 1, 0.0),
    }
)


def estimate_tokens(text: str) -> int:
    """Tokens, within a fifth for a text of a few hundred characters or more, whatever it is written in."""
    size = len(text)
    if size <= _SLICES * _SLICE:
        return round(_weigh(text))
    starts = [number * (size - _SLICE) // (_SLICES - 1) for number in range(_SLICES)]
    slices = (text[start : start + _SLICE] for start in starts)
    return round(sum(_weigh(piece) for piece in slices) * size / (_SLICES * _SLICE))


def _weigh(text: str) -> float:
    total = 0.0
    for found in _PIECES.finditer(text):
        assert found.lastgroup is not None  # noqa: S101 - every alternative has a name
        first, among, more = _COSTS[found.lastgroup]
        beyond = found.end() - found.start() - among
        total += first + more * beyond if beyond > 0 else first
    return total
