"""Hands listening sockets over as a service manager does, and becomes the program: `activated FD,FD PROGRAM ARG...`."""

from __future__ import annotations

import os
import sys

FIRST = 3


def main(descriptors: str, *words: str) -> None:
    """Does not return."""
    given = [int(number) for number in descriptors.split(",")]
    # Out of the way first: a socket may stand where another has to.
    high = [os.dup(number) for number in given]
    while min(high) < FIRST + len(given):
        high = [os.dup(number) for number in high]
    for place, number in enumerate(high, FIRST):
        os.dup2(number, place, inheritable=True)
    environment = {**os.environ, "LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(high))}
    os.execve(words[0], list(words), environment)


if __name__ == "__main__":
    main(sys.argv[1], *sys.argv[2:])
