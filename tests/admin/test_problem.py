from __future__ import annotations

import msgspec

from waypost.admin.problem import said
from waypost.errors import Forbidden, InvalidValue, NotSignedIn, RateLimited


def test_a_problem_says_what_to_do() -> None:
    told = said(InvalidValue("No such team.", param="teams[0].team"), "/api/v1/x", "req_9")
    assert told.status == 422
    assert dict(told.headers)[b"content-type"] == b"application/problem+json"
    assert msgspec.json.decode(told.body) == {
        "type": "urn:waypost:error:invalid_value",
        "title": "A rule is broken",
        "status": 422,
        "detail": "No such team.",
        "instance": "/api/v1/x",
        "request_id": "req_9",
        "errors": [{"field": "teams[0].team", "message": "No such team."}],
    }


def test_headers_that_statuses_have() -> None:
    assert dict(said(NotSignedIn("x"), "/", "r").headers)[b"www-authenticate"].startswith(b"Bearer")
    assert dict(said(RateLimited("x", retry_after_s=1.2), "/", "r").headers)[b"retry-after"] == b"2"
    assert b"errors" not in said(Forbidden("x"), "/", "r").body
