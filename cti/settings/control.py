"""Settings of what supervisors may do: [control], and overflow rules, [overflow.<name>]."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import msgspec

from cti.settings.check import Reader, Table
from cti.wire.supervision import Back, ListenMode, RuleBody, Then, When, rule_fault

MODES: tuple[ListenMode, ...] = get_args(ListenMode)


class ControlSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[control]."""

    listen: tuple[ListenMode, ...] = MODES
    "Ways of listening that the site allows; () for none."
    listen_notice: bool = True
    "The agent sees on his page that somebody listens."
    listen_reason: bool = False
    "Whoever listens must say why."
    confirm: float = 3.0
    "Seconds within which the PBX should confirm an action."
    undo: float = 300.0
    "Seconds for which undoing is offered."
    pause_reasons: tuple[str, ...] = ("小休", "培训", "会议", "用餐")
    rules: Mapping[str, RuleBody] = {}
    "Overflow rules of the file, by name."


def read_control(reader: Reader, queues: Mapping[str, object]) -> ControlSettings:
    """Read the sections; `queues` are the configured ones."""
    section = reader.section("control")
    modes: list[ListenMode] = []
    for wanted in section.names("listen", MODES):
        found = next((mode for mode in MODES if mode == wanted), None)
        if found is None:
            reader.unknown("control.listen", wanted, MODES)
        else:
            modes.append(found)
    settings = ControlSettings(
        listen=tuple(modes),
        listen_notice=section.flag("listen_notice", default=True),
        listen_reason=section.flag("listen_reason", default=False),
        confirm=section.number("confirm", 3.0, at_least=0.5, at_most=30.0),
        undo=section.number("undo", 300.0, at_least=10.0, at_most=3600.0),
        pause_reasons=section.names("pause_reasons", ControlSettings().pause_reasons),
    )
    section.end()
    rules = {name: _rule(reader, name, table, queues) for name, table in reader.tables("overflow")}
    return msgspec.structs.replace(settings, rules=rules)


def _rule(reader: Reader, name: str, table: Table, queues: Mapping[str, object]) -> RuleBody:
    def whole(key: str, default: int, least: int) -> int:
        return int(table.number(key, float(default), at_least=float(least), at_most=1000.0))

    rule = RuleBody(
        name=name,
        queue=table.text("queue", required=True),
        when=When(
            wait_s=table.seconds("wait", 8.0, at_least=0.0),
            waiting=whole("waiting", 1, 1),
            idle=whole("idle", 0, 0),
            hold_s=table.seconds("hold", 0.0, at_least=0.0),
        ),
        then=Then(
            team=table.text("team"),
            from_queue=table.text("from_queue"),
            interfaces=table.names("interfaces", ()),
            penalty=whole("penalty", 1, 0),
            most=whole("most", 0, 0),
        ),
        back=Back(quiet_s=table.seconds("quiet", 60.0, at_least=5.0)),
        cool_s=table.seconds("cool", 60.0, at_least=5.0),
    )
    table.end()
    fault = rule_fault(rule)
    if fault is not None and rule.queue:
        reader.add(f"overflow.{name}.{fault[0]}", fault[1], fault[2])
    for queue in (rule.queue, rule.then.from_queue):
        if queue and queues and queue not in queues:
            reader.unknown(f"overflow.{name}", queue, sorted(queues))
    return rule
