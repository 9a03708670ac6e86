"""How many files the process may have open: each connection, to a client or to a provider, is one."""

from __future__ import annotations

import resource
from contextlib import suppress

_MOST = 1 << 20
#: For databases, logs, the writer and the pipes between processes.
_OWN = 128
_LEAST = 64


def lift_open_files() -> int:
    """Raise the limit as far as a process may by itself: shells and service managers start programs with 1,024, for the
    sake of old ones that can not count further. What comes of it: see `connections_max`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _bounded(hard)
    if _bounded(soft) < wanted:
        # macOS has a further limit that it does not tell: then it stays as it was.
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return connections_max()


def connections_max() -> int:
    """To clients, and as many to any one provider: half of what may be open, as an exchange can need one connection to
    each side. So `limits.concurrency` decides, and nobody waits for a connection before that."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(_LEAST, (_bounded(soft) - _OWN) // 2)


def _bounded(files: int) -> int:
    return _MOST if files == resource.RLIM_INFINITY else min(files, _MOST)
