"""The shape of `shared` in `waypost.yaml`. The text under each field is its documentation."""

from __future__ import annotations

from msgspec import Struct

from waypost.config.kinds import Duration, Secret, Slug, Text


class SharedConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A Valkey or Redis server over which several gateways tell each other which targets are ejected and which
    credentials are parked, and, where they share a database, count their limits together. Put in force on reload."""

    url: Text
    """Where it is: `redis://host:6379/0`, or `rediss://` for TLS; a user name may stand before the host. For a URL with
    a password: `env:NAME` or `file:/path`, where the whole URL is."""
    password: Secret | None = None
    """Where its password is: `env:NAME`, or `file:/path`, which is read for each new connection. Never the password
    itself."""
    password_command: Text | None = None
    """A command that prints its password, in place of `password`. It is run without a shell for each new connection:
    for tokens that run out."""
    ca: Text | None = None
    """With `rediss://`: a PEM file of certificate authorities to trust beside the system's."""
    cert: Text | None = None
    """With `rediss://`: a PEM file with the certificate that the gateway shows."""
    key: Text | None = None
    """A PEM file with the key of `cert`, without a password. Left out: it is in the same file."""
    limits: bool = True
    """Where the gateways share a PostgreSQL database: limits hold across all of them. `false`: on each by itself."""
    limits_wait: Duration = "50ms"
    """How long a request waits to be counted there. After that it is held to this gateway's share of each limit."""
    namespace: Slug = "default"
    """Only gateways of the same namespace hear of each other. Those that do should have the same `providers`."""
