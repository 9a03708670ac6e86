"""TLS contexts: verification always on, TLS 1.2 or later, the operator's files where there are any."""

from __future__ import annotations

import os
import ssl

import certifi

from waypost.core.origin import TlsFiles
from waypost.errors import Untrusted


class TlsContexts:
    """Contexts by their files. A file that changed on disk is read again for the next connection."""

    def __init__(self) -> None:
        self._contexts: dict[TlsFiles, tuple[tuple[int, ...], ssl.SSLContext]] = {}

    def load(self, files: TlsFiles | None) -> ssl.SSLContext:
        """The context for these files; None for the built-in roots. Raises Untrusted if a file can not be used."""
        files = files or TlsFiles()
        try:
            stamps = tuple(os.stat(path).st_mtime_ns for path in (files.ca, files.cert, files.key) if path)
            known = self._contexts.get(files)
            if known is not None and known[0] == stamps:
                return known[1]
            context = _context(files)
        except (OSError, ssl.SSLError):
            raise Untrusted(
                "The provider's TLS files can not be used. Check that `tls.ca`, `tls.cert` and `tls.key` exist, can "
                "be read by the gateway, are PEM without a passphrase, and belong together."
            ) from None
        self._contexts[files] = (stamps, context)
        return context


def _context(files: TlsFiles) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=files.ca or certifi.where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if files.cert:
        # An empty passphrase instead of a prompt on the terminal, which would stop the whole process.
        context.load_cert_chain(files.cert, files.key, password="")
    return context
