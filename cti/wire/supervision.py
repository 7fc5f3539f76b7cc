"""Shapes of routing on the spot, listening and overflow rules (pure); see docs/reference/push.md.

A wish is what a page asks for, an action what became of it. Times are epoch seconds of the PBX's clock.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from cti.wire import Shape

ActionState = Literal["asked", "confirmed", "refused", "unconfirmed"]
ActionKind = Literal[
    "member_add",
    "member_remove",
    "member_pause",
    "member_unpause",
    "member_penalty",
    "caller_first",
    "caller_move",
    "caller_to_agent",
    "caller_take",
    "agent_logout",
    "listen",
]
ListenMode = Literal["listen", "whisper", "join"]
RuleMode = Literal["off", "dry", "live"]
RuleState = Literal["idle", "on", "cooling"]


class Wish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """Base of all wishes. The same `id` again is the same action: nothing is sent twice."""

    id: str = ""
    reason: str = ""


class MemberAdd(Wish, frozen=True, kw_only=True, tag="member_add"):
    """Add an agent to a queue."""

    queue: str
    interface: str
    penalty: int = 0


class MemberRemove(Wish, frozen=True, kw_only=True, tag="member_remove"):
    """Remove an agent from a queue."""

    queue: str
    interface: str


class MemberPause(Wish, frozen=True, kw_only=True, tag="member_pause"):
    """Pause an agent in one queue, or in all of his."""

    interface: str
    queue: str | None = None


class MemberUnpause(Wish, frozen=True, kw_only=True, tag="member_unpause"):
    """End an agent's pause in one queue, or in all of his."""

    interface: str
    queue: str | None = None


class MemberPenalty(Wish, frozen=True, kw_only=True, tag="member_penalty"):
    """Change an agent's penalty in a queue."""

    queue: str
    interface: str
    penalty: int


class CallerFirst(Wish, frozen=True, kw_only=True, tag="caller_first"):
    """Put a waiting caller first."""

    visit: str


class CallerMove(Wish, frozen=True, kw_only=True, tag="caller_move"):
    """Move a waiting caller to another queue: to its end, or to its front."""

    visit: str
    queue: str
    first: bool = False


class CallerToAgent(Wish, frozen=True, kw_only=True, tag="caller_to_agent"):
    """Send a waiting caller to an agent's phone."""

    visit: str
    interface: str


class CallerTake(Wish, frozen=True, kw_only=True, tag="caller_take"):
    """Take a waiting caller oneself, at one of one's own phones."""

    visit: str
    phone: str | None = None


class AgentLogout(Wish, frozen=True, kw_only=True, tag="agent_logout"):
    """Log an agent out of all his queues and free the phone he took."""

    interface: str


MemberWish = MemberAdd | MemberRemove | MemberPause | MemberUnpause | MemberPenalty | AgentLogout
CallerWish = CallerFirst | CallerMove | CallerToAgent | CallerTake
AnyWish = MemberWish | CallerWish


class ListenBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of POST /control/listen: the agent, and the call one means."""

    interface: str
    call: str
    mode: ListenMode
    reason: str = ""
    phone: str | None = None
    "One of one's own phones; null: the first."
    id: str = ""


class Undo(Shape, frozen=True, kw_only=True):
    """What undoing would bring back, and until when it is offered."""

    text: str
    text_en: str
    until: float


class ActionView(Shape, frozen=True, kw_only=True):
    """One action: who did what and why, and what the PBX made of it."""

    id: str
    kind: ActionKind
    by: str
    "Login; '' for an overflow rule."
    by_name: str
    at: float
    reason: str = ""
    state: ActionState = "asked"
    settled_at: float | None = None
    text: str = ""
    text_en: str = ""
    agent: str | None = None
    interface: str | None = None
    queue: str | None = None
    queue_label: str | None = None
    to: str | None = None
    "The other queue's or the agent's name."
    caller: str | None = None
    "Masked number."
    visit: str | None = None
    call: str | None = None
    mode: ListenMode | None = None
    penalty: int | None = None
    undo: Undo | None = None
    undoes: str | None = None
    undone_by: str | None = None
    rule: str | None = None
    ended_at: float | None = None
    "Of listening only: null while it goes on."


class Able(Shape, frozen=True, kw_only=True):
    """What the PBX lets this service do, with a sentence where it does not."""

    members: bool
    callers: bool
    listen: bool
    text: str = ""
    text_en: str = ""


class ControlView(Shape, frozen=True, kw_only=True):
    """What a supervisor may do here."""

    modes: tuple[ListenMode, ...]
    notice: bool
    "Agents see that somebody listens."
    reason_needed: bool
    confirm_s: float
    undo_s: float
    reasons: tuple[str, ...]
    phones: tuple[str, ...]
    team: str
    able: Able


class ActionsAnswer(Shape, frozen=True, kw_only=True):
    """Answer of GET /control/actions and /control/mine."""

    actions: tuple[ActionView, ...]
    next: float | None = None
    "Pass as `before` for the next page; null at the end."


class When(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The condition of a rule: all of it, for `hold_s` together."""

    wait_s: float
    "Somebody waits for this long, in seconds."
    waiting: int = 1
    "At least so many wait."
    idle: int = 0
    "At most so many members are free."
    hold_s: float = 0.0


