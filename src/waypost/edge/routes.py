"""Which paths exist. Matching is exact; what is decided later is decided on the matched route, never on the path."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import get_close_matches
from itertools import takewhile
from typing import Literal

import msgspec

from waypost.core.asked import PathAsk
from waypost.dialects.dialect import NO_PATH, Dialect, Entry
from waypost.errors import MethodNotAllowed, NotFound

Purpose = Literal[
    "call",
    "socket",
    "models",
    "model",
    "response",
    "response_items",
    "response_cancel",
    "explain",
    "generation",
    "targets",
    "drills",
    "drill",
    "files",
    "file",
    "file_content",
    "batches",
    "batch",
    "batch_cancel",
    "control",
    "live",
    "ready",
    "health",
    "metrics",
    "hello",
]

_PREFIXES = ("/v1", "", "/api/v1")
#: Where Gemini's clients look: https://ai.google.dev/api/models (2026-11-25).
_GEMINI_MODELS = ("/v1beta/models", "/v1alpha/models")
_MODELS = (*(f"{prefix}/models" for prefix in _PREFIXES), *_GEMINI_MODELS)
#: Characters of the last part of a path that does not exist which are compared with those that do.
_COMPARED = 32
_READ = frozenset(("GET", "HEAD"))
_GET = frozenset(("GET",))
_POST = frozenset(("POST",))
#: Kept answers: https://platform.openai.com/docs/api-reference/responses (2026-11-25).
_RESPONSES = tuple(f"{prefix}/responses/" for prefix in _PREFIXES)
_OF_RESPONSE: dict[str, tuple[Purpose, frozenset[str]]] = {
    "": ("response", frozenset(("GET", "DELETE"))),
    "input_items": ("response_items", frozenset(("GET",))),
    "cancel": ("response_cancel", _POST),
}
#: What the gateway tells of its own work, and takes orders for, by the path behind a prefix.
_DESK: dict[str, tuple[Purpose, frozenset[str]]] = {
    "/route/explain": ("explain", _POST),
    "/generation": ("generation", _GET),  # OpenRouter's own, with `?id=`
    "/targets": ("targets", _GET),
    "/drills": ("drills", frozenset(("GET", "POST"))),
}
_DESK_NAMED: dict[str, tuple[Purpose, frozenset[str]]] = {
    "/generations/": ("generation", _GET),
    "/drills/": ("drill", frozenset(("GET", "DELETE"))),
}
#: https://developers.openai.com/api/reference/resources/files and …/batches (2026-11-26).
_STORED: dict[str, tuple[Purpose, frozenset[str]]] = {
    "/files": ("files", frozenset(("GET", "POST"))),
    "/batches": ("batches", frozenset(("GET", "POST"))),
}
_STORED_NAMED: dict[tuple[str, str], tuple[Purpose, frozenset[str]]] = {
    ("files", ""): ("file", frozenset(("GET", "DELETE"))),
    ("files", "content"): ("file_content", _GET),
    ("batches", ""): ("batch", _GET),
    ("batches", "cancel"): ("batch_cancel", _POST),
}


class Matched(msgspec.Struct, frozen=True):
    """A route: what it is for, how it may be asked, and the dialect it speaks if it is a call."""

    purpose: Purpose
    methods: frozenset[str]
    dialect: Dialect | None = None
    model: str | None = None
    """The model id in the path, for `model`."""
    response_id: str = ""
    """For the `response…` purposes."""
    desk: bool = False
    """It is answered by the gateway's desk (`edge.gate.Desk`)."""
    stored: bool = False
    """It is answered by the gateway's storeroom (`edge.gate.Storeroom`)."""
    name: str = ""
    """For the desk and the storeroom: the id in the path."""
    gemini: bool = False
    """`models` and `model` in the form of Gemini's clients."""
    path: PathAsk = NO_PATH
    """What else the path says, for `call`."""
    forms: bool = False
    """A call may come as `multipart/form-data`."""
    spoken: Dialect | None = None
    """For `socket`: what is spoken on the WebSocket."""

    def with_query(self, query: bytes) -> PathAsk:
        """`path` with the request's query."""
        return msgspec.structs.replace(self.path, query=query)


class _Pattern(msgspec.Struct, frozen=True):
    """An entry with a model in its path."""

    before: str
    after: str
    dialect: Dialect
    entry: Entry

    def match(self, path: str) -> Matched | None:
        if len(path) <= len(self.before) + len(self.after):
            return None
        if not path.startswith(self.before) or not path.endswith(self.after):
            return None
        model = path[len(self.before) : len(path) - len(self.after)]
        asked = PathAsk(model, self.entry.stream, self.entry.form)
        return Matched("call", _POST, self.dialect, path=asked)


