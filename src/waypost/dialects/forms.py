"""`multipart/form-data`, whole in memory: https://www.rfc-editor.org/rfc/rfc7578 (2026-11-25)."""

from __future__ import annotations

import msgspec
from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from waypost.errors import InvalidRequest, TooLarge

#: Parts of one form. A request for pictures may carry sixteen of them and two dozen settings.
PARTS_MAX = 256
#: RFC 2046 section 5.1.1: a boundary has at most 70 characters.
_BOUNDARY_MAX = 70


class FormPart(msgspec.Struct, frozen=True):
    """One field. `filename` is None for a text field."""

    name: str
    data: bytes
    filename: str | None = None
    content_type: bytes | None = None


def is_form(body: bytes) -> bool:
    """Whether a body is a form and not JSON: the first line of a form is its boundary."""
    return body[:2] == b"--"


def parse_form(body: bytes) -> list[FormPart]:
    """The fields, in order. The boundary is that of the body's first line. Raises InvalidRequest and TooLarge."""
    boundary = body[2 : body.find(b"\r\n")] if b"\r\n" in body[:100] else b""
    if not 0 < len(boundary) <= _BOUNDARY_MAX:
        raise broken()
    reading = _Reading()
    parser = MultipartParser(boundary, reading.callbacks())  # type: ignore[arg-type]
    try:
        parser.write(body)
        parser.finalize()
    except FormParserError:
        raise broken() from None
    if not reading.ended:
        raise broken()
    return reading.parts


class _Reading:
    """Collects what the parser finds."""

    def __init__(self) -> None:
        self.parts: list[FormPart] = []
        self.ended = False
        self._name = bytearray()
        self._value = bytearray()
        self._data: list[bytes] = []
        self._headers: dict[bytes, bytes] = {}

    def callbacks(self) -> dict[str, object]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._field,
            "on_header_value": self._more,
            "on_header_end": self._header,
            "on_part_data": self._part_data,
            "on_part_end": self._end,
            "on_end": self._all,
        }

    def _begin(self) -> None:
        if len(self.parts) >= PARTS_MAX:
            raise TooLarge(f"The form has more than {PARTS_MAX} fields. Send fewer.")
        self._data, self._headers = [], {}

    def _field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _more(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header(self) -> None:
        self._headers[bytes(self._name).lower()] = bytes(self._value)
        self._name.clear()
        self._value.clear()

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self._data.append(data[start:end])

    def _end(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        name = options.get(b"name")
        if not name:
            raise InvalidRequest(
                "A field of the form has no name. Give each one `name=…` in its disposition."
            )
        filename = options.get(b"filename")
        self.parts.append(
            FormPart(
                name.decode("utf-8", "replace"),
                b"".join(self._data),
                None if filename is None else filename.decode("utf-8", "replace"),
                self._headers.get(b"content-type"),
            )
        )

    def _all(self) -> None:
        self.ended = True


def render_form(parts: list[FormPart], boundary: bytes) -> bytes:
    """The form again. `boundary` must not occur in it: take a random one."""
    out: list[bytes] = []
    for part in parts:
        out.append(b'--%b\r\ncontent-disposition: form-data; name="%b"' % (boundary, _quoted(part.name)))
        if part.filename is not None:
            out.append(b'; filename="%b"' % _quoted(part.filename))
        if part.content_type is not None:
            out.append(b"\r\ncontent-type: %b" % part.content_type.translate(None, b"\r\n"))
        out += (b"\r\n\r\n", part.data, b"\r\n")
    out.append(b"--%b--\r\n" % boundary)
    return b"".join(out)


def _quoted(text: str) -> bytes:
    """As browsers write it: https://html.spec.whatwg.org/multipage/form-control-infrastructure.html (2026-11-25)."""
    return text.encode().replace(b"\r", b"%0D").replace(b"\n", b"%0A").replace(b'"', b"%22")


def broken() -> InvalidRequest:
    """What a body is refused with that is no whole form."""
    return InvalidRequest(
        "The body is not a whole `multipart/form-data` form. Send one with its boundary, as the official SDKs do."
    )
