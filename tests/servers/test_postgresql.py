"""The tests' own PostgreSQL can be stopped and let go while its clients come and go."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from tests.servers.postgresql import Postgresql


class _WithOneGone(Postgresql):
    """Lists, beside its own processes, one that has just ended."""

    def _children(self) -> list[int]:
        gone = subprocess.Popen(["/bin/true"])
        gone.wait()
        return [gone.pid, *super()._children()]


@pytest.fixture
def server() -> Iterator[Postgresql]:
    """A server whose list of processes is always a moment old."""
    made = _WithOneGone.start()
    yield made
    made.end()


def test_a_process_that_left_meanwhile_stops_neither_the_freezing_nor_the_end(server: Postgresql) -> None:
    """A client's process may end between the listing and the signal; the rest is signalled, and the server ended."""
    server.freeze()
    server.thaw()
    server.create("after")
    server.end()
    assert server.process.poll() is not None