class Routes:
    """The table, built once."""

    def __init__(
        self,
        dialects: Iterable[Dialect],
        control: Callable[[str], frozenset[str] | None] | None = None,
    ) -> None:
        """`control`: what a path of the control API takes; None for a path that is not its."""
        self._control = control
        self._exact: dict[str, Matched] = {
            "/": Matched("hello", _READ),
            "/livez": Matched("live", _READ),
            "/readyz": Matched("ready", _READ),
            "/healthz": Matched("health", _READ),
            "/metrics": Matched("metrics", _READ),
        }
        self._patterns: list[_Pattern] = []
        shown: list[str] = []
        for dialect in dialects:
            for entry in dialect.entries:
                shown.append(
                    f"{'GET' if entry.socket else 'POST'} {'/v1' if entry.mounted else ''}{entry.path}"
                )
                for prefix in _PREFIXES if entry.mounted else ("",):
                    self._add(prefix + entry.path, dialect, entry)
        for path in _MODELS:
            self._exact[path] = Matched("models", _READ, gemini=path in _GEMINI_MODELS)
        for prefix in _PREFIXES:
            for path, (purpose, methods) in _DESK.items():
                self._exact[prefix + path] = Matched(purpose, methods, desk=True)
            for path, (purpose, methods) in _STORED.items():
                self._exact[prefix + path] = Matched(purpose, methods, stored=True)
        shown += [
            "GET /v1/models",
            "GET /v1/models/{id}",
            "GET, DELETE /v1/responses/{id}",
            "GET /v1/responses/{id}/input_items",
            "POST /v1/responses/{id}/cancel",
            "POST /v1/route/explain",
            "GET /v1/generations/{id}",
            "GET /v1/generation?id=",
            "GET /v1/targets",
            "GET, POST /v1/drills",
            "GET, DELETE /v1/drills/{id}",
            "GET, POST /v1/files",
            "GET, DELETE /v1/files/{id}",
            "GET /v1/files/{id}/content",
            "GET, POST /v1/batches",
            "GET /v1/batches/{id}",
            "POST /v1/batches/{id}/cancel",
            "GET /livez",
            "GET /readyz",
            "GET /healthz",
            "GET /metrics",
        ]
        if control is not None:
            shown.append("GET /api/openapi.json")
        self.shown: tuple[str, ...] = tuple(shown)

    def _add(self, path: str, dialect: Dialect, entry: Entry) -> None:
        before, slot, after = path.partition("{model}")
        if entry.socket:
            self._exact[path] = Matched("socket", _GET, spoken=dialect)
        elif slot:
            self._patterns.append(_Pattern(before, after, dialect, entry))
        else:
            said = PathAsk("", entry.stream, entry.form)
            self._exact[path] = Matched("call", _POST, dialect, path=said, forms=entry.forms)

    def calls(self) -> Iterator[tuple[str, Dialect]]:
        """The paths of calls that hold no model."""
        for path, matched in self._exact.items():
            if matched.dialect is not None:
                yield path, matched.dialect

    def find(self, path: str) -> Matched:
        """The route of a decoded path without its query. A trailing slash makes no difference. Raises NotFound."""
        found = self._exact.get(path)
        if found is not None:
            return found
        if self._control is not None and path.startswith("/api/"):
            methods = self._control(path)
            if methods is not None:
                return Matched("control", methods)
        bare = path.rstrip("/") or "/"
        found = self._exact.get(bare)
        if found is not None:
            return found
        for pattern in self._patterns:
            match = pattern.match(bare)
            if match is not None:
                return match
        named = _find_named(bare)
        if named is not None:
            return named
        raise NotFound(_no_such_path(bare, self.shown))


def _no_such_path(path: str, shown: Sequence[str]) -> str:
    """The words for a path that does not exist, with those whose last part looks most like its own."""
    by_end: dict[str, list[str]] = {}
    for each in shown:
        by_end.setdefault(each.rpartition("/")[2], []).append(each)
    ends = get_close_matches(path.rpartition("/")[2][:_COMPARED], by_end, n=2, cutoff=0.75)
    if not ends:
        return "There is no such path here. GET / lists those that there are."
    meant = " or ".join(max(by_end[end], key=lambda each: _alike(each, path)) for end in ends)
    return f"There is no such path here. Was it {meant}? GET / lists all that there are."


def _alike(shown: str, path: str) -> int:
    """How many of the last characters are the same."""
    same = takewhile(lambda pair: pair[0] == pair[1], zip(reversed(shown), reversed(path), strict=False))
    return sum(1 for _ in same)


def _find_named(bare: str) -> Matched | None:
    """Paths of the gateway's own that end in an id."""
    for base in _RESPONSES:
        if bare.startswith(base):
            response_id, _, rest = bare[len(base) :].partition("/")
            if rest in _OF_RESPONSE:
                purpose, methods = _OF_RESPONSE[rest]
                return Matched(purpose, methods, response_id=response_id)
    for prefix in _PREFIXES:
        for base, (purpose, methods) in _DESK_NAMED.items():
            if bare.startswith(prefix + base):
                return Matched(purpose, methods, desk=True, name=bare[len(prefix) + len(base) :])
        if bare.startswith((f"{prefix}/files/", f"{prefix}/batches/")):
            kind, _, rest = bare[len(prefix) + 1 :].partition("/")
            name, _, part = rest.partition("/")
            found = _STORED_NAMED.get((kind, part))
            if found is not None:
                return Matched(*found, stored=True, name=name)
    for base in _MODELS:
        if bare.startswith(base + "/"):
            return Matched("model", _READ, model=bare[len(base) + 1 :], gemini=base in _GEMINI_MODELS)
    return None


def check_method(route: Matched, method: str) -> None:
    """Raises MethodNotAllowed; the answer's `allow` header comes from the route."""
    if method not in route.methods:
        raise MethodNotAllowed(f"This path takes {allow(route)}, not {method[:16]}.")


def allow(route: Matched) -> str:
    return ", ".join(sorted(route.methods))
