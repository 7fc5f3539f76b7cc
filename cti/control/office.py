"""The office: carries out plans, once, and follows each until the PBX's own events say what became of it.

`asked` is all that the PBX's answer is worth: Asterisk says Success and the caller stays. `confirmed` comes from an
event, `refused` with the PBX's words or the event that stood in the way, `unconfirmed` when nothing came in time; it
may still turn into `confirmed` for a minute, and is never sent again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec

from cti import events
from cti.control.members import rows_of
from cti.control.plan import Core, Declined, Plan, Rows, Step
from cti.events import Event
from cti.wire import clean_text
from cti.wire.supervision import ActionState, ActionView, Undo

log = logging.getLogger(__name__)

KEPT: Final = 300
"Actions remembered here; the store has them all."
LATE_S: Final = 60.0
"For this long after its time an unconfirmed action may still be confirmed."


class PbxRefused(Exception):
    """The PBX answered no (`permanent`), or nothing came back; the text is its own sentence, or the link's."""

    def __init__(self, text: str, *, permanent: bool) -> None:
        super().__init__(text)
        self.permanent = permanent


class Send(Protocol):
    """The link, as far as actions need it."""

    def __call__(self, name: str, fields: Mapping[str, str]) -> Awaitable[Sequence[Any]]:
        """Send one action; raises PbxRefused, ValueError for what may not be sent."""


class Entry:
    """One action under way or done."""

    __slots__ = ("after", "before", "closing", "judge", "on_settled", "phones", "timer", "view")

    def __init__(self, view: ActionView, plan: Plan) -> None:
        self.view = view
        self.judge = plan.judge
        self.phones = plan.phones
        self.before: Rows = plan.before
        self.after: Rows = plan.want
        self.timer: asyncio.TimerHandle | None = None
        self.closing = False
        "Nothing more is expected of it."
        self.on_settled: Callable[[ActionView], None] | None = None


Fallback = Callable[[], Awaitable[Step | None]]
"After the steps: looks whether they did it, and gives another step where they did not."


