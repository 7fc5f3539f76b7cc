"""Lines of queue_log: read, checked, and made into visits (pure). Rules: FAULTS 3.5.

A caller can put line breaks into what Asterisk writes, so a line counts only if its time, its call id, its fields and
its place in the call's story are right. What is refused is kept aside with the reason, never guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Final, Literal

import msgspec

EARLY_S: Final = 2
"A line may be this much older than the one before it, or ahead of our clock."
LATE_RING_S: Final = 2
"Rings are still told this long after a visit closed."
NEAR_S: Final = 2
"A wait told by a line and the time between its lines differ at most by this."
MOST_OPEN: Final = 20_000

Reason = Literal["fields", "time", "verb", "callid", "queue", "member", "state", "number"]

# verb -> (fewest, most fields after it, which of them are whole numbers; negative ones count from the end)
_VERBS: Final[dict[str, tuple[int, int, tuple[int, ...]]]] = {
    "ENTERQUEUE": (2, 3, (2,)),
    "CONNECT": (2, 3, (0, 2)),
    "COMPLETEAGENT": (2, 3, (0, 1)),
    "COMPLETECALLER": (2, 3, (0, 1)),
    "ABANDON": (3, 3, (0, 1, 2)),
    "EXITEMPTY": (3, 3, (0, 1, 2)),
    "EXITWITHTIMEOUT": (3, 3, (0, 1, 2)),
    "EXITWITHKEY": (2, 4, (1, 2, 3)),
    "WITHDRAW": (3, 4, (0, 1, 2)),
    "RINGNOANSWER": (1, 1, (0,)),
    "RINGCANCELED": (1, 1, (0,)),
    "BLINDTRANSFER": (5, 5, (2, 3, 4)),
    "ATTENDEDTRANSFER": (5, 8, (-3, -2, -1)),
    "TRANSFER": (5, 5, (2, 3, 4)),
    "AGENTDUMP": (0, 1, ()),
    "SYSCOMPAT": (0, 1, ()),
    "ADDMEMBER": (0, 1, ()),
    "REMOVEMEMBER": (0, 1, ()),
    "PAUSE": (0, 9, ()),
    "UNPAUSE": (0, 9, ()),
    "PAUSEALL": (0, 9, ()),
    "UNPAUSEALL": (0, 9, ()),
    "PENALTY": (1, 1, (0,)),
    "RINGINUSE": (1, 1, (0,)),
    "CONFIGRELOAD": (0, 1, ()),
    "QUEUESTART": (0, 1, ()),
}
_OF_CALLS: Final = frozenset(
    {
        "ENTERQUEUE", "CONNECT", "COMPLETEAGENT", "COMPLETECALLER", "ABANDON", "EXITEMPTY", "EXITWITHTIMEOUT",
        "EXITWITHKEY", "WITHDRAW", "RINGNOANSWER", "RINGCANCELED", "BLINDTRANSFER", "ATTENDEDTRANSFER", "TRANSFER",
        "AGENTDUMP", "SYSCOMPAT",
    }
)  # fmt: skip
_EXITS: Final = {
    "ABANDON": ("abandoned", 2),
    "EXITEMPTY": ("empty", 2),
    "EXITWITHTIMEOUT": ("timeout", 2),
    "EXITWITHKEY": ("key", 3),
    "WITHDRAW": ("withdrawn", 2),
}
"{verb: (outcome, which field is the wait)}."
_ENDS: Final = frozenset({"COMPLETEAGENT", "COMPLETECALLER", "BLINDTRANSFER", "ATTENDEDTRANSFER", "TRANSFER"})
_WHOLE: Final = re.compile(r"-?[0-9]{1,12}\Z")
_LONGEST: Final = 4096


class Line(msgspec.Struct, frozen=True):
    """A line that passed on its own."""

    at: int
    callid: str
    queue: str
    agent: str
    verb: str
    data: tuple[str, ...]


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What a site knows. None: anything goes."""

    systemname: str | None = None
    queues: frozenset[str] | None = None
    members: frozenset[str] | None = None


class LogVisit(msgspec.Struct, frozen=True, kw_only=True):
    """One stay in a queue as the log tells it; whole seconds."""

    key: str
    callid: str
    queue: str
    caller: str
    entered: int
    left: int | None = None
    outcome: str = "unknown"
    "unknown while the caller waits, or where a line is missing"
    wait_s: int | None = None
    agent: str = ""
    ended: int | None = None
    "End of the talk."
    talk_s: int | None = None
    missed: tuple[tuple[str, int, int], ...] = ()
    "(member, ms rung, when)"


