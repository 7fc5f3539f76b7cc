"""Ports: opened here, or handed over by a service manager that holds them open while one process follows another.

Handed over is what systemd does with a socket unit (sd_listen_fds(3)): descriptors from 3 on, as many as `LISTEN_FDS`
says, for the process whose number `LISTEN_PID` is.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Callable
from typing import Final

from cti.doorway import Doorway

FIRST: Final = 3
"The first descriptor handed over."
BACKLOG: Final = 4096
"Connections that wait to be accepted: a whole house may come back at once (the kernel's somaxconn bounds it)."
DOOR_S: Final = 1.0
"What somebody accepted at the last moment gets to be let in."
_ANYWHERE: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - compared, not bound


def listening(host: str, port: int) -> Doorway:
    """A listening socket: the one handed over for this port, else a new one.

    Raises OSError with the address in its words, also where this port was handed over at another address.
    """
    found = _handed_over(host, port) or _opened(host, port)
    found.setblocking(False)
    return found


async def take_no_more(sock: socket.socket, at_the_door: Callable[[], bool]) -> None:
    """Let who connects from now on wait for the next process, if there is one. For a socket that this loop serves.

    Those already accepted are waited for, a second at most: `at_the_door` says whether there are some still.
    """
    if sock.fileno() < 0:
        return
    asyncio.get_running_loop().remove_reader(sock.fileno())
    for _ in range(5):  # the loop takes so many rounds from accepting somebody to his connection
        await asyncio.sleep(0)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DOOR_S):
            while at_the_door():  # noqa: ASYNC110 - the libraries tell nobody
                await asyncio.sleep(0.01)


def _opened(host: str, port: int) -> Doorway:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = Doorway(family, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen(BACKLOG)
    except OSError as error:
        found.close()
        raise OSError(error.errno, f"{host}:{port}: {error.strerror}") from error
    return found


def _handed_over(host: str, port: int) -> Doorway | None:
    if not port or os.environ.get("LISTEN_PID") != str(os.getpid()):
        return None
    count = os.environ.get("LISTEN_FDS", "")
    for descriptor in range(FIRST, FIRST + (int(count) if count.isdecimal() and len(count) < 4 else 0)):
        if (at := _address(descriptor)) is None or at[1] != port:
            continue
        if at[0] != host and not {at[0], host} <= _ANYWHERE:
            told = f"{host}:{port}: 服务管理器交来的端口在 {at[0]} / handed over at {at[0]}"
            raise OSError(errno.EADDRNOTAVAIL, told)
        os.set_inheritable(descriptor, False)
        return Doorway(fileno=descriptor)
    return None


def _address(descriptor: int) -> tuple[str, int] | None:
    """Where a descriptor listens; None where it is no listening TCP socket, or was taken and closed before."""
    try:
        looked_at = socket.socket(fileno=descriptor)
    except OSError:
        return None
    try:
        tcp = looked_at.family in (socket.AF_INET, socket.AF_INET6) and looked_at.type == socket.SOCK_STREAM
        if not tcp or not looked_at.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return None
        host, port = looked_at.getsockname()[:2]
        return str(host), int(port)
    finally:
        looked_at.detach()
