"""Secrets that are known again wherever they come up: planted where one may be known, sought everywhere else."""

from __future__ import annotations

import json
import os
from base64 import b32decode, b64decode, b64encode, urlsafe_b64encode
from collections.abc import Iterable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Self
from urllib.parse import quote, quote_plus


def planted(name: str) -> str:
    """A secret that nothing else looks like, with characters that every encoding writes in another way."""
    return f"canary-{name}-{os.urandom(9).hex()}/+=&"


def forms(secret: bytes) -> set[bytes]:
    """The secret in the encodings that a program may write it in."""
    text = secret.decode("latin-1")
    found = {secret, secret.hex().encode(), secret.hex().upper().encode(), secret[::-1]}
    found |= {quote(text, safe="").encode(), quote_plus(text).encode(), quote(text).encode()}
    found |= {json.dumps(text)[1:-1].encode(), text.encode("unicode_escape"), text.encode("utf-16-le")}
    for shift in range(3):  # what stands before it moves it within its groups of three
        for encode in (b64encode, urlsafe_b64encode):
            whole = encode(b"\0" * shift + secret).rstrip(b"=")
            found.add(whole[4 if shift else 0 : len(whole) - 2])
    return {form for form in found if len(form) >= 12}


class Canaries:
    """What was planted, and where it came up."""

    def __init__(self) -> None:
        self._forms: dict[str, set[bytes]] = {}
        self.found: list[str] = []
        self.looked: list[str] = []
        """What was looked through, so that a test can say that it was."""

    def add(self, name: str, secret: str) -> str:
        """From now on this is one."""
        self._forms.setdefault(name, set()).update(forms(secret.encode()))
        return secret

    def plant(self, name: str) -> str:
        """A new one."""
        return self.add(name, planted(name))

    def add_key(self, name: str, text: str, *, base: int = 64) -> str:
        """One that is bytes, written in base 64 or 32."""
        raw = b64decode(text) if base == 64 else b32decode(text)
        self._forms.setdefault(name, set()).update(forms(raw))
        return self.add(name, text)

    def look(self, where: str, data: bytes | str, *, may: Iterable[str] = ()) -> None:
        """Nothing of it may be here, but for those in `may`."""
        self.looked.append(where)
        content = data.encode() if isinstance(data, str) else data
        for name, written in self._forms.items():
            if name not in may and any(form in content for form in written):
                self.found.append(f"{name} is in {where}")

    def look_in_folder(self, folder: Path, exceptions: dict[str, str]) -> None:
        """Every file. `exceptions`: a file's name → the one that it is there to hold."""
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                name = str(file.relative_to(folder))
                self.look(name, file.read_bytes(), may=[exceptions.get(name, "")])


class Parrot:
    """A provider (and a proxy) that says in all of its answers what it was told in the headers, and how by model."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Repeats)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = Thread(target=self._server.serve_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join(20)
        self._server.server_close()


class _Repeats(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        model = json.loads(body).get("model", "") if body.startswith(b"{") else ""
        told = "; ".join(f"{name}: {value}" for name, value in self.headers.items())
        kind = "application/json"
        if model == "says-200":
            status, text = 200, f"<html>{told}</html>"
        elif model == "says-stream":
            status, kind = 200, "text/event-stream"
            text = f"data: {json.dumps({'error': {'message': told, 'code': told}})}\n\n"
        elif model == "says-late":
            status, kind = 200, "text/event-stream"
            words = {"choices": [{"index": 0, "delta": {"content": "Well, "}}]}
            text = f"data: {json.dumps(words)}\n\ndata: {json.dumps({'error': {'message': told}})}\n\n"
        elif model == "says-500":
            status, text, kind = 500, f"Traceback: {told}", "text/plain"
        else:
            status = int(model.rpartition("-")[2] or 401) if model.startswith("says-") else 401
            text = json.dumps(
                {"error": {"message": f"Incorrect API key: {told}", "type": told, "code": "no"}}
            )
        self._answer(status, kind, text.encode(), told)

    def do_GET(self) -> None:
        self._answer(401, "text/plain", str(self.headers).encode(), "no")

    def do_CONNECT(self) -> None:
        self._answer(407, "text/plain", str(self.headers).encode(), str(self.headers["proxy-authorization"]))

    def _answer(self, status: int, kind: str, data: bytes, told: str) -> None:
        self.send_response(status)
        for name, value in (("content-type", kind), ("x-request-id", told), ("x-ratelimit-reason", told)):
            self.send_header(name, value.replace("\n", " "))
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def handle(self) -> None:
        with suppress(ConnectionResetError, BrokenPipeError):  # the gateway has let go of it
            super().handle()

    def log_message(self, *_: object) -> None:
        return
