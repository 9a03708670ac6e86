"""`multipart/form-data` as it arrives, for a form with one large file: https://www.rfc-editor.org/rfc/rfc7578
(2026-11-25). `forms.py` reads small ones whole."""

from __future__ import annotations

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from waypost.dialects.forms import PARTS_MAX, broken
from waypost.errors import InvalidRequest, TooLarge

_TEXT_MAX = 8192
_FILE = b"file"
_BOUNDARY_MAX = 70


class FormStream:
    """Feed it what arrives; it returns what of that is the content of the field `file`."""

    def __init__(self, content_type: bytes | None) -> None:
        """Raises InvalidRequest for a content type that is no form's."""
        kind, options = parse_options_header(content_type or b"")
        boundary = options.get(b"boundary", b"")
        if kind != b"multipart/form-data" or not 0 < len(boundary) <= _BOUNDARY_MAX:
            raise InvalidRequest(
                "An upload has to be a form: send `content-type: multipart/form-data` with its boundary."
            )
        self.fields: dict[str, str] = {}
        #: The file's name; None until a file has begun.
        self.filename: str | None = None
        self.ended = False
        self._name = b""
        self._parts = 0
        self._header = bytearray()
        self._value = bytearray()
        self._disposition = b""
        self._text = bytearray()
        self._found: list[bytes] = []
        self._parser = MultipartParser(boundary, self._callbacks())  # type: ignore[arg-type]

    def feed(self, data: bytes) -> bytes:
        """The content in this piece. Raises InvalidRequest and TooLarge."""
        try:
            self._parser.write(data)
        except FormParserError:
            raise broken() from None
        found, self._found = self._found, []
        return b"".join(found)

    def finish(self) -> None:
        """All has arrived. Raises InvalidRequest for a form without its end."""
        try:
            self._parser.finalize()
        except FormParserError:
            raise broken() from None
        if not self.ended:
            raise broken()

    def _callbacks(self) -> dict[str, object]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._on_field,
            "on_header_value": self._on_value,
            "on_header_end": self._on_header,
            "on_headers_finished": self._on_headers,
            "on_part_data": self._on_data,
            "on_part_end": self._on_end,
            "on_end": self._on_all,
        }

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > PARTS_MAX:
            raise TooLarge(f"The form has more than {PARTS_MAX} fields. Send fewer.")
        self._disposition = b""
        self._text.clear()

    def _on_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]  # the parser itself bounds headers

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header(self) -> None:
        if bytes(self._header).lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def _on_headers(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._name = options.get(b"name", b"")
        if self._name == _FILE:
            if self.filename is not None:
                raise InvalidRequest("The form has more than one file. Send one.", param="file")
            self.filename = options.get(b"filename", b"").decode("utf-8", "replace")

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._name == _FILE:
            self._found.append(data[start:end])
            return
        self._text += data[start:end]
        if len(self._text) > _TEXT_MAX:
            raise TooLarge(f"A field of the form is longer than {_TEXT_MAX} bytes. Only `file` may be.")

    def _on_end(self) -> None:
        if self._name != _FILE:
            self.fields[self._name.decode("utf-8", "replace")] = self._text.decode("utf-8", "replace")

    def _on_all(self) -> None:
        self.ended = True
