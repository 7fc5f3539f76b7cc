"""What pages get beside reports (pure)."""

from __future__ import annotations

import msgspec

from cti.history.ask import Listed
from cti.history.definitions import Definition


class CallList(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the list behind a number, newest first."""

    which: str
    rows: tuple[Listed, ...]
    next: int | None
    "Pass as `skip` for the next page; null at the end."


class Definitions(msgspec.Struct, frozen=True, kw_only=True):
    """What every number means; the examples are of the worked case: T 13 s, s 5 s, seventeen calls, four who wait."""

    target_s: float
    short_s: float
    definitions: tuple[Definition, ...]


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """How the site calls its things, and the zone in which its days are."""

    zone: str = "UTC"
    queues: dict[str, str] = {}
    "Label by queue; one that is not here is called by its own name."
    lines: dict[str, str] = {}
    "Label by dialled number."
    goals: dict[str, float] = {}
    "By queue: share of calls to be answered within the target, 0..1."


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to choose from in a period."""

    queues: tuple[str, ...]
    lines: tuple[str, ...]
    agents: tuple[str, ...]
    teams: tuple[str, ...]
    site: Names


class File(msgspec.Struct, frozen=True, kw_only=True):
    """Something to download."""

    name: str
    kind: str
    content: bytes
