"""Settings of what watches: [alerts], [webhooks.<name>], [wallboard], [recordings], [replay]."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec

from cti.settings.check import LOOPBACK, Reader, Table
from cti.wire.watching import ALERT_KINDS, AlertKind, Limits

WARN_SHARE: Final = 0.6
"Without a limit of its own a wait is told at this share of the target: 8 of 13 seconds."


class HookSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[webhooks.<name>]: an address that is told of alerts."""

    name: str
    url: str
    secret: str
    kinds: tuple[AlertKind, ...] = ALERT_KINDS
    cleared: bool = True
    "Tell, too, when the cause is gone."
    customers: bool = False
    "Send the caller's number and name with it."

    def __repr__(self) -> str:
        """Without secret and address, which may hold one."""
        return f"HookSettings(name={self.name!r}, kinds={self.kinds!r})"


class AlertSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[alerts] and [alerts.queues.<name>]: from where on something is told."""

    default: Limits = Limits(warn_s=8.0, late_s=13.0, goal=0.9, calls=10, missed=2, paused_s=900.0, no_agents_s=30.0)
    queues: Mapping[str, Limits] = {}
    days: float = 90.0
    "How long the log is kept."


class WallSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[wallboard]: what of people a wall may show."""

    callers: Literal["none", "surname", "name"] = "none"
    agents: bool = False


class RecordingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[recordings]: where the PBX puts them."""

    folder: str = ""
    "'' for no recordings."
    patterns: tuple[str, ...] = ("%Y/%m/%d/*{call}*", "*{call}*")
    notice: bool = False
    "Callers are told that they are recorded."
    notice_text: str = ""


class ReplaySettings(msgspec.Struct, frozen=True, kw_only=True):
    """[replay]: the board's journal."""

    days: float = 7.0
    "0 keeps none."
    megabytes: float = 500.0
    every_s: float = 300.0
    "A whole board is written this often."


class WatchingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    alerts: AlertSettings = msgspec.field(default_factory=AlertSettings)
    hooks: tuple[HookSettings, ...] = ()
    wall: WallSettings = msgspec.field(default_factory=WallSettings)
    recordings: RecordingSettings = msgspec.field(default_factory=RecordingSettings)
    replay: ReplaySettings = msgspec.field(default_factory=ReplaySettings)


def read_watching(reader: Reader, queues: Mapping[str, tuple[float, float]], default_target: float) -> WatchingSettings:
    """Read the sections; `queues` is {name: (target in seconds, goal)} of the configured queues."""
    return WatchingSettings(
        alerts=_alerts(reader, queues, default_target),
        hooks=tuple(_hook(reader, name, table) for name, table in reader.tables("webhooks")),
        wall=_wall(reader),
        recordings=_recordings(reader),
        replay=_replay(reader),
    )


def _alerts(reader: Reader, queues: Mapping[str, tuple[float, float]], default_target: float) -> AlertSettings:
    section = reader.section("alerts")
    watch_level = section.flag("level", default=True)
    base = AlertSettings().default
    warn = section.seconds("warn", None, at_least=0.0)
    base = msgspec.structs.replace(_limits(section, base), goal=0.9 if watch_level else None)
    of: dict[str, Limits] = {}
    tables = dict(section.tables("queues"))
    for name in [*queues, *(name for name in tables if name not in queues)]:
        if name not in queues:
            reader.unknown(f"alerts.queues.{name}", name, sorted(queues))
        target, goal = queues.get(name, (default_target, 0.9))
        own, mine = tables.get(name), msgspec.structs.replace(base, goal=goal if watch_level else None)
        own_warn = warn
        if own is not None:
            own_warn = own.seconds("warn", warn, at_least=0.0)
            mine = _limits(own, mine)
            if not own.flag("level", default=watch_level):
                mine = msgspec.structs.replace(mine, goal=None)
            own.end()
        of[name] = msgspec.structs.replace(mine, warn_s=_warn(own_warn, target), late_s=target)
    default = msgspec.structs.replace(base, warn_s=_warn(warn, default_target), late_s=default_target)
    days = section.number("days", 90.0, at_least=1.0, at_most=3650.0)
    section.end()
    return AlertSettings(default=default, queues=of, days=days)


