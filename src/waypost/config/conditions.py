"""Conditions in CEL (https://github.com/google/cel-spec), compiled once and asked for every request.

The interpreter is the package `common-expression-language`. Its own `__init__` draws in a command line with three
libraries (330 ms and 32 MB, measured); its extension module alone takes 9 ms and 4 MB. So that alone is loaded, and
only once there is a condition.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import Final, Protocol, cast

from waypost.config.facets import FACETS, SINGLE, hidden_header
from waypost.config.nodes import Facets
from waypost.config.problems import did_you_mean
from waypost.errors import ConfigError

MAX_CHARS: Final = 2000

_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
    |(?P<text>[rRbB]{0,2}(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<number>[0-9][0-9A-Za-z_.]*)
    |(?P<sign>&&|\|\||.)""",
    re.VERBOSE | re.DOTALL,
)
_MACROS: Final = frozenset(("all", "exists", "exists_one"))
#: Loops that build lists: the interpreter copies the list for each item, and the client chooses how many there are
#: (measured: 2 s for 8,000 items, where `exists` takes 3 ms).
_SLOW: Final = frozenset(("map", "filter"))
#: Words of the language that are no facets: constants, and types as values.
_WORDS: Final = frozenset(
    (
        *("true", "false", "null", "in"),
        *("int", "uint", "double", "string", "bool", "bytes", "list", "map", "type", "null_type"),
    )
)
_FUNCTIONS: Final = frozenset(
    (
        *("size", "contains", "startsWith", "endsWith", "matches", "has", "type", "dyn"),
        *("string", "int", "uint", "double", "bytes", "timestamp", "duration"),
        *("getFullYear", "getMonth", "getDayOfYear", "getDayOfMonth", "getDate", "getDayOfWeek"),
        *("getHours", "getMinutes", "getSeconds", "getMilliseconds"),
        *_MACROS,
    )
)
_PLACE = re.compile(r"<input>:(\d+):(\d+): (?:Syntax error: )?([^\n]*)")


class Program(Protocol):
    """A compiled expression of the library."""

    def execute(self, context: dict[str, object]) -> object: ...


class Interpreter(Protocol):
    """The library's extension module."""

    def compile(self, expression: str) -> Program: ...


class Wanted:
    """A facet that a condition reads: all of it, or some of its members."""

    __slots__ = ("members", "name")

    def __init__(self, name: str, members: tuple[str, ...] | None) -> None:
        self.name = name
        self.members = members


class CelCondition:
    """`config.nodes.Condition`."""

    __slots__ = ("_execute", "_wanted", "text")

    def __init__(self, text: str, program: Program, wanted: tuple[Wanted, ...]) -> None:
        self.text = text
        self._execute = program.execute
        self._wanted = wanted

    @property
    def facets(self) -> frozenset[str]:
        """What it reads; nothing else is worked out for it."""
        return frozenset(wanted.name for wanted in self._wanted)

    def holds(self, facets: Facets) -> bool:
        """See `Condition`. A value of another type than the condition wants is as one that is missing."""
        try:
            context = {wanted.name: _take(facets[wanted.name], wanted.members) for wanted in self._wanted}
            return self._execute(context) is True
        except BaseException as fault:  # a panic of the library is no Exception
            if isinstance(fault, KeyboardInterrupt | SystemExit):
                raise
            return False

    def __repr__(self) -> str:
        return f"CelCondition({self.text!r})"


def _take(value: object, members: tuple[str, ...] | None) -> object:
    if not isinstance(value, Mapping):
        return value
    if members is None:
        return dict(value)
    return {name: value[name] for name in members if name in value}


def compile_condition(text: str) -> CelCondition:
    """Raises ConfigError, whose message says what is wrong with the condition and where in it."""
    if len(text) > MAX_CHARS:
        raise ConfigError(f"the condition is longer than {MAX_CHARS} characters")
    try:
        program = _interpreter().compile(text)
    except ValueError as fault:
        raise ConfigError(_explain(str(fault))) from None
    return CelCondition(text, program, _Names(text).find())


@cache
def _interpreter() -> Interpreter:
    loaded = sys.modules.get("cel.cel")
    if loaded is not None:
        return cast(Interpreter, loaded)
    package = find_spec("cel")
    places = None if package is None else package.submodule_search_locations
    found = PathFinder.find_spec("cel", list(places or ()))
    if found is None or found.loader is None:
        raise ConfigError(
            "conditions need the package common-expression-language, which is not installed; run `make setup`"
        )
    module = module_from_spec(found)
    found.loader.exec_module(module)
    return cast(Interpreter, module)


def _explain(said: str) -> str:
    """The library's words without the text they quote, which may be long."""
    found = _PLACE.search(said)
    if found is None:
        return "this is not a condition"
    line, column, what = int(found[1]), int(found[2]), found[3]
    place = f"character {column}" if line == 1 else f"line {line}, character {column}"
    if "mismatched input '<EOF>'" in what or "at input '<EOF>'" in what:
        what = "it ends too early"
    elif "token recognition error" in what:
        what = "there is a character that can not stand there, or a text that is not closed"
    elif "no viable alternative" in what or "mismatched input" in what or "extraneous input" in what:
        what = "this can not stand there: " + what.partition("input ")[2].partition(" expecting")[0][:40]
    return f"the condition can not be read at {place}: {what[:120]}"


