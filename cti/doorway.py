"""A listening socket that keeps files free for what matters more than one more page (FAULTS F36).

The system gives each new connection the lowest number that is free. So a number near the limit says that all below it
are taken: such a connection, the newest, is closed at once, and the last RESERVE numbers stay for the PBX, the database
and files. Whoever was let in stays.
"""

from __future__ import annotations

import logging
import resource
import socket
from typing import Any, Final

log = logging.getLogger(__name__)

RESERVE: Final = 64
"Open files kept free of connections, and at most a quarter of the limit."


class Doorway(socket.socket):
    """As a socket; asyncio takes it for one to which nobody came when it sent somebody away."""

    shed = 0
    "Connections closed at once since the start."

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection; raises BlockingIOError where there is none, or the newest was sent away."""
        connection, address = super().accept()
        if connection.fileno() < most():
            return connection, address
        if not self.shed:
            log.error("open files run out: new connections are closed at once (LimitNOFILE)")
        self.shed += 1
        connection.close()
        raise BlockingIOError


def most() -> int:
    """The first number that no connection gets."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return limit - min(RESERVE, limit // 4)
