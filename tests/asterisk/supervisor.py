"""A supervisor in front of a running service: asks for actions, and sees what his board is pushed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import msgspec

from cti.auth import Account, Identity, StoredSession
from cti.ticker import wall_clock
from cti.wire.supervision import ActionView, AnyWish, ListenBody, RuleView
from tests.asterisk.service import Service

GUARD = 15.0


class Board:
    """A board page without a browser: a pipe of the hub's that keeps what it is sent."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self._came = asyncio.Event()

    def write(self, *frames: bytes) -> None:
        """Frames from the hub."""
        self.frames.extend(json.loads(frame) for frame in frames)
        self._came.set()

    def pending(self) -> int:
        """It reads at once."""
        return 0

    def close(self, code: int, reason: str) -> None:
        """Closed."""

    async def until(self, true: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
        """The first frame of which something is true, among those that came and those to come."""
        seen = 0
        try:
            async with asyncio.timeout(GUARD):
                while True:
                    for frame in self.frames[seen:]:
                        if true(frame):
                            return frame
                    seen = len(self.frames)
                    self._came.clear()
                    await self._came.wait()
        except TimeoutError:
            told = [f for f in self.frames if f["type"] in ("action", "rule")][-4:]
            raise TimeoutError(f"{what}: {told}") from None

    def seqs(self) -> list[int]:
        """Numbers of the frames."""
        return [frame["seq"] for frame in self.frames]


class Supervisor:
    """One of a service's users, and his open board."""

    def __init__(self, service: Service, login: str = "boss", *interfaces: str, team: str = "") -> None:
        self.service = service
        self.app = service.app
        self.board = Board()
        account = Account(login=login, name="韩松", role="supervisor", password_hash="-", interfaces=interfaces)
        now = wall_clock()
        self.app.store.add_user(account, team)
        session = StoredSession(token_hash=f"s-{login}", login=login, created_at=now, seen_at=now)
        self.app.store.create_session(session)
        self.who = Identity(
            login=login,
            name="韩松",
            role="supervisor",
            language="zh",
            interfaces=interfaces,
            session=f"s-{login}",
            expires_at=now + 3600,
        )
        self.app.floor.arrived(self.who)
        self.app.hub.open(self.board, self.who, "board")

    async def act(self, wish: AnyWish) -> ActionView:
        """Ask, and wait until it is settled."""
        return await self.settled(await self.app.supervision.act(self.who, wish))

    async def ask(self, wish: AnyWish) -> ActionView:
        """Ask, and do not wait."""
        return await self.app.supervision.act(self.who, wish)

    async def listen(self, agent: str, call: str, mode: Any = "listen", reason: str = "") -> ActionView:
        """Ask to listen; one's own phone rings then."""
        return await self.app.supervision.listen(
            self.who, ListenBody(interface=agent, call=call, mode=mode, reason=reason)
        )

    async def undo(self, action: ActionView) -> ActionView:
        """Take it back, and wait until that is settled."""
        return await self.settled(await self.app.supervision.undo(self.who, action.id, ""))

    async def settled(self, action: ActionView) -> ActionView:
        """The action as the board is told that it came out."""
        return await self.told(action.id, lambda view: view.state != "asked")

    async def told(self, action: str, true: Callable[[ActionView], bool]) -> ActionView:
        """The action once the board was told something of it."""

        def wanted(frame: dict[str, Any]) -> bool:
            one = frame.get("action") or {}
            return frame["type"] == "action" and one["id"] == action and true(msgspec.convert(one, ActionView))

        frame = await self.board.until(wanted, f"action {action}")
        return msgspec.convert(frame["action"], ActionView)

    async def rule(self, rule: str, true: Callable[[RuleView], bool]) -> RuleView:
        """A rule once the board was told something of it."""

        def wanted(frame: dict[str, Any]) -> bool:
            one = frame.get("rule") or {}
            return frame["type"] == "rule" and one["id"] == rule and true(msgspec.convert(one, RuleView))

        frame = await self.board.until(wanted, f"rule {rule}")
        return msgspec.convert(frame["rule"], RuleView)
