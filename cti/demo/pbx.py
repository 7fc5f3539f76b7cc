"""The replayed PBX: a TCP server that speaks AMI and plays recorded calls, re-timed to now, over and over.

It knows nothing of the service and the service nothing of it: they meet on a socket, and the contract test that a
real Asterisk passes is passed here too.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hmac
import random
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

from cti.demo import site
from cti.demo.exchange import Exchange, Headers
from cti.demo.playback import Player, Wish
from cti.ticker import wall_clock

BANNER: Final = b"Asterisk Call Manager/11.0.0\r\n"
USERNAME: Final = "thirteen"
SECRET: Final = "replayed-secret"  # noqa: S105 - the demonstration's own, listening on loopback
_PHONES: Final = tuple((interface, name, queues) for interface, name, queues, _ in site.AGENTS)
_MAX_LINE: Final = 1022
_MAX_BACKLOG: Final = 8 << 20
"Bytes a client may leave unread before it is cut, as Asterisk cuts."


class ReplayedPbx:
    """One PBX; an async context manager. `port` is the one it listens on (0 asks for a free one)."""

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        username: str = USERNAME,
        secret: str = SECRET,
        callers: Sequence[str] = (),
        speed: float = 1.0,
        seed: int = 13,
        gap: float = 6.0,
        talk: tuple[float, float] = (12.0, 45.0),
        playing: bool = True,
        featured: str = site.AGENTS[0][0],
        systemname: str = "",
        timestamps: bool = True,
        clock: Callable[[], float] = wall_clock,
        phones: Sequence[tuple[str, str, Sequence[str]]] = _PHONES,
        queues: Sequence[str] = tuple(site.QUEUES),
    ) -> None:
        """`playing=False`: calls only when `place_call` asks. `speed`: how much faster than the clock tapes run.

        `featured`: the phone that gets a call rather often, so that whoever tries the demonstration need not wait.
        `phones` are (interface, agent's name, queues).
        """
        self.host, self.port, self.username, self.secret = host, port, username, secret
        self.clock = clock
        self.speed = speed
        self.exchange = Exchange(phones, queues, clock())
        self.player = Player(
            self.exchange,
            self._emit,
            clock,
            rng=random.Random(seed),  # noqa: S311 - chooses calls
            speed=speed,
            callers=callers,
            lines={did: tuple(menu) for did, menu in site.MENU.items()},
            gap=gap,
            talk=talk,
            featured=featured,
            prefix=f"{systemname}-" if systemname else "",
        )
        self.away = False
        "Whoever connects is cut at once."
        self.sessions: set[_Session] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._playing = playing
        self._systemname = systemname
        self._timestamps = timestamps
        self._server: asyncio.Server | None = None
        self._run: asyncio.Task[None] | None = None

    async def __aenter__(self) -> ReplayedPbx:
        """Listen, and begin to play."""
        self._server = await asyncio.start_server(self._accept, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        if self._playing:
            self.play()
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Stop playing, cut every client."""
        if self._run is not None:
            self._run.cancel()
            await asyncio.gather(self._run, return_exceptions=True)
        for task in list(self.player.playing):
            task.cancel()
        await asyncio.gather(*self.player.playing, return_exceptions=True)
        if self._server is not None:
            self._server.close()
        self.cut()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def play(self) -> None:
        """Begin to play call after call."""
        if self._run is None:
            self._run = asyncio.get_running_loop().create_task(self.player.run())

    def stop_playing(self) -> None:
        """Begin no more calls; those that are being played go on to their end."""
        self.player.closing = True

    def cut(self) -> None:
        """Drop every client's connection; the calls go on."""
        for session in list(self.sessions):
            session.writer.transport.abort()

    async def place_call(
        self, tape: str | None = None, caller: str | None = None, queue: str | None = None, did: str | None = None
    ) -> None:
        """Play one call from beginning to end; what is not given is drawn."""
        await asyncio.shield(self.player.start(Wish(tape, caller, queue, did)))

    def _emit(self, event: Headers, now: float) -> None:
        extra: Headers = []
        if self._timestamps:
            extra.append(("Timestamp", f"{now:.6f}"))
        if self._systemname:
            extra.append(("SystemName", self._systemname))
        raw = _packet([*event[:2], *extra, *event[2:]])
        classes = frozenset(event[1][1].split(","))
        for session in self.sessions:
            session.event(raw, classes)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.away:
            writer.transport.abort()
            return
        task = asyncio.current_task()
        if task is not None:
            self._serving.add(task)
        session = _Session(self, reader, writer)
        self.sessions.add(session)
        try:
            await session.serve()
        except (ConnectionError, ValueError):  # ValueError: a line without end
            pass
        finally:
            self.sessions.discard(session)
            writer.close()
            if task is not None:
                self._serving.discard(task)


class _Session:
    def __init__(self, pbx: ReplayedPbx, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.pbx = pbx
        self.writer = writer
        self._reader = reader
        self._mask: frozenset[str] | None = frozenset()
        self._authenticated = False

    def event(self, raw: bytes, classes: frozenset[str]) -> None:
        if not self._authenticated or (self._mask is not None and not self._mask & classes):
            return
        self.writer.write(raw)
        if self.writer.transport.get_write_buffer_size() > _MAX_BACKLOG:
            self.writer.transport.abort()

    async def serve(self) -> None:
        self.writer.write(BANNER)
        while True:
            fields: dict[str, str] = {}
            while True:
                line = (await self._reader.readline()).rstrip(b"\r\n")
                if self._reader.at_eof():
                    return
                if not line:
                    break
                if len(line) > _MAX_LINE:
                    fields = {"Action": "?"}
                key, _, value = line.decode("utf-8", "replace").partition(":")
                fields.setdefault(key.strip().lower(), value.strip())
            if fields and not await self._act(fields):
                return

    async def _act(self, fields: dict[str, str]) -> bool:
        name = fields.get("action", "").lower()
        if "Action" in fields:
            self._answer(fields, "Error", Message="Failed to parse message: line too long")
        elif name == "login":
            return await self._login(fields)
        elif name == "logoff":
            self._answer(fields, "Goodbye", Message="Thanks for all the fish.")
            return False
        elif not self._authenticated:
            self._answer(fields, "Error", Message="Permission denied")
        else:
            self._command(name, fields)
        return True

    async def _login(self, fields: dict[str, str]) -> bool:
        pbx = self.pbx
        right = hmac.compare_digest(
            f"{fields.get('username')}\0{fields.get('secret')}".encode(), f"{pbx.username}\0{pbx.secret}".encode()
        )
        if not right:
            await asyncio.sleep(1.0 / max(pbx.speed, 1.0))
            self._answer(fields, "Error", Message="Authentication failed")
            return False
        self._authenticated = True
        self._subscribe(fields.get("events", "on"))
        self._answer(fields, "Success", Message="Authentication accepted")
        uptime = str(int(pbx.clock() - pbx.exchange.boot))
        booted = [("Event", "FullyBooted"), ("Privilege", "system,all"), ("Uptime", uptime), ("LastReload", uptime)]
        self.event(_packet([*booted, ("Status", "Fully Booted")]), frozenset({"system", "all"}))
        return True

    def _subscribe(self, mask: str) -> bool:
        mask = mask.lower().strip()
        self._mask = None if mask in ("on", "all", "") else frozenset() if mask == "off" else frozenset(mask.split(","))
        return mask != "off"

    def _command(self, name: str, fields: dict[str, str]) -> None:
        exchange, now = self.pbx.exchange, self.pbx.clock()
        match name:
            case "ping":
                self._answer(fields, "Success", Ping="Pong", Timestamp=f"{now:.6f}")
            case "corestatus":
                self._answer(fields, "Success", **dict(exchange.core_status()))
            case "events":
                on = self._subscribe(fields.get("eventmask", "on"))
                self._answer(fields, "Success", Events="On" if on else "Off")
            case "listcommands":
                self._answer(fields, "Success", **_COMMANDS)
            case "queuestatus":
                items = exchange.queue_status(fields.get("queue", ""), now)
                self._list(fields, "Queue status will follow", items, "QueueStatusComplete")
            case "coreshowchannels":
                items = exchange.core_show_channels(now)
                self._list(fields, "Channels will follow", items, "CoreShowChannelsComplete")
            case "status":
                items = exchange.status_list(fields.get("variables", ""), now)
                self._list(fields, "Channel status will follow", items, "StatusComplete")
            case "bridgelist":
                self._list(fields, "Bridge listing will follow", exchange.bridge_list(), "BridgeListComplete")
            case "bridgeinfo":
                found = exchange.bridge_info(fields.get("bridgeuniqueid", ""))
                if found is None:
                    self._answer(fields, "Error", Message="Specified BridgeUniqueid not found")
                else:
                    self._list(fields, "Bridge channel listing will follow", found[0], "BridgeInfoComplete", found[1])
            case "devicestatelist":
                items = exchange.device_states()
                self._list(fields, "Device State Changes will follow", items, "DeviceStateListComplete")
            case "queuepause":
                self._pause(fields, now)
            case "queueadd" | "queueremove" | "queuepenalty":
                self._member(name, fields, now)
            case "queuechangeprioritycaller":
                if exchange.first(fields.get("caller", ""), fields.get("queue", "")):
                    self._answer(fields, "Success", Message="Priority change for caller on queue")
                else:
                    text = "Unable to change priority caller on queue: No such caller"
                    self._answer(fields, "Error", Message=text)
            case _ if name in _KNOWN:
                self._answer(fields, "Error", Message="Permission denied")
            case _:
                what = fields.get("action", "")
                text = f"Invalid/unknown command: {what}. Use Action: ListCommands to show available commands."
                self._answer(fields, "Error", Message=text)

    def _pause(self, fields: dict[str, str], now: float) -> None:
        interface, paused = fields.get("interface", ""), fields.get("paused", "").lower()
        if not interface or paused not in ("true", "false", "1", "0", "yes", "no"):
            self._answer(fields, "Error", Message="Need 'Interface' and 'Paused' parameters")
            return
        on = paused in ("true", "1", "yes")
        events = self.pbx.exchange.pause(interface, fields.get("queue", ""), on, fields.get("reason", ""), now)
        if not events:
            self._answer(fields, "Error", Message="Interface not found")
            return
        self._answer(fields, "Success", Message=f"Interface {'' if on else 'un'}paused successfully")
        for event in events:
            self.pbx._emit(event, now)

    def _member(self, name: str, fields: dict[str, str], now: float) -> None:
        exchange, interface, queue = self.pbx.exchange, fields.get("interface", ""), fields.get("queue", "")
        penalty = int(fields["penalty"]) if fields.get("penalty", "").isdigit() else 0
        if name == "queueadd":
            told = exchange.add(interface, queue, penalty, fields.get("paused") == "true", now)
        elif name == "queueremove":
            told = exchange.remove(interface, queue)
        else:
            told = exchange.penalise(interface, queue, penalty)
        if isinstance(told, str):
            self._answer(fields, "Error", Message=told)
            return
        text = {"queueadd": "Added interface to queue", "queueremove": "Removed interface from queue"}
        self._answer(fields, "Success", Message=text.get(name, "Interface penalty set successfully"))
        for event in told:
            self.pbx._emit(event, now)

    def _answer(self, fields: dict[str, str], response: str, **more: str) -> None:
        action_id = [("ActionID", fields["actionid"])] if fields.get("actionid") else []
        self.writer.write(_packet([("Response", response), *action_id, *more.items()]))

    def _list(
        self,
        fields: dict[str, str],
        text: str,
        items: list[Headers],
        complete: str,
        more: Sequence[tuple[str, str]] = (),
    ) -> None:
        action_id = [("ActionID", fields["actionid"])] if fields.get("actionid") else []
        self._answer(fields, "Success", EventList="start", Message=text)
        for item in items:
            self.writer.write(_packet([item[0], *action_id, *item[1:]]))
        end = [("EventList", "Complete"), ("ListItems", str(len(items)))]
        self.writer.write(_packet([("Event", complete), *action_id, *end, *more]))


_KNOWN: Final = frozenset({"command", "originate", "hangup", "redirect", "atxfer"})
"Commands of a real Asterisk that this account has no right to."
_COMMANDS: Final = {
    "BridgeInfo": "Get information about a bridge.  (Priv: <none>)",
    "BridgeList": "Get a list of bridges in the system.  (Priv: <none>)",
    "CoreShowChannels": "List currently active channels.  (Priv: system,reporting,all)",
    "CoreStatus": "Show PBX core status variables.  (Priv: system,reporting,all)",
    "DeviceStateList": "List the current known device states.  (Priv: call,reporting,all)",
    "Events": "Control Event Flow.  (Priv: <none>)",
    "ListCommands": "List available manager commands.  (Priv: <none>)",
    "Login": "Login Manager.  (Priv: <none>)",
    "Logoff": "Logoff Manager.  (Priv: <none>)",
    "Ping": "Keepalive command.  (Priv: <none>)",
    "QueueAdd": "Add interface to queue.  (Priv: agent,all)",
    "QueueChangePriorityCaller": "Change priority of a caller on queue.  (Priv: <none>)",
    "QueuePause": "Makes a queue member temporarily unavailable.  (Priv: agent,all)",
    "QueuePenalty": "Set the penalty for a queue member.  (Priv: agent,all)",
    "QueueRemove": "Remove interface from queue.  (Priv: agent,all)",
    "QueueStatus": "Show queue status.  (Priv: <none>)",
    "Status": "List channel status.  (Priv: system,call,reporting,all)",
}


def _packet(headers: Sequence[tuple[str, str]]) -> bytes:
    return "".join(f"{key}: {value}\r\n" for key, value in headers).encode() + b"\r\n"


@contextlib.asynccontextmanager
async def serve(
    host: str = "127.0.0.1", port: int = 0, *, callers: Sequence[str] = (), speed: float = 1.0, seed: int = 13
) -> AsyncIterator[ReplayedPbx]:
    """A replayed PBX that plays as long as the block lasts."""
    async with ReplayedPbx(host=host, port=port, callers=callers, speed=speed, seed=seed) as pbx:
        yield pbx


async def _forever(host: str, port: int, speed: float, seed: int) -> None:
    async with serve(host, port, speed=speed, seed=seed) as pbx:
        print(f"replayed PBX on {pbx.host}:{pbx.port}, user {pbx.username}", flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Run a replayed PBX until interrupted."""
    parser = argparse.ArgumentParser(description="a PBX that plays recorded calls over AMI")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5038)
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=13)
    given = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_forever(given.host, given.port, given.speed, given.seed))


if __name__ == "__main__":
    main()