class Office:
    """All actions of one service. `on_change` is told each new and each changed action; `keep` writes it down."""

    def __init__(
        self,
        core: Core,
        send: Send,
        *,
        clock: Callable[[], float],
        confirm_s: float,
        undo_s: float,
        on_change: Callable[[ActionView], None],
        keep: Callable[[ActionView], Awaitable[None]],
    ) -> None:
        """`clock` is the PBX's. `keep` must not raise once an action has been sent: what it cannot write it holds."""
        self._core = core
        self._send = send
        self._clock = clock
        self._confirm_s = confirm_s
        self._undo_s = undo_s
        self._on_change = on_change
        self._keep = keep
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._open: dict[str, Entry] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def get(self, action: str) -> ActionView | None:
        """An action that is remembered."""
        entry = self._entries.get(action)
        return entry.view if entry is not None else None

    def recent(self, limit: int = 50) -> list[ActionView]:
        """The last actions, newest first."""
        return [entry.view for entry in list(self._entries.values())[: -limit - 1 : -1]]

    def rows(self, action: str) -> tuple[tuple[str, ...], Rows, Rows]:
        """(phones, rows before, rows after) of an action on members."""
        entry = self._entries[action]
        return entry.phones, entry.before, entry.after

    def phones(self, action: str) -> tuple[str, ...]:
        """Phones of the agents an action concerns."""
        entry = self._entries.get(action)
        return entry.phones if entry is not None else ()

    def get_judged(self, visit: str) -> ActionView | None:
        """The action on a waiting caller that is not settled yet."""
        return next((e.view for e in self._open.values() if e.view.visit == visit and e.view.state == "asked"), None)

    async def send(self, step: Step) -> None:
        """A step that belongs to no new action; a refusal is only logged."""
        try:
            await self._send(step.action, step.fields)
        except (PbxRefused, ValueError) as error:
            log.warning("%s was not done: %s", step.action, type(error).__name__)

    # -- carrying out --------------------------------------------------------------------------------------------

    def start(
        self,
        view: ActionView,
        plan: Plan,
        *,
        fallback: Fallback | None = None,
        on_settled: Callable[[ActionView], None] | None = None,
    ) -> ActionView:
        """Send a plan's steps in the background; gives the action as it stands now.

        An action whose id is known is not carried out again: of two clicks at once the second finds the first here.
        """
        known = self._entries.get(view.id)
        if known is not None:
            return known.view
        entry = Entry(view, plan)
        entry.on_settled = on_settled
        self._enter(entry)
        self._open[view.id] = entry
        self._changed(entry)
        self.behind(self._run(entry, plan, fallback))
        return entry.view

    async def _run(self, entry: Entry, plan: Plan, fallback: Fallback | None) -> None:
        loop = asyncio.get_running_loop()
        wait = self._confirm_s if not view_listens(entry.view) else 30.0
        entry.timer = loop.call_later(wait, self._late, entry)
        done = 0
        try:
            for step in plan.steps:
                await self._send(step.action, step.fields)
                done += 1
            if fallback is not None:
                more = await fallback()
                if more is not None and entry.view.state == "asked":
                    await self._send(more.action, more.fields)
        except Declined as declined:
            self._settle(entry, "refused", declined.text, declined.text_en)
        except (PbxRefused, ValueError) as error:
            said = clean_text(str(error), 120)
            if isinstance(error, PbxRefused) and not error.permanent:
                self._settle(
                    entry, "unconfirmed", "交换机没有应答，是否执行未知", f"No answer; unknown whether done: {said}"
                )
            elif done:
                part = f"{done}/{len(plan.steps)}"
                self._settle(
                    entry, "refused", f"只完成 {part}，交换机拒绝：{said}", f"Only {part} done; the PBX said: {said}"
                )
            else:
                self._settle(entry, "refused", f"交换机拒绝：{said}", f"The PBX refused: {said}")

    def remember(self, view: ActionView) -> None:
        """An action of another node, or from before this start, as it stands."""
        self._enter(Entry(view, Plan(steps=(), judge=lambda event: None)))

    def adopt(self, view: ActionView, plan: Plan) -> None:
        """A listening from before this start that still goes on."""
        entry = Entry(view, plan)
        self._enter(entry)
        self._open[view.id] = entry

    def _enter(self, entry: Entry) -> None:
        """Remember it; the oldest are forgotten for it, and no longer waited for."""
        self._entries[entry.view.id] = entry
        while len(self._entries) > KEPT:
            oldest, old = self._entries.popitem(last=False)
            self._open.pop(oldest, None)
            if old.timer is not None:
                old.timer.cancel()

    def behind(self, work: Any) -> None:
        """Run something behind everybody's back, and see it through before the service stops."""
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- what became of it ---------------------------------------------------------------------------------------

    def on_event(self, event: Event) -> None:
        """One event of the PBX: it may settle actions, and end a listening."""
        if not self._open:
            return
        for entry in tuple(self._open.values()):
            if entry.view.state in ("asked", "unconfirmed"):
                verdict = entry.judge(event)
                if verdict is not None:
                    self._settle(entry, verdict.state, verdict.text, verdict.text_en)
            elif view_listens(entry.view):
                self._listening(entry, event)

    def _listening(self, entry: Entry, event: Event) -> None:
        over = isinstance(event, events.SpyStopped | events.CallEnded) and f"cti-spy-{entry.view.id}" == (
            event.spy if isinstance(event, events.SpyStopped) else event.call
        )
        if over or isinstance(event, events.PbxRestarted):
            entry.view = msgspec.structs.replace(entry.view, ended_at=event.at)
            self._open.pop(entry.view.id, None)
            self._changed(entry)

    def _settle(self, entry: Entry, state: ActionState, text: str, text_en: str) -> None:
        if entry.view.state not in ("asked", "unconfirmed") or entry.view.state == state or entry.closing:
            return
        if entry.timer is not None:
            entry.timer.cancel()
            entry.timer = None
        view = entry.view
        changes: dict[str, Any] = {"state": state, "settled_at": self._clock()}
        if text:
            changes |= {"text": text, "text_en": text_en}
        if state != "confirmed":
            changes["undo"] = None
        elif view.undo is not None:
            changes["undo"] = msgspec.structs.replace(view.undo, until=self._clock() + self._undo_s)
        entry.view = msgspec.structs.replace(view, **changes)
        if state == "confirmed" and entry.after:
            rows = {k: r for phone in entry.phones for k, r in rows_of(self._core.memberships(phone)).items()}
            entry.after = {key: rows.get(key) for key in entry.after}
        if state == "unconfirmed":
            loop = asyncio.get_running_loop()
            entry.timer = loop.call_later(LATE_S, self._give_up, entry)
        elif not (view_listens(view) and state == "confirmed"):
            self._open.pop(view.id, None)
        self._changed(entry)
        if entry.on_settled is not None:
            entry.on_settled(entry.view)

    def _late(self, entry: Entry) -> None:
        entry.timer = None
        self._settle(
            entry,
            "unconfirmed",
            "交换机没有确认",
            "The PBX did not confirm it",
        )

    def _give_up(self, entry: Entry) -> None:
        entry.closing = True
        entry.timer = None
        self._open.pop(entry.view.id, None)

    def undone(self, action: str, by: str) -> None:
        """An action was taken back by another one."""
        entry = self._entries.get(action)
        if entry is not None:
            entry.view = msgspec.structs.replace(entry.view, undone_by=by, undo=None)
            self._changed(entry)

    def _changed(self, entry: Entry) -> None:
        self._on_change(entry.view)
        self.behind(self._keep(entry.view))

    async def close(self) -> None:
        """Nothing more is waited for."""
        for entry in self._entries.values():
            if entry.timer is not None:
                entry.timer.cancel()
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)


def view_listens(view: ActionView) -> bool:
    """True for listening, which goes on after it is confirmed."""
    return view.kind == "listen"


def undo_offer(texts: tuple[str, str] | None) -> Undo | None:
    """What undoing would do; its time runs from the confirmation."""
    return None if texts is None else Undo(text=texts[0], text_en=texts[1], until=0.0)