def parse(raw: bytes, rules: Rules) -> Line | Reason:
    """A line without its end, by itself; or why it does not count."""
    cells = raw.decode("utf-8", "replace").split("|")
    if len(raw) > _LONGEST or len(cells) < 5 or any("\r" in cell or "\x00" in cell for cell in cells):
        return "fields"
    stamp, callid, queue, agent, verb, *data = cells
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 11):
        return "time"
    shape = _VERBS.get(verb)
    if shape is None:
        return "verb"
    if data and data[-1] == "" and len(data) > shape[1]:
        data.pop()
    if not shape[0] <= len(data) <= shape[1]:
        return "fields"
    if any(-len(data) <= place < len(data) and not _WHOLE.match(data[place]) for place in shape[2]):
        return "number"
    of_call = verb in _OF_CALLS
    # Membership lines of the dialplan carry their channel's id.
    if not _is_callid(callid, rules) and (of_call or callid not in ("NONE", "MANAGER", "REALTIME", "")):
        return "callid"
    if queue != "NONE" and rules.queues is not None and queue not in rules.queues:
        return "queue"
    if of_call and verb not in ("ENTERQUEUE",) and agent != "NONE" and not _is_member(agent, rules):
        return "member"
    return Line(int(stamp), callid, queue, agent, verb, tuple(data))


def _is_callid(text: str, rules: Rules) -> bool:
    prefix = "(?:[A-Za-z0-9_.-]{1,80}-)?" if rules.systemname is None else re.escape(rules.systemname) + "-"
    return re.fullmatch(prefix + r"[0-9]{9,11}\.[0-9]{1,10}", text) is not None


def _is_member(agent: str, rules: Rules) -> bool:
    return rules.members is None or agent in rules.members


def key_of(line: Line) -> str:
    """Key of the visit that an ENTERQUEUE line begins: the same line read again is the same visit."""
    return sha256(f"{line.callid}|{line.queue}|{line.at}".encode()).hexdigest()


