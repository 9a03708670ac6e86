"""What the environment says of the database: the names of the variables, and nothing that takes memory."""

from __future__ import annotations

from typing import Final

URL: Final = "WAYPOST_DATABASE_URL"
PASSWORD: Final = "WAYPOST_DATABASE_PASSWORD"  # noqa: S105 - the name of a variable
FILE: Final = "WAYPOST_DATABASE_PASSWORD_FILE"
COMMAND: Final = "WAYPOST_DATABASE_PASSWORD_COMMAND"
#: `1`: a server that would lose what it says it has kept will do.
UNSAFE: Final = "WAYPOST_DATABASE_UNSAFE"
