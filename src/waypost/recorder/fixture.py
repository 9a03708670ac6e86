"""What one fixture file holds: one exchange, scrubbed."""

from __future__ import annotations

from base64 import b64decode, b64encode

import msgspec

VERSION = 1


class Options(msgspec.Struct, frozen=True, omit_defaults=True):
    """How texts were treated. Kept in the file, so that whoever asks for the exchange again is treated alike."""

    media_bytes: int = 4096
    """Base64 texts longer than this are shortened to a marker."""
    keep_media: bool = False
    redact_text: bool = False


class Content(msgspec.Struct, frozen=True, omit_defaults=True):
    """Bytes: as text where they are UTF-8, else as base64, else only their size and SHA-256."""

    text: str | None = None
    base64: str | None = None
    size: int | None = None
    sha256: str | None = None

    def data(self) -> bytes | None:
        """The bytes themselves, when they are here. Raises ValueError for base64 that is none."""
        if self.text is not None:
            return self.text.encode()
        return None if self.base64 is None else b64decode(self.base64, validate=True)


class Chunk(msgspec.Struct, frozen=True, omit_defaults=True):
    """A piece of a stream as it arrived. `ms` counts from the response's head."""

    ms: int
    text: str | None = None
    base64: str | None = None

    def data(self) -> bytes:
        """Raises ValueError for base64 that is none."""
        return Content(self.text, self.base64).data() or b""


Lines = tuple[tuple[str, str], ...]
"""Header names and values, in order."""


def split_lines(headers: tuple[str, ...]) -> Lines:
    """`name: value` texts as pairs."""
    return tuple((name, value) for name, _, value in (line.partition(": ") for line in headers))


def join_lines(lines: Lines) -> tuple[str, ...]:
    """Pairs as `name: value` texts, one line each in the file."""
    return tuple(f"{name}: {value}" for name, value in lines)


class Request(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the client sent."""

    method: str
    path: str
    """With its query."""
    headers: tuple[str, ...]
    """`name: value`, in order, without those of the framing."""
    body: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    """A JSON body."""
    content: Content | None = None
    """Any other body."""


class Response(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the provider answered: one of `body`, `content` and `chunks`."""

    status: int
    headers: tuple[str, ...]
    """`name: value`, in order, without those of the framing."""
    body: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    content: Content | None = None
    chunks: tuple[Chunk, ...] | None = None
    complete: bool = True
    """False: the provider broke the stream off."""

    def header(self, name: str) -> str:
        """The first value of a header given in lower case, or ""."""
        return next((value for each, value in split_lines(self.headers) if each == name), "")

    def data(self) -> bytes | None:
        """The whole body, framing and cuts aside; None when it was not kept. Raises ValueError for bad base64."""
        if self.chunks is not None:
            return b"".join(chunk.data() for chunk in self.chunks)
        if self.body is not msgspec.UNSET:
            return bytes(self.body)
        return b"" if self.content is None else self.content.data()


class Fixture(msgspec.Struct, frozen=True):
    """One recorded exchange."""

    provider: str
    dialect: str
    """Empty for a path that belongs to no dialect, such as a list of models."""
    date: str
    """The day of the recording, in UTC."""
    user_agent: str
    request: Request
    response: Response
    note: str = ""
    options: Options = Options()
    waypost_fixture: int = VERSION


def content_of(data: bytes) -> Content:
    """Bytes as text where that is possible."""
    try:
        return Content(text=data.decode())
    except UnicodeDecodeError:
        return Content(base64=b64encode(data).decode())


def chunk_of(ms: int, data: bytes) -> Chunk:
    """One piece of a stream."""
    content = content_of(data)
    return Chunk(ms, content.text, content.base64)


def decode_fixture(data: bytes) -> Fixture:
    """Raises msgspec.DecodeError for what is no fixture of this version."""
    fixture = msgspec.json.decode(data, type=Fixture)
    if fixture.waypost_fixture != VERSION:
        raise msgspec.ValidationError(f"`waypost_fixture` is {fixture.waypost_fixture}, not {VERSION}")
    return fixture


def encode_fixture(fixture: Fixture) -> bytes:
    """For people and for diffs: indented, in a fixed order."""
    return msgspec.json.format(msgspec.json.encode(fixture), indent=2) + b"\n"
