"""Errors inside an answer, and an error as an event of a stream.

A failed response says why in `error`: https://platform.openai.com/docs/api-reference/responses/object. An `error`
event is documented flat (https://platform.openai.com/docs/api-reference/responses-streaming/error) and is sent with the
usual envelope nested in it (https://github.com/openai/openai-dotnet/issues/881); both are read (2026-11-25).
"""

from __future__ import annotations

import msgspec

from waypost.dialects.fields import NULL, Fields, loose_string
from waypost.dialects.openai.errors import read_error
from waypost.dialects.sse import render
from waypost.dialects.verdict import refuse_inside
from waypost.errors import Failed, GatewayError, Rejected, UpstreamError

_ENCODER = msgspec.json.Encoder()

#: Codes of a failed response that say the request itself is at fault, besides those that every provider's errors are
#: looked up by (`refusals.WORDS`); `error.code` in the SDK's ResponseError.
_REQUEST_AT_FAULT = frozenset(
    {
        "invalid_prompt",
        "data_residency_mismatch",
        "invalid_image",
        "invalid_image_format",
        "invalid_base64_image",
        "invalid_image_url",
        "invalid_image_mode",
        "image_too_large",
        "image_too_small",
        "image_parse_error",
        "image_file_too_large",
        "image_file_not_found",
        "unsupported_image_media_type",
        "empty_image_file",
        "failed_to_download_image",
    }
)


def read_failure(raw: msgspec.Raw | None) -> UpstreamError:
    """The `error` of a failed response, or of an `error` event. By then the provider may have billed."""
    if raw is None or bytes(raw) == NULL:
        failed = Failed("The provider gave up on the answer and did not say why. Ask again.")
        failed.may_have_billed = True
        return failed
    said = read_error(raw)
    if not _REQUEST_AT_FAULT.isdisjoint(said.words):
        refused = Rejected(f"The provider refused the request: {said.message}", status=400, param=said.param)
        refused.may_have_billed = True
        return refused
    return refuse_inside(said)


def read_error_event(data: bytes, fields: Fields) -> UpstreamError:
    """An `error` event in either form."""
    nested = fields.get("error")
    if nested is not None and bytes(nested) != NULL:
        return read_failure(nested)
    if loose_string(fields.get("message")) is None:
        return read_failure(None)
    return read_failure(msgspec.Raw(data))


def render_error_event(code: str, kind: str, message: str, param: str | None, sequence: int) -> bytes:
    """The event in both forms at once: SDKs raise for the nested one, and type the flat one."""
    error = {"type": kind, "code": code, "message": message, "param": param}
    return render(
        _ENCODER.encode(
            {
                "type": "error",
                "code": code,
                "message": message,
                "param": param,
                "error": error,
                "sequence_number": sequence,
            }
        ),
        "error",
    )


def render_stream_error(error: GatewayError, sequence: int) -> bytes:
    """A gateway's error inside a stream that has begun."""
    return render_error_event(error.code, error.kind, error.message, error.param, sequence)
