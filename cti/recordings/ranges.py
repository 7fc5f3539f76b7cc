"""The parts of a file that a browser asks for (RFC 9110, 14) (pure)."""

from __future__ import annotations

import re
from typing import Final

_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})\Z", re.ASCII)


class Unsatisfiable(Exception):
    """The file has no such part."""


def range_of(header: str | None, size: int) -> tuple[int, int] | None:
    """[start, end) of one range, None for the whole file. Raises Unsatisfiable.

    Several ranges, other units and nonsense are not honoured, as the RFC allows: the answer is the whole file.

    >>> range_of("bytes=0-99", 1000), range_of("bytes=-100", 1000), range_of("bytes=900-", 1000)
    ((0, 100), (900, 1000), (900, 1000))
    """
    found = _RANGE.match(header) if header else None
    if found is None:
        return None
    first, last = found.groups()
    if not first and not last:
        return None
    if not first:
        if int(last) == 0 or size == 0:
            raise Unsatisfiable
        return max(0, size - int(last)), size
    start = int(first)
    if last and int(last) < start:
        return None
    if start >= size:
        raise Unsatisfiable
    return start, min(size, int(last) + 1) if last else size
