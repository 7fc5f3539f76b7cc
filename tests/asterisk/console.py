"""A manager connection of the tests' own: acts on the PBX, watches it, and writes a tape of all it hears.

It shares no code with the service: what is recorded here is what the service's own reading is compared with.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Headers = dict[str, str | list[str]]
GUARD = 30.0


def headers_of(raw: bytes) -> Headers:
    """Headers of one message; a repeated header becomes a list; bytes that are no UTF-8 become lone surrogates."""
    headers: Headers = {}
    for line in raw.decode("utf-8", "surrogateescape").split("\r\n"):
        if not line:
            continue
        name, colon, value = line.partition(":")
        if not colon:
            name, value = "", line
        value = value.removeprefix(" ")
        before = headers.get(name)
        if before is None:
            headers[name] = value
        elif isinstance(before, list):
            before.append(value)
        else:
            headers[name] = [before, value]
    return headers


class Tape:
    """Two files: `X.ami`, the bytes as they came, and `X.jsonl`, one line a message with its time and offset."""

    def __init__(self, stem: Path) -> None:
        """`stem` without extension."""
        self._bytes = stem.with_suffix(".ami").open("wb")
        self._lines = stem.with_suffix(".jsonl").open("w", encoding="utf-8")
        self._epoch = time.time()  # noqa: TID251  the tape's own clock
        self._offset = 0

    def start(self, scenario: str, version: str) -> None:
        """The mark that ties the tape's clock to the wall clock."""
        self.line(mark="start", scenario=scenario, asterisk=version, epoch=self._epoch)

    def heard(self, raw: bytes, event: Mapping[str, Any]) -> None:
        """One message."""
        self._bytes.write(raw)
        self.line(o=self._offset, n=len(raw), event=event)
        self._offset += len(raw)

    def line(self, **what: object) -> None:
        """A line of the .jsonl."""
        t = round(time.time() - self._epoch, 6)  # noqa: TID251
        text = json.dumps({"t": t, **what}, ensure_ascii=False)
        self._lines.write(text.encode("utf-8", "backslashreplace").decode() + "\n")

    def close(self) -> None:
        """Finish both files."""
        self._bytes.close()
        self._lines.close()


