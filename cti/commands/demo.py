"""`cti demo`: the real service with a sample CRM and a replayed PBX, on this machine only."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import tempfile
from pathlib import Path

from argon2 import PasswordHasher

from crm_bridge.embedded import EmbeddedCrm
from cti import logs
from cti.app import App
from cti.commands.common import FAILED, run_until_told
from cti.commands.run import settle
from cti.demo import sample, site
from cti.demo.pbx import SECRET, USERNAME, ReplayedPbx
from cti.demo.playback import TRUNK
from cti.settings import (
    CrmSettings,
    PbxSettings,
    PushSettings,
    QueueSettings,
    Settings,
    SiteSettings,
    StoreSettings,
    WebSettings,
)
from cti.store import Store
from cti.ticker import wall_clock

HOST = "127.0.0.1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `cti demo`."""
    parser.add_argument("--port", type=int, default=8080, help="of the pages; 0: a free one (default 8080)")
    parser.add_argument("--push-port", type=int, default=8081, help="of the push channel; 0: a free one")
    parser.add_argument("--dir", metavar="FOLDER", help="keep the databases here instead of in a temporary folder")
    parser.add_argument("--speed", type=float, default=1.0, help="how much faster than the clock the calls run")
    parser.add_argument("--seed", type=int, default=13, help="another number, other calls")
    parser.add_argument("--quiet", action="store_true", help="log errors only")


def settings_for(folder: Path, pbx_port: int, *, port: int, push_port: int) -> Settings:
    """The settings of the demonstration's site; what a config file would say."""
    return Settings(
        pbx=PbxSettings(
            name=site.PBX,
            host=HOST,
            port=pbx_port,
            username=USERNAME,
            secret=SECRET,
            trunks=(TRUNK,),
        ),
        queues={n: QueueSettings(label=label, target=target) for n, (label, target) in site.QUEUES.items()},
        lines=site.LINES,
        menu=site.MENU,
        web=WebSettings(host=HOST, port=port),
        push=PushSettings(host=HOST, port=push_port),
        store=StoreSettings(url=f"sqlite:///{folder / 'cti.db'}"),
        crm=CrmSettings(url=f"sqlite:///{folder / 'crm.db'}"),
        site=SiteSettings(name="十三秒货运", area_code="0574"),
    )


def fill(settings: Settings, password: str | None, seed: int = sample.SEED) -> sample.Sample:
    """Fill the databases that the settings name."""
    store = Store.open(settings.store.url)
    crm = EmbeddedCrm(settings.crm.url)
    hasher = PasswordHasher(time_cost=3, memory_cost=65536, parallelism=1)
    try:
        return sample.fill(crm, store, wall_clock(), hasher.hash, password=password, seed=seed)
    finally:
        crm.close()
        store.close()


def main(args: argparse.Namespace) -> int:
    """Run the demonstration until Ctrl+C."""
    logs.set_up("error" if args.quiet else "warning")

    with contextlib.ExitStack() as temporary:
        if args.dir:
            folder = Path(args.dir)
            folder.mkdir(parents=True, exist_ok=True)
        else:
            folder = Path(temporary.enter_context(tempfile.TemporaryDirectory(prefix="thirteen-demo-")))
        return _run(args, folder)


def _run(args: argparse.Namespace, folder: Path) -> int:
    async def work(stop: asyncio.Event) -> int:
        async with contextlib.AsyncExitStack() as stack:
            first = settings_for(folder, 0, port=args.port, push_port=args.push_port)
            print("正在准备示例客户 / preparing the sample customers ...", file=sys.stderr, flush=True)
            made = await asyncio.to_thread(fill, first, None)
            pbx = await stack.enter_async_context(ReplayedPbx(callers=made.callers, speed=args.speed, seed=args.seed))
            settings = settings_for(folder, pbx.port, port=args.port, push_port=args.push_port)
            try:
                app = await stack.enter_async_context(App(settings))
            except OSError as error:
                print(
                    f"端口无法监听 / cannot listen: {error.strerror}\n"
                    "换一个端口 / try others: cti demo --port 0 --push-port 0",
                    file=sys.stderr,
                )
                return FAILED
            settle()
            _announce(app, made)
            await stop.wait()
        return 0

    return run_until_told(work)


def _announce(app: App, made: sample.Sample) -> None:
    agent = made.users[0]
    supervisor = next(user for user in made.users if user.role == "supervisor")
    print(f"\n  十三秒 Thirteen   http://{HOST}:{app.web_port}/\n")
    admin = next(user for user in made.users if user.role == "admin")
    for title, user in (("坐席 agent     ", agent), ("主管 supervisor", supervisor), ("管理 admin     ", admin)):
        print(f"  {title}  {user.login}  /  {user.password}   ({user.name})")
    others = ", ".join(user.login for user in made.users if user.role == "agent" and user is not agent)
    print(f"\n  其他坐席同一口令 / more agents, same password: {others}")
    print("  20 秒内第一个来电弹屏；Ctrl+C 结束 / the first pop comes within 20 s; Ctrl+C ends\n", flush=True)
