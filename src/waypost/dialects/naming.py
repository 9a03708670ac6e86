"""Names of tools. Makers take different ones, and a name that one of them refuses comes back as it is from another:
renaming it on the way would give the client calls of a tool it does not know, so it is refused by name instead.

https://platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools, https://ai.google.dev/api/caching#FunctionDeclaration,
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolSpecification.html and
https://platform.openai.com/docs/api-reference/responses/create (2026-11-25).
"""

from __future__ import annotations

import re

from waypost.core.loss import Loss


class Naming:
    """What one maker takes: the characters, as a class of a regular expression, and how many of them."""

    __slots__ = ("_most", "_odd", "_pattern", "_said")

    def __init__(self, characters: str, most: int, *, first: str = "", said: str) -> None:
        """`first`: the class of the first character, where it is another one. `said`: the rule in words."""
        start = f"[{first}][{characters}]{{0,{most - 1}}}" if first else f"[{characters}]{{1,{most}}}"
        self._most = most
        self._pattern = re.compile(start)
        self._odd = re.compile(f"[^{characters}]")
        self._said = f"{said}, at most {most}"

    def takes(self, name: str, where: str, loss: Loss) -> bool:
        """False for a tool that was handed to `loss`, being called what this maker refuses. Raises Unrepresentable."""
        if self._pattern.fullmatch(name):
            return True
        loss.content(
            where,
            f"{where} is called {name[:80]!r}, and the target takes {self._said}. Rename it, or choose another model.",
        )
        return False

    def mended(self, name: str) -> str:
        """The name of a call that was made before: it has to be taken back, whatever the tool was called then."""
        if self._pattern.fullmatch(name):
            return name
        mended = self._odd.sub("_", name)[: self._most - 1]
        return mended if self._pattern.fullmatch(mended) else f"_{mended}"


_PLAIN = "letters, digits, `_` and `-`"
CLAUDE = Naming("a-zA-Z0-9_-", 128, said=_PLAIN)
BEDROCK = Naming("a-zA-Z0-9_-", 64, said=_PLAIN)
OPENAI = Naming("a-zA-Z0-9_-", 64, said=_PLAIN)
GOOGLE = Naming(
    "a-zA-Z0-9_.:-",
    128,
    first="a-zA-Z_",
    said="letters, digits, `_`, `.`, `:` and `-`, a letter or `_` first",
)
