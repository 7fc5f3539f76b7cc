"""A process that takes callbacks and applies them, to be killed at any moment: `python -m tests.sms.taker FD STORE`.

It says `ready` when it listens. Callbacks are applied one at a time, so that there is always one between its answer
and its application.
"""

from __future__ import annotations

import asyncio
import socket
import sys

from cti.messaging.hooking import server
from cti.settings.sms import SmsHooks, SmsPlatform
from cti.sms.keeping import Keeping
from cti.store import Store
from cti.ticker import wall_clock

PLATFORM = SmsPlatform(
    name="aliyun",
    kind="aliyun",
    options={"key_id": "k", "key_secret": "s"},
    hook_secrets=("0123456789abcdef0123456789abcdef",),
)


async def main(descriptor: int, url: str) -> None:
    """Take and apply until killed."""
    store = Store.open(url)
    keeping = Keeping(store.take_in)
    hooks = server(SmsHooks(), (PLATFORM,), keeping)
    writing = asyncio.get_running_loop().create_task(keeping.run())
    sock = socket.socket(fileno=descriptor)
    sock.setblocking(False)
    await hooks.start(sock)
    print("ready", flush=True)
    while not writing.done():
        await asyncio.to_thread(store.apply_events, wall_clock(), lambda text: None, 1)
        await asyncio.sleep(0.002)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