class Console:
    """One manager session as `tester`, who may do everything."""

    def __init__(
        self, port: int, secret: str, tape: Tape | None = None, user: str = "tester", classes: str = "on"
    ) -> None:
        """`classes` is the Events header of the login: which classes of events to hear."""
        self.port, self.secret, self.user, self.classes, self.tape = port, secret, user, classes, tape
        self.events: list[Headers] = []
        "Every event heard, in order."
        self.gone = asyncio.Event()
        self._answers: dict[str, tuple[asyncio.Future[list[Headers]], list[Headers], str]] = {}
        self._watches: list[tuple[Callable[[Headers], bool], asyncio.Future[Headers]]] = []
        self._counter = 0
        self._reading: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def open(self) -> Console:
        """Connect and log in."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 24)
        self.gone.clear()
        banner = await self._reader.readuntil(b"\r\n")
        if self.tape:
            self.tape.heard(banner, {"Banner": banner.decode().strip()})
        self._reading = asyncio.create_task(self._read())
        (answer,) = await self.act("Login", Username=self.user, Secret=self.secret, Events=self.classes)
        if answer.get("Response") != "Success":
            raise PermissionError(str(answer.get("Message")))
        return self

    async def open_booted(self, guard: float = 60) -> Console:
        """Connect until the PBX says FullyBooted: it lets people in before it is ready, and throws some out again."""
        async with asyncio.timeout(guard):
            while True:
                heard = len(self.events)
                try:
                    await self.open()
                    await asyncio.wait_for(self.until("FullyBooted", since=heard), 5)
                    return self
                except (OSError, asyncio.IncompleteReadError, PermissionError, TimeoutError):
                    await self.close(keep_tape=True)
                    await asyncio.sleep(0.1)

    async def close(self, *, keep_tape: bool = False) -> None:
        """Leave."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
            self._reading = None
        if self._writer is not None:  # the PBX may have thrown us out before a word
            self._writer.close()
            self._writer = None
        if self.tape is not None and not keep_tape:
            self.tape.close()
            self.tape = None

    async def act(self, action: str, until: str = "", **fields: str) -> list[Headers]:
        """Do an action and hand back its answer; `until` names the event that ends a list."""
        self._counter += 1
        key = fields.pop("ActionID", f"act-{self._counter}")
        answer: asyncio.Future[list[Headers]] = asyncio.get_running_loop().create_future()
        self._answers[key] = (answer, [], until)
        if self.tape:
            shown = {name: "***" if name == "Secret" else value for name, value in fields.items()}
            self.tape.line(action={"Action": action, "ActionID": key, **shown})
        lines = [f"Action: {action}", f"ActionID: {key}", *(f"{name}: {value}" for name, value in fields.items())]
        assert self._writer is not None, "not open"
        self._writer.write("\r\n".join([*lines, "", ""]).encode())
        await self._writer.drain()
        return await asyncio.wait_for(answer, 15)

    async def until(self, event: str, guard: float = GUARD, since: int = 0, **fields: str) -> Headers:
        """The first event of that name, with those fields, heard since `since` or still to come."""

        def wanted(heard: Headers) -> bool:
            return heard.get("Event") == event and all(heard.get(name) == value for name, value in fields.items())

        for heard in self.events[since:]:
            if wanted(heard):
                return heard
        watch: asyncio.Future[Headers] = asyncio.get_running_loop().create_future()
        self._watches.append((wanted, watch))
        return await asyncio.wait_for(watch, guard)

    async def resync(self) -> None:
        """Ask for all lists, as a client does that comes (back) to a running PBX."""
        await self.act("CoreStatus")
        await self.act("QueueStatus", until="QueueStatusComplete")
        await self.act("CoreShowChannels", until="CoreShowChannelsComplete")
        await self.act("Status", until="StatusComplete", AllVariables="true")
        await self.act("DeviceStateList", until="DeviceStateListComplete")
        for bridge in await self.act("BridgeList", until="BridgeListComplete"):
            if bridge.get("Event") == "BridgeListItem":
                await self.act("BridgeInfo", until="BridgeInfoComplete", BridgeUniqueid=str(bridge["BridgeUniqueid"]))

    async def _read(self) -> None:
        try:
            while True:
                raw = await self._reader.readuntil(b"\r\n\r\n")
                self._heard(raw, headers_of(raw))
        except (asyncio.IncompleteReadError, ConnectionError) as end:
            rest = getattr(end, "partial", b"")
            if self.tape:
                if rest:
                    self.tape.heard(rest, headers_of(rest))
                self.tape.line(mark="tcp-closed")
        finally:
            self.gone.set()
            for answer, _, _ in self._answers.values():
                if not answer.done():
                    answer.set_exception(ConnectionError("the PBX closed the session"))
                    answer.exception()
            self._answers.clear()

    def _heard(self, raw: bytes, headers: Headers) -> None:
        if self.tape:
            self.tape.heard(raw, headers)
        key = str(headers.get("ActionID", ""))
        if key in self._answers:
            answer, parts, until = self._answers[key]
            parts.append(headers)
            failed = parts[0].get("Response") == "Error"
            ended = headers.get("Event") == until if until else "Response" in headers
            if (failed or ended) and not answer.done():
                del self._answers[key]
                answer.set_result(parts)
        if "Event" in headers:
            self.events.append(headers)
            for wanted, watch in list(self._watches):
                if watch.done():
                    self._watches.remove((wanted, watch))
                elif wanted(headers):
                    watch.set_result(headers)
                    self._watches.remove((wanted, watch))
