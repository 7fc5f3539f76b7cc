"""The hub: every open page, and how a frame gets to all pages of a user at once.

Sending never waits. A frame goes straight into the connection's write buffer, so the head of a pop is on its way
before the event's handler returns. A page that does not read is skipped once its buffer holds more than the limit
and gets a snapshot when it has read on; one that stays behind is closed with 4008 (FAULTS F20).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from itertools import cycle
from typing import Final, Literal, Protocol

import msgspec

from cti import wire
from cti.auth import Identity

log = logging.getLogger(__name__)

MAX_BUFFER: Final = 256 * 1024
"Bytes not read yet at which a page is skipped."
MAX_FRAMES: Final = 256
"Frames not read yet at which a page is skipped."
BEHIND_S: Final = 60.0
"A page this long behind is closed: until then it may have been put to sleep by its browser, and wake."
HOPELESS: Final = 2 * 1024 * 1024
"Bytes not read at which a page that is behind is closed at once: this much no snapshot makes good."
BEAT_TURNS: Final = 8
"A heartbeat of all pages is spread over this many turns, so that none holds up a pop."
MAX_PAGES: Final = 10
"Open pages of one user; the oldest is closed beyond it."

LOG_IN: Final = 4001
NO_RIGHT: Final = 4003
TOO_SLOW: Final = 4008
RESTARTING: Final = 1012

Kind = Literal["desk", "board", "plain", "wallboard"]


class Pipe(Protocol):
    """One connection to a browser, as the hub needs it."""

    def write(self, *frames: bytes) -> None:
        """Hand text frames to the connection without waiting."""

    def pending(self) -> int:
        """Bytes handed over and not taken by the network yet."""

    def close(self, code: int, reason: str) -> None:
        """Begin to close; returns at once."""


class Page:
    """One open page of one user."""

    __slots__ = ("behind_since", "frames", "identity", "kind", "opened", "pipe", "seq", "turn")

    def __init__(self, pipe: Pipe, identity: Identity, kind: Kind, opened: float, turn: int = 0) -> None:
        """`turn`: when in the round its heartbeat goes."""
        self.pipe = pipe
        self.identity = identity
        self.kind = kind
        self.opened = opened
        self.turn = turn
        self.seq = 0
        self.frames = 0
        self.behind_since: float | None = None


class Snapshots(Protocol):
    """What a page is shown first: supplied by the composition root."""

    def __call__(self, page: Page) -> Iterable[tuple[str, bytes]]:
        """[(frame type, body)], the snapshot first and its pops' sections after it."""


class Figures(msgspec.Struct):
    """Counters of the push channel since the start."""

    frames: int = 0
    snapshots: int = 0
    skipped: int = 0
    closed_slow: int = 0
    seen: int = 0


