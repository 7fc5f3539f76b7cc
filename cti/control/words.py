"""Sentences for people about actions, in both languages (pure)."""

from __future__ import annotations

from collections.abc import Callable

from cti.wire import supervision as wire

Both = tuple[str, str]

MODES: dict[wire.ListenMode, Both] = {
    "listen": ("监听", "Listen to"),
    "whisper": ("耳语", "Whisper to"),
    "join": ("加入通话", "Join the call of"),
}


def _where(queue: str | None) -> Both:
    return ("所有队列", "all queues") if queue is None else (queue, queue)


def member(wish: wire.MemberWish, agent: str, label: Callable[[str], str]) -> tuple[Both, Both]:
    """(what is asked, what undoing it would do)."""
    match wish:
        case wire.MemberAdd():
            queue = label(wish.queue)
            return (
                (f"把 {agent} 加入{queue}，惩罚 {wish.penalty}", f"Add {agent} to {queue}, penalty {wish.penalty}"),
                (f"把 {agent} 移出{queue}", f"Remove {agent} from {queue}"),
            )
        case wire.MemberRemove():
            queue = label(wish.queue)
            return (
                (f"把 {agent} 移出{queue}", f"Remove {agent} from {queue}"),
                (f"把 {agent} 加回{queue}", f"Add {agent} to {queue} again"),
            )
        case wire.MemberPause():
            zh, en = _where(None if wish.queue is None else label(wish.queue))
            return (
                (f"{agent} 在{zh}置忙", f"Pause {agent} in {en}"),
                (f"恢复 {agent} 原来的状态", f"Bring back how {agent} was"),
            )
        case wire.MemberUnpause():
            zh, en = _where(None if wish.queue is None else label(wish.queue))
            return (
                (f"{agent} 在{zh}置闲", f"End the pause of {agent} in {en}"),
                (f"恢复 {agent} 原来的状态", f"Bring back how {agent} was"),
            )
        case wire.MemberPenalty():
            queue = label(wish.queue)
            return (
                (f"{agent} 在{queue}的惩罚改为 {wish.penalty}", f"Penalty of {agent} in {queue}: {wish.penalty}"),
                (f"恢复 {agent} 在{queue}的惩罚", f"Bring back the penalty of {agent} in {queue}"),
            )
        case wire.AgentLogout():
            return (
                (f"签出 {agent}", f"Log {agent} out"),
                (f"让 {agent} 回到原来的队列", f"Put {agent} back into the queues of before"),
            )


def caller(wish: wire.CallerWish, who: str, agent: str, label: Callable[[str], str]) -> Both:
    """What is asked for a waiting caller; `agent` is where he is sent."""
    match wish:
        case wire.CallerFirst():
            return f"让来电 {who} 排到最前", f"Put caller {who} first"
        case wire.CallerMove():
            queue = label(wish.queue)
            return f"把来电 {who} 转到{queue}", f"Move caller {who} to {queue}"
        case wire.CallerToAgent():
            return f"把来电 {who} 转给 {agent}", f"Send caller {who} to {agent}"
        case wire.CallerTake():
            return f"自己接来电 {who}", f"Take caller {who}"


def undone(text: Both) -> Both:
    """Of taking an action back."""
    return f"撤回：{text[0]}", f"Undo: {text[1]}"


def masked(number: str | None) -> str:
    """A caller as an action names him: never the whole number."""
    if not number:
        return "未显号"
    return number if len(number) < 8 else f"{number[:3]}****{number[-4:]}"
