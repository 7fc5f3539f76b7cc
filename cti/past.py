"""What was before this start, and what of an open call comes back from the store after a resync."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from crm_bridge import model
from cti import wire
from cti.auth import ABSOLUTE_S, IDLE_S, Account
from cti.calls.record import Call
from cti.floor import Floor
from cti.popup.lanes import Lane
from cti.store import Draft, Store

log = logging.getLogger(__name__)

USER_S: Final = 0.25
"A user who comes does not wait longer for what he did at another node."
MOST_POPS: Final = 5


class Past(msgspec.Struct, frozen=True):
    """What the store remembers of before this start."""

    accounts: list[Account]
    dismissed: dict[str, set[str]]
    drafts: dict[str, list[Draft]]
    teams: dict[str, str]
    today: list[Call]
    open: dict[str, list[Call]]
    "{PBX: calls that had not ended when they were last written}"


def load(store: Store, zone: ZoneInfo, now: float, pbxs: Iterable[str]) -> Past:
    """What the store remembers at `now` (epoch seconds); for a worker thread. Sessions that are over are forgotten."""
    store.forget_sessions(now - IDLE_S, now - ABSOLUTE_S)
    midnight = datetime.fromtimestamp(now, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    accounts = store.accounts()
    return Past(
        accounts=accounts,
        dismissed={a.login: store.dismissed(a.login) for a in accounts},
        drafts={a.login: store.drafts(a.login) for a in accounts},
        teams=store.teams(),
        today=store.calls_since(midnight.timestamp()),
        open={name: store.open_calls(name) for name in pbxs},
    )


class Recall:
    """Gives the floor back what it knew: at the start, and of each open call after a resync."""

    def __init__(
        self,
        floor: Floor,
        store: Store,
        lane: Lane,
        *,
        ask: Callable[[Callable[[model.Crm], Any]], Awaitable[Any]],
    ) -> None:
        self._floor = floor
        self._store = store
        self._lane = lane
        self._ask = ask
        self._tasks: set[asyncio.Task[None]] = set()

    def restore(self, past: Past, now: float) -> None:
        """Users' phones, what they put away and typed, and the day's figures. `now` is the PBX's clock."""
        floor = self._floor
        for account in past.accounts:
            floor.session.phones.set_own(account.login, account.interfaces)
            for pop in past.dismissed[account.login]:
                floor.session.shelf.remember_dismissed(account.login, pop)
            self._keep(account.login, past.drafts[account.login])
        floor.day.roll(now)
        floor.board.roll(now)
        floor.day.restore(past.today)
        floor.board.restore(past.today)

    async def user(self, login: str) -> None:
        """What a user put away and typed, and the notes of his calls, as the store has them; it never holds him up."""
        store, floor = self._store, self._floor
        try:
            async with asyncio.timeout(USER_S):
                dismissed, drafts = await self._lane.run(lambda: (store.dismissed(login), store.drafts(login)))
                for pop in dismissed:
                    floor.carry(floor.session.dismiss(login, pop))
                self._keep(login, drafts)
                for shown in floor.session.pops_of(login)[:MOST_POPS]:
                    await self._recall_one(shown.call)
        except Exception as error:
            log.warning("what a user did elsewhere was not read: %s", type(error).__name__)

    def _keep(self, login: str, drafts: Iterable[Draft]) -> None:
        for draft in drafts:
            with contextlib.suppress(ValueError):
                self._floor.session.shelf.keep_draft(login, draft.call, json.loads(draft.payload))

    async def close(self) -> None:
        """Stop what is still being brought back."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def recall(self, calls: Iterable[str]) -> None:
        """These calls go on: their notes, and whom somebody chose, come back from the store."""
        for call in calls:
            self._behind(self._recall_one(call), "recalling a call")

    async def _recall_one(self, call: str) -> None:
        notes = await self._lane.run(lambda: self._store.call_notes(call))
        for n in reversed(notes):
            note = wire.Note(text=n.text, saved_at=n.saved_at, version=n.version, by=n.user)
            self._floor.carry(self._floor.session.note_saved(call, note))
        party = await self._lane.run(lambda: self._store.party_of(call))
        if party is not None:
            chosen: model.Party | None = await self._ask(lambda crm: crm.party(party))
            if chosen is not None:
                self._floor.carry(self._floor.session.choose(call, chosen))
                self._floor.enrich(call)

    def _behind(self, work: Coroutine[Any, Any, None], what: str) -> None:
        """Do something behind everybody's back; a failure is logged."""

        async def run() -> None:
            try:
                await work
            except Exception as error:
                log.warning("%s failed: %s", what, type(error).__name__)

        task = asyncio.get_running_loop().create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