class _Names:
    """Which facets a condition names, and whether it names anything else."""

    def __init__(self, text: str) -> None:
        self._tokens = [
            (str(found.lastgroup), found.group(), found.start())
            for found in _TOKEN.finditer(text)
            if found.lastgroup != "space"
        ]
        self._text = text
        self._found: dict[str, set[str] | None] = {}

    def find(self) -> tuple[Wanted, ...]:
        """Raises ConfigError for unknown names, and for loops within loops."""
        bound = self._bound()
        words = [index for index, (kind, _, _) in enumerate(self._tokens) if kind == "word"]
        for index in words:
            if self._sign(index + 1) == "(":
                self._check_function(index)
        for index in words:
            word = self._tokens[index][1]
            if self._sign(index - 1) == "." or self._sign(index + 1) == "(":
                continue
            if word in FACETS:
                self._note(index)
            elif word not in bound and word not in _WORDS:
                raise self._unknown(index, "the condition uses the unknown name", FACETS)
        return tuple(
            Wanted(name, None if members is None else tuple(sorted(members)))
            for name, members in self._found.items()
        )

    def _bound(self) -> frozenset[str]:
        """Names that `exists(x, …)` and its like give to what they go over. One within another could take as long as
        a client likes: it is refused."""
        bound: set[str] = set()
        open_at: list[bool] = []
        for index, (kind, word, at) in enumerate(self._tokens):
            if kind != "sign" or word not in ("(", ")"):
                continue
            if word == ")":
                if open_at:
                    open_at.pop()
                continue
            loops = self._word(index - 1) in _MACROS and self._sign(index - 2) == "."
            if loops and any(open_at):
                raise ConfigError(f"the condition has a loop within a loop at {self._place(at)}")
            open_at.append(loops)
            if loops:
                name = self._word(index + 1)
                if name in FACETS:
                    raise ConfigError(f"`{name}` means something else already, at {self._place(at + 1)}")
                bound.add(name)
        return frozenset(bound)

    def _note(self, index: int) -> None:
        name = self._tokens[index][1]
        member = self._member(index)
        known = FACETS[name]
        if member is None:
            self._found[name] = None
            return
        at, member_name = member
        if name in SINGLE:
            raise ConfigError(f"`{name}` is a text and has no parts, at {self._place(self._tokens[at][2])}")
        if known is not None and member_name not in known:
            raise self._unknown(at, f"`{name}` has no", known, member_name)
        if name == "headers":
            member_name = member_name.lower() if self._tokens[at][0] == "word" else member_name
            if hidden_header(member_name.lower()):
                raise ConfigError(f"the header {member_name} holds a secret and can not be asked for")
        members = self._found.setdefault(name, set())
        if members is not None:
            members.add(member_name)

    def _member(self, index: int) -> tuple[int, str] | None:
        """`.name` or `["name"]` behind a facet; None for anything else, which reads the whole of it."""
        sign = self._sign(index + 1)
        if sign == "." and self._word(index + 2) and self._sign(index + 3) != "(":
            return index + 2, self._word(index + 2)
        if sign == "[" and self._sign(index + 3) == "]":
            kind, text, _ = self._tokens[index + 2]
            if (
                kind == "text"
                and text[0] in "\"'"
                and "\\" not in text
                and len(text.strip(text[0])) == len(text) - 2
            ):
                return index + 2, text[1:-1]
        return None

    def _check_function(self, index: int) -> None:
        _, word, at = self._tokens[index]
        if word in _SLOW:
            raise ConfigError(
                f"`{word}` is too slow here, at {self._place(at)}; `exists` and `all` do without lists"
            )
        if word not in _FUNCTIONS:
            raise self._unknown(index, "the condition uses the unknown function", _FUNCTIONS)

    def _sign(self, index: int) -> str:
        return self._of("sign", index)

    def _word(self, index: int) -> str:
        return self._of("word", index)

    def _of(self, kind: str, index: int) -> str:
        if 0 <= index < len(self._tokens) and self._tokens[index][0] == kind:
            return self._tokens[index][1]
        return ""

    def _unknown(
        self,
        index: int,
        what: str,
        known: Mapping[str, object] | frozenset[str] | tuple[str, ...],
        name: str = "",
    ) -> ConfigError:
        _, word, at = self._tokens[index]
        name = name or word
        close = did_you_mean(name, known)
        said = f"{what} {name[:40]!r} at {self._place(at)}"
        if not isinstance(known, frozenset):
            said += f"; there are {', '.join(known)}"
        return ConfigError(f"{said}. {close}" if close else said)

    def _place(self, at: int) -> str:
        line = self._text.count("\n", 0, at) + 1
        column = at - (self._text.rfind("\n", 0, at) + 1) + 1
        return f"character {column}" if line == 1 else f"line {line}, character {column}"