def _warn(said: float | None, target: float) -> float | None:
    """When a wait is told: as said, 0 for never, else at a share of the target."""
    return float(math.ceil(WARN_SHARE * target)) if said is None else said or None


def _limits(table: Table, known: Limits) -> Limits:
    """One section's limits over those known; 0 switches one off."""
    return msgspec.structs.replace(
        known,
        calls=int(table.number("calls", float(known.calls), at_least=1.0, at_most=10_000.0)),
        missed=int(table.number("missed", float(known.missed or 0), at_least=0.0, at_most=100.0)) or None,
        paused_s=table.seconds("paused", known.paused_s or 0.0, at_least=0.0) or None,
        no_agents_s=table.seconds("no_agents", known.no_agents_s or 0.0, at_least=0.0) or None,
    )


def _hook(reader: Reader, name: str, table: Table) -> HookSettings:
    url = table.text("url", required=True)
    plain = table.flag("allow_plain_http", default=False)
    if url:
        _check_url(reader, f"webhooks.{name}.url", url, plain)
    secret = table.secret("secret", required=True)
    if secret and len(secret) < 16:
        reader.add(
            f"webhooks.{name}.secret",
            "太短，至少 16 个字符",
            "Too short: at least 16 characters",
            "openssl rand -hex 32",
        )
    kinds: list[AlertKind] = []
    for wanted in table.names("kinds", ALERT_KINDS):
        found = next((kind for kind in ALERT_KINDS if kind == wanted), None)
        if found is None:
            reader.unknown(f"webhooks.{name}.kinds", wanted, ALERT_KINDS)
        else:
            kinds.append(found)
    hook = HookSettings(
        name=name[:40],
        url=url,
        secret=secret,
        kinds=tuple(kinds),
        cleared=table.flag("cleared", default=True),
        customers=table.flag("customers", default=False),
    )
    table.end()
    return hook


def _check_url(reader: Reader, key: str, url: str, plain: bool) -> None:
    """An address to send to: https, or http on this machine and where it is allowed; a host, no user, no fragment."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
        good = parts.scheme in ("http", "https") and bool(host) and not parts.fragment and "@" not in parts.netloc
        good = good and not any(ord(char) <= 32 or ord(char) == 127 for char in url)
    except ValueError:
        host, good, parts = "", False, urlsplit("")
    if not good:
        reader.add(
            key,
            "不是可用的地址（https://主机/路径，不带用户名和 #）",
            "Not a usable address (https://host/path, without user and #)",
            'url = "https://alerts.example.com/thirteen"',
        )
    elif parts.scheme == "http" and host not in LOOPBACK and not plain:
        reader.add(
            key,
            "明文 HTTP 出本机；可信内网请设 allow_plain_http = true",
            "Plain HTTP beyond this machine; in a trusted network set allow_plain_http = true",
        )


def _wall(reader: Reader) -> WallSettings:
    section = reader.section("wallboard")
    wall = WallSettings(
        callers=section.choice("callers", ("none", "surname", "name")), agents=section.flag("agents", default=False)
    )
    section.end()
    return wall


def _recordings(reader: Reader) -> RecordingSettings:
    section = reader.section("recordings")
    default = RecordingSettings()
    patterns = section.texts("patterns", default.patterns)
    for pattern in patterns:
        if "{call}" not in pattern or ".." in pattern.split("/") or pattern.startswith("/"):
            reader.add(
                "recordings.patterns",
                f"{pattern} 应含 {{call}}，相对于 folder，不含 ..",
                f"{pattern} must hold {{call}}, be relative to the folder and without ..",
                'patterns = ["%Y/%m/%d/*{call}*"]',
            )
    found = RecordingSettings(
        folder=section.text("folder", ""),
        patterns=patterns,
        notice=section.flag("notice", default=False),
        notice_text=section.text("notice_text", ""),
    )
    section.end()
    return found


def _replay(reader: Reader) -> ReplaySettings:
    section = reader.section("replay")
    replay = ReplaySettings(
        days=section.number("days", 7.0, at_least=0.0, at_most=366.0),
        megabytes=section.number("megabytes", 500.0, at_least=1.0, at_most=1_000_000.0),
        every_s=section.seconds("every", 300.0, at_least=10.0),
    )
    section.end()
    return replay
