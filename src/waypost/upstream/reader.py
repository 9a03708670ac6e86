"""HTTP/1.1 response bytes in, one response out. No I/O."""

from __future__ import annotations

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from waypost.errors import UpstreamError
from waypost.upstream.faults import cut, garbled
from waypost.upstream.inflate import Inflater, codings
from waypost.upstream.limits import Limits

Headers = list[tuple[bytes, bytes]]
_OK_VERSIONS = ("1.1", "1.0")
_LF = 10
#: Bodies that are read piece by piece when a stream was asked for: server-sent events, AWS's binary stream, and sounds.
STREAMS = frozenset(
    (b"text/event-stream", b"application/vnd.amazon.eventstream", b"application/octet-stream")
)
_SOUND = b"audio/"


def _comes_in_pieces(kind: bytes) -> bool:
    return kind in STREAMS or kind.startswith(_SOUND)


class ResponseReader:
    """Reads one response after the other from one connection. `begin` comes before each.

    Its `on_…` methods are called by httptools, which swallows what they raise: the fault is kept and raised by `feed`.
    """

    __slots__ = (
        "_cap",
        "_fault",
        "_head_fed",
        "_inflater",
        "_informational",
        "_limits",
        "_parser",
        "_quiet",
        "_stream",
        "_to_eof",
        "between",
        "chunked",
        "ended",
        "head_done",
        "headers",
        "index",
        "keep_alive",
        "pieces",
        "size",
        "status",
        "streamed",
    )

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._parser = HttpResponseParser(self)
        self.begin(False)

    def begin(self, stream: bool) -> None:
        """Expect the next response; with `stream`, one that may be read piece by piece."""
        self._stream = stream
        self._fault: UpstreamError | None = None
        self._inflater: Inflater | None = None
        self._informational = self._to_eof = False
        self._head_fed = self._quiet = 0
        self._cap = self._limits.body_max_bytes
        self.status = self.size = 0
        self.headers: Headers = []
        self.index: dict[bytes, bytes] = {}
        self.pieces: list[bytes] = []
        self.head_done = self.ended = self.keep_alive = self.streamed = False
        self.chunked = False
        """The body comes in HTTP chunks, and they hold it as it is."""
        self.between = False
        """The last bytes fed ended with a whole chunk: what comes next is the next one's size."""

    def take(self) -> list[bytes]:
        """The body pieces read since the last call."""
        pieces, self.pieces, self.size = self.pieces, [], 0
        return pieces

    def feed(self, data: bytes) -> None:
        """Raises Garbled. What was read before the fault stays in `pieces`; bytes after the end are no fault of the
        answer, but end the connection's use (`keep_alive`)."""
        before, in_body = self.size, self.head_done
        self.between = False
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            if not self.ended:
                raise self._fault or garbled("it is not HTTP/1.1") from None
            self.keep_alive = False
        if not in_body:
            self._check_head(len(data))
        elif self.size != before:
            self._quiet = 0
            # Whatever began after the last chunk does not end with a line feed, for that would complete it.
            self.between = self.between and data[-1] == _LF
        elif not self.ended:
            self._quiet += len(data)
            if self._quiet > self._limits.head_max_bytes:
                raise garbled("its framing has no end")

    def eof(self) -> bool:
        """The connection closed. True if that was the proper end of the body. Raises Garbled."""
        if self.head_done and self._to_eof and not self.ended:
            if self._inflater is not None and not self._inflater.finished:
                raise cut()
            self.ended = True
        return self.ended

    def _check_head(self, fed: int) -> None:
        self._head_fed += fed
        if self._head_fed > self._limits.head_max_bytes and (
            not self.head_done
            or sum(len(n) + len(v) + 4 for n, v in self.headers) > self._limits.head_max_bytes
        ):
            raise garbled("its header section is too large")

    # --- called by httptools --------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self.ended:
            raise HttpParserError  # a second response that nobody asked for: `feed` sees `ended`

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.head_done:  # trailers are dropped
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        parser = self._parser
        status = self.status = parser.get_status_code()
        if parser.get_http_version() not in _OK_VERSIONS:
            self._refuse(garbled("it is not HTTP/1.1"))
        if status < 200:
            if status < 100 or status == 101:
                self._refuse(garbled(f"status {status} answers nothing that was asked"))
            self._informational = True
            self.headers = []
            return
        index = self.index = dict(reversed(self.headers))
        self.keep_alive = parser.should_keep_alive()
        if b"transfer-encoding" in index:
            codes = [value.lower() for name, value in self.headers if name == b"transfer-encoding"]
            if codes != [b"chunked"]:
                self._refuse(garbled("its transfer coding is not `chunked`"))
            self.chunked = True
        elif b"content-length" not in index:
            self._to_eof = status not in (204, 304)
        if b"content-encoding" in index:
            self.chunked = False
            self._decode()
        if self._stream and status < 300:
            kind = self.index.get(b"content-type", b"")
            if _comes_in_pieces(kind.partition(b";")[0].strip().lower()):
                self.streamed = True
                self._cap = self._limits.burst_bytes
        self.head_done = True

    def on_body(self, data: bytes) -> None:
        if self._inflater is None:
            self._keep(data)
            return
        try:
            for piece in self._inflater.feed(data):
                self._keep(piece)
        except UpstreamError as fault:
            self._refuse(fault)

    def on_chunk_header(self) -> None:
        self.between = False

    def on_chunk_complete(self) -> None:
        self.between = self.chunked

    def on_message_complete(self) -> None:
        if self._informational:
            self._informational = False
            return
        if self._inflater is not None and not self._inflater.finished:
            self._refuse(garbled("its compressed body is cut"))
        self.ended = True

    def _keep(self, data: bytes) -> None:
        self.size += len(data)
        if self.size > self._cap:
            self._refuse(garbled("its body is larger than the limit"))
        self.pieces.append(data)

    def _decode(self) -> None:
        """The body is handed out decoded, so the headers that describe the coded one go."""
        try:
            coding = codings([value for name, value in self.headers if name == b"content-encoding"])
        except UpstreamError as fault:
            self._refuse(fault)
        if coding is not None:
            self._inflater = Inflater(coding, self._limits)
            about = (b"content-encoding", b"content-length")
            self.headers = [pair for pair in self.headers if pair[0] not in about]
            self.index = dict(reversed(self.headers))

    def _refuse(self, fault: UpstreamError) -> None:
        self._fault = self._fault or fault
        raise self._fault
