"""Free ports on loopback."""

from __future__ import annotations

import random
import socket


def free_port(host: str = "127.0.0.1", kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port that nobody used a moment ago."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def free_rtp_block(size: int = 2000) -> tuple[int, int]:
    """First and last port of a range for Asterisk's media, below the system's own ephemeral ports."""
    # Asterisk itself looks for a free pair inside the range, so two that overlap only crowd one another.
    first = random.randrange(10000, 30000, 2)
    return first, first + size - 1
