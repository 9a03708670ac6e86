"""The kinds of values that settings hold, each with what is expected of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from msgspec import Meta

from waypost.config.values import DURATION_PATTERN, MARKUP_PATTERN, REFERENCE_PATTERN, SIZE_PATTERN

Duration = Annotated[
    str,
    Meta(
        pattern=DURATION_PATTERN,
        examples=["10s", "5m", "1h30m"],
        extra={"expected": "a duration such as 10s, 5m or 1h30m", "label": "duration"},
    ),
]
Size = Annotated[
    str,
    Meta(
        pattern=SIZE_PATTERN,
        examples=["32MiB", "500kB"],
        extra={"expected": "a size such as 32MiB or 500kB", "label": "size"},
    ),
]
Secret = Annotated[
    str,
    Meta(
        pattern=REFERENCE_PATTERN,
        examples=["env:OPENAI_API_KEY", "file:/run/secrets/openai"],
        extra={
            "expected": "a reference to a secret: env:NAME or file:/path",
            "refused": "a secret must not be written into this file",
            "hint": "Put the secret into an environment variable or a file, and write its name here: "
            "env:OPENAI_API_KEY or file:/run/secrets/openai.",
            "label": "secret reference",
        },
    ),
]
Price = Annotated[
    Decimal,
    Meta(
        examples=[0.25, "2.00"],
        extra={"expected": "a price in USD, such as 0.25", "label": "price"},
    ),
]
Name = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9][a-z0-9._-]*$",
        max_length=64,
        extra={"expected": "a name of small letters, digits, `.`, `_` and `-`", "label": "name"},
    ),
]
RouteName = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@+-]*$",
        max_length=200,
        extra={"expected": "a name of letters, digits and `. _ - : / @ +`", "label": "name"},
    ),
]
Slug = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        max_length=128,
        extra={"expected": "a word of letters, digits, `.`, `_` and `-`", "label": "word"},
    ),
]
UrlPath = Annotated[
    str,
    Meta(
        pattern=r"^(/[A-Za-z0-9._~:@!$&'()*+,;=%{}-]+)*$",
        max_length=500,
        extra={"expected": "a path such as /anthropic/v1", "label": "path"},
    ),
]
Text = Annotated[str, Meta(min_length=1, extra={"expected": "a text that is not empty", "label": "text"})]
Count = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Port = Annotated[int, Meta(ge=0, le=65_535, extra={"expected": "a port number, 0 to 65535", "label": "port"})]
Origins = Annotated[
    str,
    Meta(
        pattern=r"^(\*|https?://[^/\s]+)$",
        extra={"expected": "an origin such as https://app.example.com, or *", "label": "origin"},
    ),
]
RateCount = Annotated[int, Meta(ge=1, le=1_000_000)]
Ratio = Annotated[
    Decimal, Meta(examples=[0.05, 2], extra={"expected": "a number such as 0.05", "label": "number"})
]
Dollars = Annotated[
    Decimal,
    Meta(examples=[0.25, "2.00"], extra={"expected": "an amount of USD, such as 0.25", "label": "price"}),
]
Percent = Annotated[
    Decimal,
    Meta(
        examples=[5, 0.5], extra={"expected": "a percentage from 0 to 100, such as 5", "label": "percentage"}
    ),
]
Markup = Annotated[
    str,
    Meta(
        pattern=MARKUP_PATTERN,
        examples=["5%", "2.5%"],
        extra={"expected": "a percentage with its sign, such as 5% or 2.5%", "label": "percentage"},
    ),
]
Retention = Annotated[
    str,
    Meta(
        pattern=r"^(none|[1-9][0-9]{0,4}d)$",
        examples=["none", "30d"],
        extra={"expected": "none, or a number of days such as 30d", "label": "none | days"},
    ),
]
Sticky = Annotated[
    str,
    Meta(
        pattern=r"^(user|session|trace|key|header:[A-Za-z0-9_-]{1,64}|metadata:[^\s]{1,64})$",
        extra={"expected": "user, session, trace, key, header:NAME or metadata:NAME", "label": "name"},
    ),
]
Providers = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9*?][a-z0-9._*?-]*(/[A-Za-z0-9._*?-]+)?$",
        max_length=128,
        extra={"expected": "a provider's name, name/region, or a glob such as azure-*", "label": "provider"},
    ),
]
Expression = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=2000,
        examples=["request.input_tokens > 100000"],
        extra={"expected": "a condition such as request.input_tokens > 100000", "label": "condition"},
    ),
]
Status = Annotated[
    int, Meta(ge=400, le=599, extra={"expected": "an HTTP status from 400 to 599", "label": "status"})
]
Json = Annotated[Any, Meta(extra={"expected": "any value", "label": "any value"})]