class Hub:
    """All pages, by user and by kind."""

    def __init__(self, snapshots: Snapshots, *, pbx_now: Callable[[], float], steady: Callable[[], float]) -> None:
        """`pbx_now` stamps the frames; `steady` measures how long a page is behind."""
        self._snapshots = snapshots
        self._pbx_now = pbx_now
        self._steady = steady
        self._users: dict[str, list[Page]] = {}
        self._boards: dict[Page, None] = {}
        self._walls: dict[Page, None] = {}
        self._behind: dict[Page, None] = {}
        self._turns = cycle(range(BEAT_TURNS))
        self._turn = 0
        self.figures = Figures()

    def __len__(self) -> int:
        return sum(len(pages) for pages in self._users.values())

    def open(self, pipe: Pipe, identity: Identity, kind: Kind) -> Page:
        """A page said hello: it gets its snapshot, and everything that comes after it."""
        page = Page(pipe, identity, kind, self._steady(), next(self._turns))
        pages = self._users.setdefault(identity.login, [])
        pages.append(page)
        if kind == "board":
            self._boards[page] = None
        elif kind == "wallboard":
            self._walls[page] = None
        self._send_snapshot(page)
        if len(pages) > MAX_PAGES:
            self.close(pages[0], TOO_SLOW, "too many pages")
        return page

    def leave(self, page: Page) -> None:
        """The connection is gone."""
        pages = self._users.get(page.identity.login)
        if pages is not None and page in pages:
            pages.remove(page)
            if not pages:
                del self._users[page.identity.login]
        self._boards.pop(page, None)
        self._walls.pop(page, None)
        self._behind.pop(page, None)

    def close(self, page: Page, code: int, reason: str) -> None:
        """Send a page away."""
        self.leave(page)
        page.pipe.close(code, reason)

    def close_session(self, session: str, code: int = LOG_IN, reason: str = "logged out") -> None:
        """Send away every page of a session."""
        for page in self.pages():
            if page.identity.session == session:
                self.close(page, code, reason)

    def close_all(self, code: int = RESTARTING, reason: str = "restarting") -> None:
        """Send everybody away, as at a restart."""
        for page in self.pages():
            self.close(page, code, reason)

    def pages(self) -> list[Page]:
        """All open pages."""
        return [page for pages in self._users.values() for page in pages]

    def users(self) -> list[str]:
        """Logins with an open page."""
        return list(self._users)

    def has(self, user: str) -> bool:
        """True where the user has an open page."""
        return user in self._users

    def role(self, user: str) -> str:
        """The user's role, '' without an open page."""
        pages = self._users.get(user)
        return pages[0].identity.role if pages else ""

    @property
    def boards(self) -> bool:
        """True where somebody looks at the board."""
        return bool(self._boards)

    @property
    def walls(self) -> bool:
        """True where a wallboard is shown."""
        return bool(self._walls)

    def send(self, users: Iterable[str], kind: str, body: bytes) -> None:
        """One frame to all pages of these users."""
        now = self._pbx_now()
        for user in users:
            for page in self._users.get(user, ()):
                self._send(page, kind, now, body)

    def send_many(self, users: Iterable[str], kind: str, bodies: Sequence[bytes]) -> None:
        """Several frames of one type to all pages of these users: one write for each page."""
        now = self._pbx_now()
        for user in users:
            for page in self._users.get(user, ()):
                self._send(page, kind, now, *bodies)

    def send_all(self, kind: str, body: bytes = wire.EMPTY) -> None:
        """One frame to every page."""
        now = self._pbx_now()
        for page in self.pages():
            self._send(page, kind, now, body)

    def beat(self) -> None:
        """A heartbeat to the pages whose turn it is: called `BEAT_TURNS` times it has reached every page."""
        now = self._pbx_now()
        self._turn = (self._turn + 1) % BEAT_TURNS
        for page in self.pages():
            if page.turn == self._turn:
                self._send(page, "beat", now, wire.EMPTY)

    def send_boards(self, kind: str, body_for: Callable[[bool], bytes]) -> None:
        """One frame to every page that shows the board: `body_for(customers)` with or without what customers are.

        It is asked at most once for each.
        """
        now = self._pbx_now()
        halves: dict[bool, tuple[bytes, bytes]] = {}
        sent = 0
        for page in tuple(self._boards):
            may = "customers" in page.identity.rights
            if may not in halves:
                halves[may] = wire.halves(kind, now, body_for(may))
            if self._takes(page):
                page.seq += 1
                before, behind = halves[may]
                page.pipe.write(b"%b%d%b" % (before, page.seq, behind))
                sent += 1
        self.figures.frames += sent

    def send_walls(self, kind: str, body: bytes) -> None:
        """One frame to every wallboard."""
        now = self._pbx_now()
        for page in tuple(self._walls):
            self._send(page, kind, now, body)

    def board_users(self) -> set[str]:
        """Logins with an open board."""
        return {page.identity.login for page in self._boards}

    def renew(self, users: Iterable[str]) -> None:
        """Show these users everything anew: what they may see or where they sit has changed."""
        for user in users:
            for page in tuple(self._users.get(user, ())):
                self._send_snapshot(page)

    def look_after(self) -> None:
        """Call a few times a second: pages that have read on get their snapshot, those that never do are closed."""
        now = self._steady()
        for page in tuple(self._behind):
            if page.pipe.pending() == 0:
                del self._behind[page]
                page.behind_since = None
                page.frames = 0
                self._send_snapshot(page)
            elif page.pipe.pending() > HOPELESS or (
                page.behind_since is not None and now - page.behind_since > BEHIND_S
            ):
                self.figures.closed_slow += 1
                self.close(page, TOO_SLOW, "too slow")

    def _send_snapshot(self, page: Page) -> None:
        self.figures.snapshots += 1
        now = self._pbx_now()
        for kind, body in self._snapshots(page):
            self._send(page, kind, now, body)

    def _send(self, page: Page, kind: str, now: float, *bodies: bytes) -> None:
        if self._takes(page):
            first = page.seq + 1
            page.seq += len(bodies)
            self.figures.frames += len(bodies)
            page.pipe.write(*[wire.frame(kind, seq, now, body) for seq, body in enumerate(bodies, first)])

    def _takes(self, page: Page) -> bool:
        """False for a page that is too far behind: it will get a snapshot."""
        if page.behind_since is not None:
            self.figures.skipped += 1
            return False
        pending = page.pipe.pending()
        if not pending:
            page.frames = 0
            return True
        page.frames += 1
        # A first frame larger than the limit must still pass: only what piles up behind it counts.
        if pending > MAX_BUFFER or page.frames > MAX_FRAMES:
            page.behind_since = self._steady()
            self._behind[page] = None
            self.figures.skipped += 1
            return False
        return True
