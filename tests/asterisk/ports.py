"""Free ports on loopback."""

from __future__ import annotations

import os
import random
import socket
from typing import Final

FIRST: Final = 10000
"Below the ports that a kernel gives to whoever asks for any: none of those is ever one of these."
MEDIA: Final = 22000
"From here on Asterisk's media."
_WORKERS: Final = 8
_EACH: Final = (MEDIA - FIRST) // _WORKERS
_given: set[tuple[str, socket.SocketKind, int]] = set()


def free_port(host: str = "127.0.0.1", kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port that is free and stays so until it is taken: each worker of a run has a range of its own.

    A port that the kernel had chosen could be given away again, to any connection of the other worker's tests, before
    whoever it was chosen for listens on it; or be somebody's when a test wants nobody there.
    """
    first = FIRST + _worker() % _WORKERS * _EACH
    while True:
        port = random.randrange(first, first + _EACH)
        if (host, kind, port) not in _given and _is_free(host, kind, port):
            _given.add((host, kind, port))
            return port


def _worker() -> int:
    """Which of a run's workers this is, from nought."""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw") or 0)


def _is_free(host: str, kind: socket.SocketKind, port: int) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_rtp_block(size: int = 2000) -> tuple[int, int]:
    """First and last port of a range for Asterisk's media, below the system's own ephemeral ports."""
    # Asterisk itself looks for a free pair inside the range, so two that overlap only crowd one another.
    first = random.randrange(MEDIA, 30000, 2)
    return first, first + size - 1