class Then(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who joins the queue: exactly one of a team, another queue's members, or these phones."""

    team: str = ""
    from_queue: str = ""
    interfaces: tuple[str, ...] = ()
    penalty: int = 1
    most: int = 0
    "At most so many of them; 0: all."


class Back(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When the rule takes back what it did."""

    quiet_s: float = 60.0
    "Nobody has waited in the queue for this long."


class RuleBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An overflow rule as people write it."""

    name: str
    queue: str
    when: When
    then: Then
    back: Back = Back()
    cool_s: float = 60.0
    "Seconds after taking back in which the rule does nothing."


class RuleEdit(RuleBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of PUT /control/rules/{id}: the rule, made from `version`."""

    version: int


class RuleModeBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of POST /control/rules/{id}/mode."""

    mode: RuleMode
    version: int


class RuleMember(Shape, frozen=True, kw_only=True):
    """An agent whom a rule put into its queue."""

    interface: str
    agent: str


class RuleNote(Shape, frozen=True, kw_only=True):
    """Something a rule did, would have done, or did not do, and why."""

    at: float
    dry: bool
    kind: str
    "on, off, added, removed, kept, failed, changed"
    text: str
    text_en: str


class RuleView(Shape, frozen=True, kw_only=True):
    """A rule, how it stands, and why."""

    id: str
    name: str
    queue: str
    when: When
    then: Then
    back: Back
    cool_s: float
    mode: RuleMode
    version: int
    source: Literal["file", "page"]
    by: str
    changed_at: float
    state: RuleState
    since: float | None
    members: tuple[RuleMember, ...]
    text: str
    "The rule as a sentence."
    text_en: str
    now: str
    "What it does at present and why; '' while it is idle."
    now_en: str
    last: RuleNote | None


class RulesAnswer(Shape, frozen=True, kw_only=True):
    """Answer of GET /control/rules."""

    rules: tuple[RuleView, ...]


class RuleLogAnswer(Shape, frozen=True, kw_only=True):
    """Answer of GET /control/rules/{id}/log."""

    entries: tuple[RuleNote, ...]


def rule_fault(rule: RuleBody) -> tuple[str, str, str] | None:
    """What is wrong with a rule as written: (key, text, text_en); None where nothing is."""
    when, then = rule.when, rule.then
    spans = (("wait_s", when.wait_s), ("hold_s", when.hold_s), ("quiet_s", rule.back.quiet_s), ("cool_s", rule.cool_s))
    for key, seconds in spans:
        if not 0 <= seconds <= 3600:
            return key, "应在 0 到 3600 秒之间", "Must be 0 to 3600 seconds"
    for key, seconds in spans[2:]:
        if seconds < 5:
            return key, "至少 5 秒，免得来回变动", "At least 5 seconds, so that nothing flaps"
    counts = (
        ("waiting", when.waiting, 1),
        ("idle", when.idle, 0),
        ("penalty", then.penalty, 0),
        ("most", then.most, 0),
    )
    for key, count, least in counts:
        if not least <= count <= 1000:
            return key, f"应在 {least} 到 1000 之间", f"Must be {least} to 1000"
    if sum((bool(then.team), bool(then.from_queue), bool(then.interfaces))) != 1:
        return (
            "then",
            "班组、来源队列、话机三者写一个",
            "Say exactly one of team, from_queue and interfaces",
        )
    if then.from_queue == rule.queue:
        return "from_queue", "来源队列不能是本队列", "The other queue must be another one"
    texts = (rule.name, rule.queue, then.team, then.from_queue, *then.interfaces)
    if not rule.name.strip() or not rule.queue or len(then.interfaces) > 200:
        return "name", "名称和队列必须填写", "A name and a queue must be given"
    if any(len(text) > 80 or not text.isprintable() for text in texts):
        return "name", "名称过长或含有不能使用的字符", "A name is too long or holds forbidden characters"
    return None
