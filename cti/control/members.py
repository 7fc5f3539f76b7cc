"""Members of queues: add, remove, pause, penalty, log out, and bringing back how it was (pure).

Every wish becomes the rows that should stand; what is sent is the difference, and what confirms it is that the PBX's
own events made the rows so. Undoing is the same towards the rows of before, as long as nobody changed them since.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from cti import events
from cti.calls.reach import Membership
from cti.control.plan import CONFIRMED, Core, Declined, Key, Plan, Rows, Step, Verdict
from cti.events import Event
from cti.wire import supervision as wire

LOGGED_OUT = "已被主管签出 logged out"
"Reason of a pause in a queue whose row stands in queues.conf: the PBX cannot take such a row away."
MAX_REASON = 80
MAX_PENALTY = 1000
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def reason_of(text: str) -> str:
    """A reason that may be sent and shown: one line, cut. Raises Declined for control characters."""
    if _CONTROL.search(text):
        raise Declined(422, "bad_reason", "原因含有不能使用的字符", "Forbidden characters in the reason")
    return text.strip()[:MAX_REASON]


def rows_of(rows: Iterable[Membership]) -> dict[Key, Membership]:
    """Rows by key."""
    return {(row.queue, row.interface): row for row in rows}


def _same(row: Membership | None, wanted: Membership | None) -> bool:
    if row is None or wanted is None:
        return row is wanted
    paused = row.paused == wanted.paused and (not wanted.paused or wanted.reason in ("", row.reason))
    return row.penalty == wanted.penalty and paused


def is_so(rows: Rows, want: Rows) -> bool:
    """True where the rows that are wanted stand."""
    return all(_same(rows.get(key), wanted) for key, wanted in want.items())


def difference(rows: Rows, want: Rows) -> tuple[Step, ...]:
    """What must be sent to get from the rows as they are to those that are wanted."""
    steps: list[Step] = []
    for (queue, interface), wanted in want.items():
        row, names = rows.get((queue, interface)), {"Queue": queue, "Interface": interface}
        if wanted is None:
            if row is not None:
                steps.append(Step("QueueRemove", names))
            continue
        if row is None:
            steps.append(Step("QueueAdd", {**names, **_adding(wanted)}))
        elif row.penalty != wanted.penalty:
            steps.append(Step("QueuePenalty", {**names, "Penalty": str(wanted.penalty)}))
        paused, reason = (row.paused, row.reason) if row is not None else (wanted.paused, "")
        if paused != wanted.paused or (wanted.paused and wanted.reason not in ("", reason)):
            fields = {**names, "Paused": "true" if wanted.paused else "false"}
            steps.append(Step("QueuePause", fields | ({"Reason": wanted.reason} if wanted.reason else {})))
    return tuple(steps)


def _adding(row: Membership) -> dict[str, str]:
    fields = {"Penalty": str(row.penalty), "Paused": "true" if row.paused else "false"}
    if row.name:
        fields["MemberName"] = row.name
    if row.state_interface:
        fields["StateInterface"] = row.state_interface
    return fields


def wanted(wish: wire.MemberWish, rows: Sequence[Membership], name: str) -> dict[Key, Membership | None]:
    """The rows that a wish asks for. `rows` are the phone's present ones, `name` its agent's.

    Raises Declined where the wish makes no sense there.
    """
    reason = reason_of(wish.reason)
    match wish:
        case wire.MemberAdd():
            if any(row.queue == wish.queue for row in rows):
                raise already("已在该队列中", "is in that queue already")
            row = new_row(wish.queue, wish.interface, _penalty(wish.penalty), rows, name)
            return {(row.queue, row.interface): row}
        case wire.MemberRemove():
            return dict.fromkeys([(r.queue, r.interface) for r in _in(rows, wish.queue)])
        case wire.MemberPenalty():
            penalty = _penalty(wish.penalty)
            return {(r.queue, r.interface): msgspec.structs.replace(r, penalty=penalty) for r in _in(rows, wish.queue)}
        case wire.MemberPause() | wire.MemberUnpause():
            paused = isinstance(wish, wire.MemberPause)
            return {
                (r.queue, r.interface): msgspec.structs.replace(r, paused=paused, reason=reason if paused else "")
                for r in _in(rows, wish.queue)
            }
        case wire.AgentLogout():
            return {
                (r.queue, r.interface): None
                if r.dynamic
                else msgspec.structs.replace(r, paused=True, reason=LOGGED_OUT)
                for r in _in(rows, None)
            }


def new_row(queue: str, phone: str, penalty: int, rows: Sequence[Membership], name: str) -> Membership:
    """A row for a phone in one more queue, made as its others are."""
    like = next(iter(rows), None)
    if like is None:
        return Membership(queue=queue, interface=phone, name=name, state_interface=phone, penalty=penalty)
    paused = all(row.paused for row in rows)  # whoever is on a break stays so in a new queue, too
    return msgspec.structs.replace(
        like,
        queue=queue,
        penalty=penalty,
        paused=paused,
        reason=like.reason if paused else "",
        dynamic=True,
        login_time=0,
    )


def already(text: str, text_en: str) -> Declined:
    """Nothing to do."""
    return Declined(409, "already", f"该坐席{text}", f"The agent {text_en}")


def _penalty(penalty: int) -> int:
    if not 0 <= penalty <= MAX_PENALTY:
        raise Declined(422, "penalty", "惩罚值应在 0 到 1000 之间", "A penalty is 0 to 1000")
    return penalty


def _in(rows: Sequence[Membership], queue: str | None) -> list[Membership]:
    found = [row for row in rows if queue is None or row.queue == queue]
    if not found:
        raise Declined(409, "gone", "该坐席不在队列中", "The agent is in no such queue")
    return found


def plan(core: Core, phones: Iterable[str], want: Rows, *, undo: tuple[str, str] | None = None) -> Plan:
    """What is sent so that these rows stand, and the judge who says when they do.

    Raises Declined where they stand already.
    """
    of = tuple(dict.fromkeys(phones))

    def now() -> dict[Key, Membership]:
        return {key: row for phone in of for key, row in rows_of(core.memberships(phone)).items()}

    rows = now()
    steps = difference(rows, want)
    if not steps:
        raise Declined(409, "already", "已经是这样", "It is so already")

    def judge(event: Event) -> Verdict | None:
        concerned = (
            (isinstance(event, events.AgentChanged) and event.agent.interface in of)
            or (isinstance(event, events.AgentGone) and event.interface in of)
            or isinstance(event, events.PbxResynced)
        )
        return CONFIRMED if concerned and is_so(now(), want) else None

    return Plan(
        steps=steps, judge=judge, phones=of, before={key: rows.get(key) for key in want}, want=dict(want), undo=undo
    )


def restoring(core: Core, phones: Sequence[str], before: Rows, after: Rows) -> Plan:
    """Undo: back to `before`. Raises Declined where somebody has changed since what the action had made of it."""
    rows = {key: row for phone in phones for key, row in rows_of(core.memberships(phone)).items()}
    for key, made in after.items():
        row = rows.get(key)
        again = row is not None and made is not None and made.login_time and row.login_time != made.login_time
        if again or not _same(row, made):
            raise Declined(
                409,
                "not_undoable",
                "之后又有人改动过，不能撤回",
                "Somebody has changed it since; it cannot be undone",
            )
    return plan(core, phones, before)
