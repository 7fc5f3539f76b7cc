"""`cti check`: says what works, a line each. Exit code 0 when all does, 1 when not, 2 for settings that are wrong."""

from __future__ import annotations

import argparse
import asyncio
import errno
import os
from collections.abc import Callable
from pathlib import Path

from crm_bridge.live import open_crm
from crm_bridge.mapped import Mapping
from crm_bridge.model import CrmError
from crm_bridge.numbers import Site
from crm_bridge.writeback import rules_of
from cti.ami.actions import AmiError
from cti.ami.link import Link, LinkState
from cti.ami.messages import Packet
from cti.ami.roster import Roster
from cti.calls.pbx import WANTED
from cti.commands.check_sms import messages
from cti.commands.common import FAILED, settings_or_exit
from cti.control.able import CONTEXTS, missing, said, said_contexts
from cti.listening import listening
from cti.relay import trouble
from cti.settings import PbxSettings, Settings
from cti.store import Store, StoreError
from cti.ticker import wall_clock

WAIT_S = 12.0
"How long the PBX may take to log in and list everything."


class _Report:
    """Lines for people, and whether all of them are good."""

    def __init__(self) -> None:
        self.failed = False

    def good(self, what: str, text: str) -> None:
        print(f"  ok    {what}: {text}", flush=True)

    def warn(self, what: str, text: str) -> None:
        print(f"  warn  {what}: {text}", flush=True)

    def bad(self, what: str, text: str) -> None:
        self.failed = True
        print(f"  FAIL  {what}: {text}", flush=True)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `cti check`."""
    parser.add_argument("--config", metavar="FILE", help="cti.toml (or the variable CTI_CONFIG)")


def main(args: argparse.Namespace) -> int:
    """Check the settings, the databases, the PBXs and Redis."""
    return run(args.config)


def run(config: str | None) -> int:
    """Check what these settings name; the exit code."""
    settings = settings_or_exit(config)
    report = _Report()
    report.good("config", f"{len(settings.queues)} 个队列 / queues, {len(settings.lines)} 条线路 / lines")
    _ports(settings, report)
    _stores(settings, report)
    _journal(settings, report)
    _recordings(settings, report)
    asyncio.run(messages(settings, report))
    asyncio.run(_pbxs(settings, report))
    if settings.redis.url:
        asyncio.run(_redis(settings, report))
    return FAILED if report.failed else 0


def _ports(settings: Settings, report: _Report) -> None:
    for what, host, port in (
        ("web", settings.web.host, settings.web.port),
        ("push", settings.push.host, settings.push.port),
    ):
        try:
            listening(host, port).close()
            report.good(what, f"{host}:{port}")
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                report.warn(what, f"{error.strerror}；服务可能已在运行 / perhaps the service runs already")
            else:
                report.bad(what, f"{error.strerror}")


def _stores(settings: Settings, report: _Report) -> None:
    site = Site(area_code=settings.site.area_code)
    try:
        store = Store.open(settings.store.url, site=site)
        try:
            store.check()
            users = store.accounts()
        finally:
            store.close()
        report.good("store", f"{settings.store!r}, {len(users)} 个用户 / users")
        if not users:
            report.warn("users", "还没有用户，先运行 cti user add / no users yet: cti user add")
    except StoreError as error:
        report.bad("store", f"{error.text} / {error.text_en}")
    try:
        crm = open_crm(
            settings.crm.url, mapping=settings.crm.mapping, site=site, timezone=settings.site.timezone, keep=False
        )
        try:
            crm.check()
        finally:
            crm.close()
        report.good("crm", repr(settings.crm))
        if settings.crm.mapping:
            _writeback(Path(settings.crm.mapping), report)
    except CrmError as error:
        report.bad("crm", f"{error.text} / {error.text_en}")


def _journal(settings: Settings, report: _Report) -> None:
    """Where calls wait while the database is away."""
    folder = settings.store.journal_folder
    if folder is None:
        report.warn("journal", "没有暂存目录，数据库不可用时重启会丢通话 / none: what waits dies with the process")
        return
    there = next(one for one in (folder.absolute(), *folder.absolute().parents) if one.exists())
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        report.good("journal", str(folder))
    else:
        report.bad("journal", f"{folder}：不可写 / it cannot be written to")


def _recordings(settings: Settings, report: _Report) -> None:
    """The folder of recordings, where one is named."""
    folder = settings.watching.recordings.folder
    if not folder:
        return
    if Path(folder).is_dir() and os.access(folder, os.R_OK | os.X_OK):
        report.good("recordings", folder)
    else:
        report.bad("recordings", f"{folder}：没有这个目录或不可读 / no such folder, or it cannot be read")


def _writeback(path: Path, report: _Report) -> None:
    """The rules of the mapping for what goes back."""
    try:
        table = Mapping.load(path).writeback
        kinds = sorted(rules_of(table, path.parent).kinds) if table else []
        report.good("writeback", ", ".join(kinds) or "没有配置 / nothing is written back")
    except CrmError as error:
        report.bad("writeback", f"{error.text} / {error.text_en}")


async def _redis(settings: Settings, report: _Report) -> None:
    """Whether nodes can tell each other anything."""
    why = await trouble(settings.redis.url)
    if why:
        report.bad("redis", f"{settings.redis!r}: {why}")
    else:
        report.good("redis", f"{settings.redis!r}，本机是 / this node is {settings.node.name}")


async def _pbxs(settings: Settings, report: _Report) -> None:
    """Every PBX that this node follows; the queues of the settings are looked for over all of them."""
    if not settings.followed:
        report.good("ami", "本机不跟踪交换机 / this node follows no PBX")
        return
    seen: set[str] = set()
    for pbx in settings.followed:
        found = await _pbx(pbx, settings, report)
        if found is None:
            return
        seen |= found
    if len(settings.followed) < len(settings.pbxs):
        return  # other nodes may follow the PBX that has the rest
    for name in settings.queues:
        if name not in seen:
            known = ", ".join(sorted(seen)) or "-"
            report.bad(f"queues.{name}", f"Asterisk 没有这个队列 / Asterisk has no such queue (has: {known})")


async def _pbx(pbx: PbxSettings, settings: Settings, report: _Report) -> set[str] | None:
    """Log in and read the lists with the real link; then ask what else the account may do. Gives the queues."""
    named = f" {pbx.name}" if settings.more_pbxs else ""
    told: asyncio.Queue[LinkState] = asyncio.Queue()
    rosters: list[Roster] = []
    stamped: list[bool] = []

    def saw(packet: Packet) -> None:
        if packet.event != "FullyBooted":  # the only event that never has a stamp
            stamped.append(bool(packet.get("Timestamp")))

    def on_packet(packet: Packet, now: float) -> None:
        saw(packet)

    def on_roster(roster: Roster, buffered: list[tuple[Packet, float]], now: float) -> None:
        rosters.append(roster)
        for packet, _ in buffered:
            saw(packet)

    on_state: Callable[[LinkState, float], None] = lambda state, now: told.put_nowait(state)  # noqa: E731
    link = Link(pbx, on_packet=on_packet, on_roster=on_roster, on_state=on_state, clock=wall_clock, wanted=WANTED)
    task = asyncio.get_running_loop().create_task(link.run())
    last: LinkState | None = None
    try:
        async with asyncio.timeout(WAIT_S):
            while last is None or last.phase in ("connecting", "resyncing"):
                last = await told.get()
        if last.phase != "live":
            report.bad(f"ami{named}", f"{last.text} / {last.text_en}")
            return None
        report.good(f"ami{named}", f"{pbx.host}:{pbx.port}, AMI {link.version or '?'}, 已登录 / logged in")
        await _rights(link, report)
        found = _lists(settings, rosters[-1], report)
        if stamped and not any(stamped):
            report.warn(
                "timestamps",
                "事件没有 Timestamp，请在 manager.conf 设 timestampevents=yes，否则 13 秒按收到时刻算"
                " / no Timestamp in events: set timestampevents=yes, else the 13 seconds go by the time of receipt",
            )
        return found
    except TimeoutError:
        report.bad(f"ami{named}", f"{WAIT_S:g} 秒内没有连上 / not live within {WAIT_S:g} s")
        return None
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _rights(link: Link, report: _Report) -> None:
    try:
        answer = (await link.action("ListCommands", {}))[0]
    except (AmiError, ValueError) as error:
        report.warn("rights", f"ListCommands: {error}")
        return
    allowed = {name.lower() for name, _ in answer.headers()}
    report.good("rights", "可以读取全部状态 / may read all state")  # the link has just done so
    for need, actions in missing(allowed).items():
        text, text_en = said(actions)
        report.warn(f"rights.{need}", f"{text} / {text_en}")
    for need, contexts in CONTEXTS.items():
        absent = [context for context in contexts if not await _has_context(link, context)]
        if absent:
            text, text_en = said_contexts(absent)
            report.warn(f"dialplan.{need}", f"{text} / {text_en}")
    dangerous = [n for n in ("Command", "UpdateConfig", "ModuleLoad", "GetConfig") if n.lower() in allowed]
    if dangerous:
        report.warn("rights", f"权限过大，请收回 / more than needed, take it back: {', '.join(dangerous)}")


async def _has_context(link: Link, context: str) -> bool:
    try:
        await link.action("ShowDialPlan", {"Context": context})
    except AmiError:
        return False
    return True


def _lists(settings: Settings, roster: Roster, report: _Report) -> set[str]:
    queues = {p.get("Queue") for p in roster.queue_status if p.event == "QueueParams"}
    members = {p.get("Location") or p.get("Interface") for p in roster.queue_status if p.event == "QueueMember"}
    report.good("queues", f"{len(queues)} 个队列 / queues, {len(members)} 个成员 / members")
    for name in sorted(queues - set(settings.queues) - {"default"}):
        report.warn(f"queues.{name}", "配置里没有，按默认目标 / not in the settings: default target")
    return queues
