"""Files in and out, a piece at a time."""

from __future__ import annotations

from urllib.parse import quote

from waypost.config.snapshot import Settings
from waypost.edge.asgi import Headers, Receive
from waypost.edge.client import EdgeClient
from waypost.edge.gate import Download, Upload
from waypost.edge.receive import pour


async def take_upload(upload: Upload, receive: Receive, settings: Settings) -> bytes:
    """Take a body in; returns the answer's. Raises what reading and `Upload` raise, with nothing left behind."""
    try:
        await pour(receive, settings, upload.write)
        return await upload.finish()
    finally:
        await upload.drop()


async def send_content(client: EdgeClient, download: Download, lines: Headers) -> None:
    """Send a file. Raises StoreUnavailable for one that can not be read, as long as nothing has been sent."""
    piece = await download.read(0)
    name = quote(download.filename, safe="")
    headers = [
        *lines,
        (b"content-type", b"application/octet-stream"),
        (b"content-length", b"%d" % download.size),
        (b"content-disposition", f"attachment; filename*=UTF-8''{name}".encode()),
    ]
    await client.start(200, headers)
    sent = 0
    while piece and not client.gone:
        await client.write(piece)
        sent += len(piece)
        piece = await download.read(sent)
    await client.finish()
