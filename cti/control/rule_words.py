"""Sentences about overflow rules, in both languages (pure)."""

from __future__ import annotations

from collections.abc import Sequence

from cti.wire.supervision import RuleBody, RuleMode, RuleState

Both = tuple[str, str]

CHANGED: Both = ("规则被修改或停用", "the rule was changed or switched off")
WITHDRAWN: Both = ("主管撤回", "withdrawn by a supervisor")


def sentence(rule: RuleBody) -> Both:
    """The rule in one sentence."""
    when, then = rule.when, rule.then
    zh = f"有人等待超过 {when.wait_s:g} 秒"
    en = f"A caller waits longer than {when.wait_s:g} s"
    if when.waiting > 1:
        zh, en = zh + f"、至少 {when.waiting} 人排队", en + f", at least {when.waiting} wait"
    zh += "且无人空闲" if not when.idle else f"且空闲不超过 {when.idle} 人"
    en += " and nobody is idle" if not when.idle else f" and at most {when.idle} are idle"
    if when.hold_s:
        zh, en = zh + f"，持续 {when.hold_s:g} 秒", en + f" for {when.hold_s:g} s"
    if then.team:
        who = (f"{then.team} 组", f"team {then.team}")
    elif then.from_queue:
        who = (f"队列 {then.from_queue} 的坐席", f"the agents of {then.from_queue}")
    else:
        who = (f"{len(then.interfaces)} 名坐席", f"{len(then.interfaces)} agents")
    most = (f"（最多 {then.most} 人）", f" ({then.most} at most)") if then.most else ("", "")
    zh += f" → 加入{who[0]}{most[0]}，惩罚 {then.penalty}；{rule.back.quiet_s:g} 秒无人等待后撤回"
    en += f" → add {who[1]}{most[1]}, penalty {then.penalty}; undo when nobody waits for {rule.back.quiet_s:g} s"
    return zh, en


def why(waiting: int, longest: float, idle: int) -> Both:
    """What the rule saw."""
    return (
        f"{waiting} 人等待，最长 {longest:.1f} 秒，空闲 {idle} 人",
        f"{waiting} waiting, the longest {longest:.1f} s, {idle} idle",
    )


def _names(names: Sequence[str]) -> Both:
    shown = list(names[:5])
    rest = len(names) - len(shown)
    return "、".join(shown) + (f"等 {len(names)} 人" if rest else ""), ", ".join(shown) + (
        f" and {rest} more" if rest else ""
    )


def added(names: Sequence[str], penalty: int, reason: Both, *, dry: bool) -> Both:
    """Members are added, or would be."""
    zh, en = _names(names)
    return (
        f"{reason[0]}：{'本应' if dry else ''}加入 {zh}，惩罚 {penalty}",
        f"{reason[1]}: {'would add' if dry else 'adding'} {en}, penalty {penalty}",
    )


def nobody(reason: Both) -> Both:
    """The condition holds, and there is nobody to help."""
    return f"{reason[0]}：没有可加入的坐席", f"{reason[1]}: there is nobody to add"


def back(names: Sequence[str], reason: Both, *, dry: bool) -> Both:
    """What was done is taken back."""
    zh, en = _names(names)
    if dry:
        return f"{reason[0]}：试运行，本应撤回", f"{reason[1]}: dry run, would undo"
    if not names:
        return f"{reason[0]}：没有需要撤回的坐席", f"{reason[1]}: nobody to take back"
    return f"{reason[0]}：撤回 {zh}", f"{reason[1]}: taking back {en}"


def quiet(seconds: float) -> Both:
    """Why it is over."""
    return f"{seconds:g} 秒无人等待", f"nobody waited for {seconds:g} s"


def left(agent: str) -> Both:
    """A member left again."""
    return f"{agent} 已移出", f"{agent} left"


def taken_out(agent: str) -> Both:
    """Somebody removed him before the rule did."""
    return f"{agent} 已被他人移出，不再处理", f"{agent} was removed by somebody else; left alone"


def kept(agent: str) -> Both:
    """The row is somebody else's by now."""
    return f"{agent} 的队列身份已被人工改动，保留不动", f"Somebody changed {agent}'s place in the queue; it stays"


def failed(agent: str, text: str, text_en: str) -> Both:
    """The PBX would not."""
    return f"{agent} 没有加入：{text}", f"{agent} was not added: {text_en}"


def mode(wanted: RuleMode) -> Both:
    """A rule was put into a mode."""
    return {
        "off": ("已停用", "Switched off"),
        "dry": ("试运行：只记录，不动作", "Dry run: it only notes what it would do"),
        "live": ("正式运行", "Live"),
    }[wanted]


def present(state: RuleState, reason: Both, *, dry: bool, leaving: bool) -> Both:
    """What a rule does now, '' while it is idle."""
    if state == "on":
        prefix = ("试运行触发：", "Dry run, would be on: ") if dry else ("已触发：", "On: ")
        return prefix[0] + reason[0], prefix[1] + reason[1]
    if leaving:
        return "正在撤回", "Taking back"
    return ("冷却中", "Cooling down") if state == "cooling" else ("", "")
