"""The board's journal: whole boards now and then, and what changed between; any past moment is made from it (pure).

Deltas replace whole parts by key, so applying one twice changes nothing, and a whole board may hold already what the
next delta says. The journal knows no customers: tiers and whether a caller is new, no numbers and no names.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Final, Literal

import msgspec

from cti.board.metrics import to_ms
from cti.board.veil import without_customers
from cti.board.view import BoardView, Changes
from cti.wire import encode
from cti.wire.watching import ReplayDelta

PIECE_MS: Final = 60_000
"A piece is closed after this."
PIECE_BYTES: Final = 512 * 1024
"Or when its deltas are so long."
SLACK_MS: Final = 1_000
"A longer time between two pages is one in which nothing was noted."
MOST_DELTAS: Final = 5_000
"Deltas of one answer."

Link = Literal["live", "lost"]


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of the journal."""

    at_ms: int
    until_ms: int
    whole: bool
    body: bytes
    "JSON of `Body`."


class Body(msgspec.Struct, kw_only=True):
    """What a page holds: how it was at its beginning (on whole pages), and what changed."""

    board: msgspec.Raw | None
    link: Link
    deltas: list[tuple[int, msgspec.Raw | None, Link | None]]


class _Told(msgspec.Struct, kw_only=True):
    """A page's body as it is read back: plain values (a raw value that may be null can be written, not read)."""

    board: Any
    link: Link
    deltas: list[tuple[int, Any, Link | None]]


_told: Final = msgspec.json.Decoder(_Told)


class Journal:
    """Writes. `take` now and then; the last page is given again, longer, until it is closed."""

    def __init__(self, every_s: float) -> None:
        """A whole board is written every so many seconds."""
        self._every_ms = to_ms(every_s)
        self._begun: int | None = None
        self._last_whole: int | None = None
        self._body = Body(board=None, link="lost", deltas=[])
        self._size = 0
        self._until = 0
        self.link: Link = "lost"

    def begin(self, board: BoardView, now: float) -> None:
        """The first page."""
        self._turn(board, max(to_ms(now), self._until + 1))

    def note(self, changes: Changes | None, link: Link | None, now: float) -> None:
        """What changed at `now`, PBX time."""
        at = max(to_ms(now), self._begun or 0, self._until)
        raw = None if changes is None else msgspec.Raw(encode(without_customers(changes, tiers=True)))
        if link is not None:
            self.link = link
        self._body.deltas.append((at, raw, link))
        self._size += 40 + (len(bytes(raw)) if raw is not None else 0)
        self._until = at

    def take(self, board: BoardView, now: float) -> list[Page]:
        """What is to be written; `board` as it is now, for the next whole page."""
        if self._begun is None:
            self.begin(board, now)
            return []
        self._until = max(self._until, to_ms(now))
        page = Page(
            at_ms=self._begun,
            until_ms=self._until,
            whole=self._body.board is not None,
            body=msgspec.json.encode(self._body),
        )
        if self._until - self._begun >= PIECE_MS or self._size >= PIECE_BYTES:
            self._turn(board, self._until + 1)
        return [page]

    def _turn(self, board: BoardView, at: int) -> None:
        whole = self._last_whole is None or at - self._last_whole >= self._every_ms
        if whole:
            self._last_whole = at
        raw = msgspec.Raw(encode(without_customers(board, tiers=True))) if whole else None
        self._begun, self._until, self._size = at, at, 0
        self._body = Body(board=raw, link=self.link, deltas=[])


class Moment(msgspec.Struct, kw_only=True):
    """The board at a moment, and what changed after it. Plain values."""

    board: dict[str, Any]
    link: str
    deltas: list[ReplayDelta]
    until_ms: int
    "The deltas are all there are up to here."
    more: bool
    "There is more behind it."


def moment(pages: Iterable[tuple[int, int, bytes]], at_ms: int, until_ms: int) -> Moment | None:
    """The board at a moment from pages (at, until, body) in order, the first of them whole; None without one."""
    board: dict[str, Any] | None = None
    link: str = "lost"
    deltas: list[ReplayDelta] = []
    end = 0
    for begin, until, raw in pages:
        body = _told.decode(raw)
        if begin > until_ms:
            break
        if begin > end + SLACK_MS and board is not None:  # the service did not run in between
            if end < at_ms:
                link = "lost"
            else:
                deltas.append(ReplayDelta(at=end / 1000, link="lost"))
        if body.board is not None and board is None:
            board, link = body.board, body.link
        elif body.board is not None and begin > end + SLACK_MS:
            deltas.append(ReplayDelta(at=begin / 1000, changes=_as_changes(body.board), link=body.link))
        if board is None:
            continue
        for at, changes, now_link in body.deltas:
            if at > until_ms:
                break
            if at <= at_ms:
                if changes is not None:
                    apply(board, changes)
                link = now_link or link
            elif len(deltas) >= MOST_DELTAS:
                return Moment(board=board, link=link, deltas=deltas, until_ms=to_ms(deltas[-1].at), more=True)
            else:
                deltas.append(ReplayDelta(at=at / 1000, changes=changes, link=now_link))
        end = max(end, until)
    if board is None:
        return None
    if end + SLACK_MS < at_ms:
        link = "lost"
    return Moment(board=board, link=link, deltas=deltas, until_ms=until_ms, more=False)


def apply(board: dict[str, Any], changes: dict[str, Any]) -> None:
    """Changes into a board of plain values, as a page does it."""
    if changes.get("totals") is not None:
        board["totals"] = changes["totals"]
    for part in ("queues", "callers", "agents"):
        for key, value in changes.get(part, {}).items():
            if value is None:
                board[part].pop(key, None)
            else:
                board[part][key] = value


def _as_changes(whole: dict[str, Any]) -> dict[str, Any]:
    """A whole board as one change, for a page that shows an older one."""
    return {"whole": True, **{part: whole[part] for part in ("totals", "queues", "callers", "agents")}}


def spans(
    pages: Sequence[tuple[int, int]], slack_ms: int = 90_000
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """([stretches that can be replayed], [gaps between them]) of pages' (at, until) in order."""
    found: list[tuple[int, int]] = []
    for at, until in pages:
        if found and at <= found[-1][1] + slack_ms:
            found[-1] = (found[-1][0], max(until, found[-1][1]))
        else:
            found.append((at, until))
    return found, [(a[1], b[0]) for a, b in pairwise(found)]
