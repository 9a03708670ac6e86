"""The OpenAPI 3.1 document, from the table and the types (https://spec.openapis.org/oas/v3.1.1, read 2026-11-26)."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from types import ModuleType
from typing import Any, Final

import msgspec

from waypost.admin.caller import PLAIN_COOKIE, SECURE_COOKIE
from waypost.admin.decode import CURSOR, CURSOR_MOST, LIMIT, LIMIT_MOST
from waypost.admin.problem import Problem
from waypost.admin.route import Route

_REF: Final = "#/components/schemas/{name}"
_WORDS: Final = {
    200: "It is done.",
    201: "It was made.",
    204: "It is done; there is nothing to tell.",
    304: "It is what you have.",
    400: "The request is not what this path takes; `errors` says where.",
    401: "Nobody is signed in, or the token or the password is wrong.",
    403: "The caller may not do this.",
    404: "It is not there, or the caller may not know of it.",
    409: "It contradicts what is there.",
    412: "`If-Match` or `If-None-Match` does not hold.",
    413: "The body is too large.",
    415: "The body is not said to be JSON.",
    422: "A rule is broken, or something that is named is not there; `errors` says where.",
    429: "Too many tries; `Retry-After` says how long to wait.",
    503: "The database does not answer now; `Retry-After` may say how long to wait.",
}
_ABOUT: Final = (
    "People, keys, budgets and limits of a Waypost gateway. Times are Unix seconds; money is dollars as exact decimal "
    "strings. Errors are `application/problem+json`."
)
_PARAMETERS: Final = {
    "organization": "The organization's name.",
    "user": "A person's e-mail address, or their id.",
    "key": "The key's id.",
    "token": "The token's id.",
    "invitation": "The invitation's id.",
    "session": "The session's id.",
    "name": "The name: 1 to 63 lower-case letters, digits, dots, dashes and underscores.",
}


def render(routes: Iterable[Route], version: str) -> dict[str, Any]:
    """The document."""
    rows = tuple(routes)
    schemas = _schemas(rows)
    paths: dict[str, dict[str, Any]] = {}
    for route in rows:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Waypost control API", "version": version or "0", "description": _ABOUT},
        "servers": [{"url": "/"}],
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token, `wp-api-…`. A client's key opens nothing here.",
                },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": SECURE_COOKIE,
                    "description": f"Set by POST /api/v1/session; `{PLAIN_COOKIE}` over plain HTTP on the machine. "
                    "Changes need `Sec-Fetch-Site: same-origin`, an `Origin` that is the host, or `x-waypost-csrf`.",
                },
            },
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    permission = route.permission
    told: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [_tag(route)],
        "x-permission": permission if isinstance(permission, str) else list(permission),
        "responses": dict(_responses(route)),
    }
    if permission == "public":
        told["security"] = []
    parameters = list(_parameters(route))
    if parameters:
        told["parameters"] = parameters
    if route.takes is not None:
        content: dict[str, Any] = {"schema": _ref(route.takes)}
        if route.example is not None:
            content["example"] = route.example
        kinds = ("application/json", "application/merge-patch+json")[: 2 if route.method == "PATCH" else 1]
        told["requestBody"] = {"required": True, "content": dict.fromkeys(kinds, content)}
    return told


def _tag(route: Route) -> str:
    fixed = [part for part in route.parts[2:] if part[0] != "{"]
    return (
        fixed[1]
        if len(fixed) > 1 and fixed[0] in ("organizations", "gateway")
        else (fixed or ["document"])[0]
    )


def _parameters(route: Route) -> Iterator[dict[str, Any]]:
    for part in route.parts:
        if part[0] == "{":
            name = part[1:-1]
            text = {"type": "string", "minLength": 1, "maxLength": 200}
            about = _PARAMETERS[name]
            yield {"name": name, "in": "path", "required": True, "schema": text, "description": about}
    if route.lists:
        size = {"type": "integer", "minimum": 1, "maximum": LIMIT_MOST, "default": LIMIT}
        yield {"name": "limit", "in": "query", "schema": size, "description": "How many at most."}
        after = {"type": "string", "maxLength": CURSOR_MOST, "pattern": CURSOR}
        about = "Where the page begins: what `next` of the page before says."
        yield {"name": "after", "in": "query", "schema": after, "description": about}
    for each in route.query:
        yield {"name": each.name, "in": "query", "schema": dict(each.schema), "description": each.about}
    if route.tags:
        tag = {"type": "string"}
        if route.method != "GET":
            about = "Only if it is at this revision."
            yield {"name": "If-Match", "in": "header", "schema": tag, "description": about}
        about = "Only if it is at another one; `*`: only if it is not there."
        yield {"name": "If-None-Match", "in": "header", "schema": tag, "description": about}


def _responses(route: Route) -> Iterator[tuple[str, dict[str, Any]]]:
    for status in (route.status, *route.also):
        told: dict[str, Any] = {"description": _WORDS[status]}
        if route.gives is not None and status not in (204, 304):
            schema = {"type": "object"} if route.gives is dict else _ref(route.gives)
            told["content"] = {"application/json": {"schema": schema}}
            if route.csv:
                told["content"]["text/csv"] = {"schema": {"type": "string"}}
        if route.tags and status != 204:
            told["headers"] = {"ETag": {"schema": {"type": "string"}, "description": "The revision."}}
        yield str(status), told
    for status in sorted(set(_refusals(route))):
        problem = {"application/problem+json": {"schema": _ref(Problem)}}
        yield str(status), {"description": _WORDS[status], "content": problem}


def _refusals(route: Route) -> Iterator[int]:
    yield from route.errors
    yield from (400, 503)
    if route.takes is not None:
        yield from (413, 415)
    if route.permission != "public":
        yield from (401, 403)
    if "{" in route.path:
        yield 404
    if route.method != "GET" and route.permission == "public":
        yield 403


def _ref(kind: type[Any]) -> dict[str, str]:
    return {"$ref": _REF.format(name=kind.__name__)}


def _schemas(rows: Iterable[Route]) -> dict[str, Any]:
    kinds: dict[str, type[Any]] = {Problem.__name__: Problem}
    for route in rows:
        for kind in (route.takes, route.gives):
            if kind is not None and kind is not dict:
                kinds[kind.__name__] = kind
    _, found = msgspec.json.schema_components(tuple(kinds.values()), ref_template=_REF)
    texts = FieldTexts()
    for name, schema in found.items():
        kind = kinds.get(name) or _nested(kinds.values(), name)
        if kind is not None:
            _describe(schema, texts.of(getattr(kind, "__patch_of__", kind)))
            if kind.__name__.endswith(("View", "Page", "Made", "Problem")):
                schema["additionalProperties"] = False
    return msgspec.convert(msgspec.to_builtins(found), dict[str, Any])


def _nested(kinds: Iterable[type[Any]], name: str) -> type[Any] | None:
    """A type that stands in another one."""
    for kind in kinds:
        for field in msgspec.structs.fields(kind):
            for inner in (field.type, *getattr(field.type, "__args__", ())):
                if getattr(inner, "__name__", "") == name and isinstance(inner, type):
                    return inner
    return None


def _describe(schema: dict[str, Any], told: Mapping[str, str]) -> None:
    for name, about in told.items():
        field = schema.get("properties", {}).get(name)
        if field is not None and "$ref" not in field:
            field["description"] = about


class FieldTexts:
    """What the texts below a class's fields say. Python does not keep them, so they are read from the source, of each
    module once."""

    def __init__(self) -> None:
        self._modules: dict[str, dict[str, dict[str, str]]] = {}

    def of(self, kind: type[Any]) -> dict[str, str]:
        """By the names of the fields; empty where there is no source."""
        name = kind.__module__
        if name not in self._modules:
            self._modules[name] = _read_module(sys.modules.get(name))
        return self._modules[name].get(kind.__name__, {})


def _read_module(module: ModuleType | None) -> dict[str, dict[str, str]]:
    try:
        tree = ast.parse(inspect.getsource(module)) if module is not None else None
    except (OSError, TypeError, SyntaxError):
        tree = None
    if tree is None:
        return {}
    return {node.name: _read_class(node) for node in tree.body if isinstance(node, ast.ClassDef)}


def _read_class(node: ast.ClassDef) -> dict[str, str]:
    told: dict[str, str] = {}
    for field, text in pairwise(node.body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
        ):
            told[field.target.id] = " ".join(str(text.value.value).split())
    return told