class LogBook:
    """Lines in, visits out. The story of each call id is followed: a line that does not fit is refused."""

    def __init__(self, rules: Rules, open_visits: Iterable[LogVisit] = (), last: int = 0) -> None:
        """`open_visits` and the last line's epoch, as they stood when reading stopped."""
        self._rules = rules
        self._first: int | None = None
        self.last = last
        "Epoch of the newest line that counted."
        self._waiting: dict[str, LogVisit] = {}
        self._talking: dict[tuple[str, str], LogVisit] = {}
        self._closed: dict[str, LogVisit] = {}
        self._changed: dict[str, LogVisit] = {}
        self._second = 0
        self._keys: dict[str, int] = {}
        "How often each visit's key was made in that second."
        self.ignored = 0
        "Lines of calls that began before the first line."
        if last:
            self._first = last
        for visit in open_visits:
            if visit.outcome == "answered":
                self._talking[visit.callid, visit.queue] = visit
            else:
                self._waiting[visit.callid] = visit

    def read(self, raw: bytes, now: float) -> Reason | None:
        """One line; why it does not count, or None."""
        line = parse(raw, self._rules)
        if not isinstance(line, Line):
            return line
        if not self.last - EARLY_S <= line.at <= now + EARLY_S:
            return "time"
        reason = self._tell(line)
        if reason is None:
            self.last = max(self.last, line.at)
            if self._first is None:
                self._first = line.at
        return reason

    def take(self) -> list[LogVisit]:
        """Visits that are new or different since the last time."""
        changed = list(self._changed.values())
        self._changed = {}
        return changed

    def _put(self, visit: LogVisit) -> LogVisit:
        self._changed[visit.key] = visit
        return visit

    def _tell(self, line: Line) -> Reason | None:
        match line.verb:
            case "QUEUESTART":
                self._restart(line.at)
                return None
            case "ENTERQUEUE":
                return self._enter(line)
            case "CONNECT":
                return self._connect(line)
            case verb if verb in _EXITS:
                return self._exit(line)
            case verb if verb in _ENDS:
                return self._end(line)
            case "RINGNOANSWER" | "RINGCANCELED" | "AGENTDUMP" | "SYSCOMPAT":
                return self._during(line)
            case _:
                return None

    def _enter(self, line: Line) -> Reason | None:
        if line.callid in self._waiting or len(self._waiting) >= MOST_OPEN:
            return "state"
        caller = line.data[1] if line.data else ""
        key = key_of(line)
        if line.at != self._second:
            self._second, self._keys = line.at, {}
        # Sent away at once and back again: a second entry in the same second is another.
        again = self._keys[key] = self._keys.get(key, 0) + 1
        key = key if again == 1 else f"{key}#{again}"
        visit = LogVisit(key=key, callid=line.callid, queue=line.queue, caller=caller, entered=line.at)
        self._waiting[line.callid] = self._put(visit)
        return None

    def _known(self, line: Line) -> LogVisit | None:
        visit = self._waiting.get(line.callid)
        return visit if visit is not None and visit.queue == line.queue else None

    def _stranger(self, line: Line) -> Reason | None:
        """A line of a call that we know nothing of: told from before the first line, or not to be believed."""
        known = (
            line.callid in self._waiting or line.callid in self._closed or (line.callid, line.queue) in self._talking
        )
        if known:
            return "state"
        began = int(line.callid.rpartition("-")[2].partition(".")[0])
        if self._first is None or began <= self._first:
            self.ignored += 1
            return None
        return "state"

    def _connect(self, line: Line) -> Reason | None:
        visit = self._known(line)
        if visit is None:
            return self._stranger(line)
        hold = int(line.data[0])
        if abs(line.at - visit.entered - hold) > NEAR_S:
            return "time"
        del self._waiting[line.callid]
        visit = msgspec.structs.replace(visit, outcome="answered", left=line.at, wait_s=hold, agent=line.agent)
        self._talking[line.callid, line.queue] = self._put(visit)
        self._close(visit)
        return None

    def _exit(self, line: Line) -> Reason | None:
        outcome, place = _EXITS[line.verb]
        visit = self._known(line)
        if visit is None:
            closed = self._closed.get(line.callid)
            if closed is not None and (closed.outcome, closed.queue) == (outcome, line.queue):
                return None  # Asterisk tells some exits twice (CALL_METRICS 3.2)
            return self._stranger(line)
        wait = int(line.data[place]) if place < len(line.data) else line.at - visit.entered
        if abs(line.at - visit.entered - wait) > NEAR_S:
            return "time"
        del self._waiting[line.callid]
        self._close(self._put(msgspec.structs.replace(visit, outcome=outcome, left=line.at, wait_s=wait)))
        return None

    def _end(self, line: Line) -> Reason | None:
        key = (line.callid, line.queue)
        visit = self._talking.get(key)
        if visit is None or visit.agent != line.agent:
            # Behind a Local hop the end stands under the trunk's id (ASTERISK 10): the agent has one call at a time.
            others = [k for k, v in self._talking.items() if (k[1], v.agent) == (line.queue, line.agent)]
            if len(others) != 1:
                return self._stranger(line)
            key = others[0]
            visit = self._talking[key]
        talk = int(line.data[-2] if line.verb not in ("COMPLETEAGENT", "COMPLETECALLER") else line.data[1])
        if visit.left is not None and abs(line.at - visit.left - talk) > NEAR_S:
            return "time"
        del self._talking[key]
        self._put(msgspec.structs.replace(visit, ended=line.at, talk_s=talk))
        return None

    def _during(self, line: Line) -> Reason | None:
        visit = self._known(line)
        if visit is None:
            closed = self._closed.get(line.callid)
            recent = closed is not None and closed.left is not None and line.at - closed.left <= LATE_RING_S
            if closed is None or not recent:
                return self._stranger(line)
            visit = self._changed.get(closed.key, closed)
        if line.verb == "RINGNOANSWER":
            ring = (line.agent, int(line.data[0]), line.at)
            visit = self._put(msgspec.structs.replace(visit, missed=(*visit.missed, ring)))
            if line.callid in self._waiting:
                self._waiting[line.callid] = visit
            elif (line.callid, line.queue) in self._talking:
                self._talking[line.callid, line.queue] = visit
            else:
                self._closed[line.callid] = visit
        elif line.verb == "SYSCOMPAT" and line.callid in self._waiting:
            del self._waiting[line.callid]
            self._close(self._put(msgspec.structs.replace(visit, left=line.at)))
        return None

    def _restart(self, at: int) -> None:
        for visit in self._waiting.values():
            self._put(msgspec.structs.replace(visit, outcome="pbx_restart", left=at))
        for visit in self._talking.values():
            self._put(msgspec.structs.replace(visit, ended=at))
        self._waiting.clear()
        self._talking.clear()
        self._closed.clear()

    def _close(self, visit: LogVisit) -> None:
        self._closed.pop(visit.callid, None)
        self._closed[visit.callid] = visit
        if len(self._closed) > 2000:
            del self._closed[next(iter(self._closed))]
