"""The small Protocols between the gateway's logic and what it runs on. One purpose each.

The pipeline knows these; `app/` alone knows which adapter stands behind each. Methods that are not `async` are on the
hot path: they never wait, never touch a disk page that is not in the page cache, never raise anything that is not in
`errors/`.
"""

from __future__ import annotations

from waypost.ports.client import Client, SocketClient
from waypost.ports.directory import Objects
from waypost.ports.kept import Batches, Claims, Files, Replays, Responses, Telling
from waypost.ports.limits import Limits, Taken
from waypost.ports.money import Hold, Journal, Keys, Leases, Ledger
from waypost.ports.time import Clock
from waypost.ports.upstream import Answer, Ended, Opening, Socket, Sockets, TokenCounter, Upstream

__all__ = [
    "Answer",
    "Batches",
    "Claims",
    "Client",
    "Clock",
    "Ended",
    "Files",
    "Hold",
    "Journal",
    "Keys",
    "Leases",
    "Ledger",
    "Limits",
    "Objects",
    "Opening",
    "Replays",
    "Responses",
    "Socket",
    "SocketClient",
    "Sockets",
    "Taken",
    "Telling",
    "TokenCounter",
    "Upstream",
]
