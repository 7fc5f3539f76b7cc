"""Walls: tokens for screens that nobody logs in at. The store has a token's hash; the screen's cookie has the token."""

from __future__ import annotations

import secrets
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final, Protocol

from cti.auth import WALL, Identity, token_hash
from cti.web.ports import Refusal, not_found
from cti.wire.watching import WallToken

PREFIX: Final = "cti_wall_"
"So that scanners for secrets know one."
COOKIE_S: Final = 400 * 86400
"Browsers keep no cookie longer."
WRONG, WRONG_S = 30, 60.0
"Wrong tokens in so many seconds after which none is looked up for a while: nobody guesses 256 bits."
MOST_WALLS: Final = 500
TOUCH_S: Final = 300.0


class Book(Protocol):
    """The store, as far as walls need it. Synchronous."""

    def add_wall(self, wall: WallToken, token_hash: str) -> None: ...  # noqa: D102
    def wall(self, token_hash: str) -> WallToken | None: ...  # noqa: D102
    def walls(self) -> Sequence[WallToken]: ...  # noqa: D102
    def wall_hashes(self) -> Mapping[str, WallToken]: ...  # noqa: D102
    def touch_wall(self, wall: str, at: float) -> None: ...  # noqa: D102
    def drop_wall(self, wall: str) -> bool: ...  # noqa: D102
    def add_audit(self, at: float, user: str, action: str, subject: str, detail: str = "") -> None: ...  # noqa: D102


def make(label: str, by: str, days: int | None, now: float) -> tuple[str, WallToken]:
    """A new token and its row."""
    wall = WallToken(
        id=secrets.token_hex(6),
        label=label,
        created_by=by,
        created_at=now,
        used_at=None,
        expires_at=None if days is None else now + days * 86400,
    )
    return PREFIX + secrets.token_urlsafe(32), wall


class Walls:
    """Implements `cti.web.ports.watching.Walls`, and says who sits behind a wall's cookie."""

    def __init__(
        self,
        book: Book,
        *,
        run: Callable[[Callable[[], Any]], Awaitable[Any]],
        clock: Callable[[], float],
        secure: bool,
        site: str,
        cache_s: float = 1.0,
    ) -> None:
        """`run` raises Refusal where the store is away; `secure` says that browsers come by TLS."""
        self._book = book
        self._run = run
        self._clock = clock
        self._secure = secure
        self._cache_s = cache_s
        self._cache: OrderedDict[str, tuple[float, Identity]] = OrderedDict()
        self._touched: dict[str, float] = {}
        self._wrong: deque[float] = deque(maxlen=WRONG)
        self.site = site
        self.cookie = "__Host-cti-wall" if secure else "cti-wall"

    # --- screens ---------------------------------------------------------------------------------------------------

    async def enter(self, token: str) -> str:
        """The Set-Cookie value for a screen with that token."""
        now = self._clock()
        if len(self._wrong) == WRONG and now - self._wrong[0] < WRONG_S:
            raise Refusal(429, "wait", "尝试过多，请稍后再试", "Too many tries; wait a minute", retry_after=WRONG_S)
        wall = await self._find(token, now)
        if wall is None:
            self._wrong.append(now)
            raise Refusal(401, "wrong", "大屏地址无效或已撤销", "This wallboard's address is wrong or was revoked")
        secure = "; Secure" if self._secure else ""
        return f"{self.cookie}={token}; Path=/; Max-Age={COOKIE_S}; HttpOnly; SameSite=Strict{secure}"

    async def identify(self, headers: Mapping[str, str]) -> Identity | None:
        """The wall behind a cookie; None for none, a revoked one, one that is over."""
        raw = headers.get("Cookie")
        if not raw or len(raw) > 8192 or self.cookie not in raw:
            return None
        try:
            morsel = SimpleCookie(raw).get(self.cookie)
        except CookieError:
            return None
        if morsel is None:
            return None
        now = self._clock()
        hashed = token_hash(morsel.value)
        cached = self._cache.get(hashed)
        if cached is not None and now - cached[0] < self._cache_s:
            return cached[1]
        wall = await self._find(morsel.value, now)
        if wall is None:
            self._cache.pop(hashed, None)
            return None
        if now - self._touched.get(wall.id, 0.0) > TOUCH_S:
            self._touched[wall.id] = now
            await self._run(lambda: self._book.touch_wall(wall.id, now))
        identity = _identity(wall, hashed)
        self._cache[hashed] = (now, identity)
        while len(self._cache) > MOST_WALLS:
            self._cache.popitem(last=False)
        return identity

    async def still(self, sessions: Collection[str]) -> dict[str, Identity]:
        """{session: wall} of those that may still look; nothing is asked where no wall is open."""
        if not sessions:
            return {}
        now = self._clock()
        walls: Mapping[str, WallToken] = await self._run(self._book.wall_hashes)
        return {
            hashed: _identity(walls[hashed], hashed)
            for hashed in sessions
            if hashed in walls and _lives(walls[hashed], now)
        }

    async def _find(self, token: str, now: float) -> WallToken | None:
        if not token.startswith(PREFIX) or len(token) > 100 or not token.isascii():
            return None
        hashed = token_hash(token)
        wall: WallToken | None = await self._run(lambda: self._book.wall(hashed))
        return wall if wall is not None and _lives(wall, now) else None

    # --- administrators --------------------------------------------------------------------------------------------

    async def tokens(self) -> Sequence[WallToken]:
        """All that may look, or might until their time was over."""
        walls: Sequence[WallToken] = await self._run(self._book.walls)
        return walls

    async def create(self, identity: Identity, label: str, days: int | None) -> tuple[str, WallToken]:
        """A token, shown this once; in the audit."""
        label = label.strip()
        if not 0 < len(label) <= 80 or (days is not None and not 1 <= days <= 3650):
            raise Refusal(422, "invalid", "名称 1 到 80 字，有效期 1 到 3650 天", "A label of 1 to 80, 1 to 3650 days")
        now = self._clock()
        token, wall = make(label, identity.login, days, now)

        def write() -> None:
            if len(self._book.walls()) >= MOST_WALLS:
                raise Refusal(409, "full", "大屏已够多，请先撤销", "There are enough wallboards; revoke some first")
            self._book.add_audit(now, identity.login, "wallboard", wall.id, label)
            self._book.add_wall(wall, token_hash(token))

        await self._run(write)
        return token, wall

    async def revoke(self, identity: Identity, wall: str) -> None:
        """Its screens go dark within a second; in the audit."""

        def drop() -> None:
            if not self._book.drop_wall(wall):
                raise not_found()
            self._book.add_audit(self._clock(), identity.login, "wallboard_revoked", wall)

        await self._run(drop)
        self._cache.clear()


def _lives(wall: WallToken, now: float) -> bool:
    return wall.expires_at is None or now < wall.expires_at


def _identity(wall: WallToken, hashed: str) -> Identity:
    return Identity(
        login=f"{WALL}:{wall.id}",
        name=wall.label,
        role=WALL,
        language="zh",
        interfaces=(),
        session=hashed,
        expires_at=wall.expires_at or float("inf"),
    )
