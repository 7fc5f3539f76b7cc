"""The link to one PBX, and the only door to panoramisk: connect, log in, read the lists, hand on events, come back."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final, Literal, Protocol

import msgspec
from panoramisk.manager import Manager

from cti.ami import gate as gates
from cti.ami.actions import AmiError
from cti.ami.audit import Auditor, audit
from cti.ami.inbox import Inbox
from cti.ami.messages import Packet
from cti.ami.protocol import AmiProtocol
from cti.ami.resync import NotReadyError, read_roster
from cti.ami.roster import Roster

_log: Final = logging.getLogger(__name__)

Phase = Literal["connecting", "resyncing", "live", "lost", "refused"]


class LinkSettings(Protocol):
    """What the link needs to know of a PBX. `systemname`: Asterisk's own, where it is a secret (the canary)."""

    @property
    def host(self) -> str: ...  # noqa: D102
    @property
    def port(self) -> int: ...  # noqa: D102
    @property
    def username(self) -> str: ...  # noqa: D102
    @property
    def secret(self) -> str: ...  # noqa: D102
    @property
    def systemname(self) -> str | None: ...  # noqa: D102


class LinkState(msgspec.Struct, frozen=True):
    """How the link stands, with a sentence for people."""

    phase: Phase
    text: str
    text_en: str


class Pace(msgspec.Struct, frozen=True):
    """Times of the link, in seconds."""

    ping_idle: float = 1.0
    "Without a byte for this long, ask."
    dead_after: float = 2.8
    "Without a byte for this long, the other side is gone: pages know it within 3 s of the last byte."
    retry_first: float = 0.25
    "Upper bound of the first wait before coming back; doubled each time, and the wait is drawn from 0 to it."
    retry_cap: float = 5.0
    refused_retry: float = 30.0
    "Between attempts while the secret is wrong or a right is missing."
    connect: float = 5.0
    login: float = 5.0
    boot_wait: float = 1.0
    "For FullyBooted after a login; it never comes to an account that may not read `system`."
    answer: float = 5.0
    "For each list of a resync."
    audit: float = 5.0
    "Between two questions of the audit: the channels are looked at every second time, and what is odd at once again."
    audit_every: float = 30.0
    "Shortest time between two readings of the lists that doubt alone asked for."
    slice: float = 0.02
    "Longest time packets are handed on in one turn of the loop."


_PACE: Final = Pace()
_STARTING: Final = LinkState("connecting", "正在连接电话交换机", "Connecting to the PBX")
_READING: Final = LinkState("resyncing", "正在读取交换机状态", "Reading the state of the PBX")
_LIVE: Final = LinkState("live", "已连接", "Live")


class _Client(Manager):  # type: ignore[misc]  # panoramisk carries no types
    """panoramisk's Manager, connecting and sending; when to connect, log in and come back is the Link's to say."""

    def __init__(self, settings: LinkSettings, new_protocol: Callable[[], AmiProtocol]) -> None:
        super().__init__(
            host=settings.host,
            port=settings.port,
            protocol_factory=new_protocol,
            loop=asyncio.get_running_loop(),
            log=_log,
        )

    def connection_made(self, f: asyncio.Task[tuple[asyncio.Transport, AmiProtocol]]) -> None:
        """Keep the protocol; panoramisk would log in here, drop what came early, and try again for ever."""
        if not f.cancelled() and f.exception() is None:
            self.protocol = f.result()[1]


class Link:
    """One PBX: events in order, lists after every connection, actions answered once.

    Everything happens on the running loop. The callbacks are synchronous; one that raises costs the packet it was
    given, is counted, and makes the link read the lists again. Nothing is ever sent twice.
    """

    def __init__(
        self,
        settings: LinkSettings,
        *,
        on_packet: Callable[[Packet, float], None],
        on_roster: Callable[[Roster, list[tuple[Packet, float]], float], None],
        on_state: Callable[[LinkState, float], None],
        clock: Callable[[], float],
        pace: Pace = _PACE,
        wanted: frozenset[bytes] = gates.WANTED,
        only: Mapping[bytes, bytes] | None = None,
        rng: random.Random | None = None,
        auditor: Auditor | None = None,
    ) -> None:
        """`clock`: receiving time in epoch seconds. `wanted`: event types to keep; those the link needs are added.

        `only`: of these event types, keep what contains these bytes (see `Framer`).
        """
        self.settings = settings
        self.state = _STARTING
        self.version = ""
        "AMI version from the banner."
        self.gate = gates.Gate(settings.systemname)
        self._on_packet = on_packet
        self._on_roster = on_roster
        self._on_state = on_state
        self._clock = clock
        self._pace = pace
        self._wanted = wanted | gates.ITEMS | {b"FullyBooted"}
        self._only = only
        self._auditor = auditor
        self._rng = rng or random.Random()  # noqa: S311 - spreads reconnects, keeps no secret
        self._inbox = Inbox(self._hand_on, pace.slice)
        self._protocol: AmiProtocol | None = None
        self._authenticated = False
        self._was_in = False
        self._refusals = 0
        self._broken = 0
        self._totals: Counter[str] = Counter()
        self._fresh()

    # -- for others ----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep the link up until cancelled."""
        client = _Client(self.settings, self._new_protocol)
        attempt = 0
        self._tell(_STARTING)
        try:
            while True:
                was_live = await self._session(client)
                attempt = 0 if was_live else attempt + 1
                await asyncio.sleep(self._pause(attempt))
        finally:
            self._authenticated = False
            if self._protocol is not None:
                self._protocol.end("stopped")
            client.close()

    async def action(
        self,
        name: str,
        fields: Mapping[str, str],
        *,
        timeout: float = 5.0,  # noqa: ASYNC109 - part of what AmiError says
    ) -> list[Packet]:
        """Send one action and wait for its answer: the response, or the response and all items of a list.

        Raises ValueError for what may not be sent, AmiError with Asterisk's sentence (`permanent`) or, not
        permanent, where there is no link, it broke, or no answer came in `timeout` seconds: then whether the action
        was carried out is unknown. It is never sent again.
        """
        if self._protocol is None or not self._authenticated:
            raise AmiError(f"{name}: no link to the PBX", permanent=False)
        return await _ask(self._protocol, name, fields, timeout)

    def counters(self) -> dict[str, int]:
        """What was dropped, rejected, odd, lost or repaired since the start, by reason."""
        now = Counter(self._totals)
        if self._protocol is not None:
            now.update(self._protocol.framer.counters())
        now.update({f"rejected_{reason}": count for reason, count in self.gate.rejected.items()})
        return dict(now)

    @property
    def unanswered(self) -> int:
        """Actions that wait for their answer."""
        return self._protocol.unanswered if self._protocol is not None else 0

    @property
    def waiting(self) -> int:
        """Packets received and not yet handed on."""
        return len(self._inbox)

    # -- one connection ------------------------------------------------------------------------------------------

    def _new_protocol(self) -> AmiProtocol:
        return AmiProtocol(self._received, self._connection_lost, self._wanted, self._only)

    def _fresh(self) -> None:
        """What belongs to one connection."""
        self._inbox.held = True
        self._inbox.clear()
        self._live = False
        self._broken = 0
        self._ended = Latch()
        self._booted = Latch()
        self._doubt = Latch()
        self._urgent = Latch()

    async def _session(self, client: _Client) -> bool:
        """One connection from beginning to end; True if it was live. Raises only when cancelled."""
        self._fresh()
        try:
            outcome = await self._converse(client)
        except _RefusedError as refused:
            outcome = LinkState("refused", refused.text, refused.text_en)
        except TimeoutError:
            outcome = self._no_link("连接超时", "no answer")
        except OSError as error:
            outcome = self._no_link("无法连接", error.strerror or type(error).__name__)
        except AmiError as error:
            outcome = self._no_link("连接失败", str(error))
        self._authenticated = False
        protocol, self._protocol = self._protocol, None
        if protocol is not None:
            protocol.end(outcome.text_en)
            await self._ended.wait()
            if self._live:  # what came before the end was told in order; so it is heard before the end
                await self._inbox.drain()
                self._totals["lost"] += 1
            self._totals.update(protocol.framer.counters())
        self._refusals = self._refusals + 1 if outcome.phase == "refused" else 0
        if outcome.phase != "lost" or self._live or self.state.phase not in ("lost", "refused"):
            self._tell(outcome)
        return self._live

    async def _converse(self, client: _Client) -> LinkState:
        pace = self._pace
        async with asyncio.timeout(pace.connect):
            _, protocol = await client.connect()
        self._protocol = protocol
        protocol.watch(pace.ping_idle, pace.dead_after)
        await self._log_in(protocol)
        self._tell(_READING)
        await _first(pace.boot_wait, self._booted, self._ended)
        while not self._ended.reason:
            await self._resync(protocol)
            self._live = True
            self._tell(_LIVE)
            auditing = asyncio.get_running_loop().create_task(self._audit(protocol))
            try:
                await _first(pace.audit_every, self._ended, self._urgent)
                await _first(None, self._ended, self._urgent, self._doubt)
            finally:
                auditing.cancel()
        return self._no_link("连接已断开", self._ended.reason)

    async def _log_in(self, protocol: AmiProtocol) -> None:
        settings = self.settings
        login = {"Username": settings.username, "Secret": settings.secret, "Events": "on"}
        try:
            await _ask(protocol, "Login", login, self._pace.login)
        except AmiError as error:
            if error.permanent and "authentication" in str(error).lower():
                raise _RefusedError(
                    "电话交换机拒绝登录：用户名或密码不对", f"The PBX refuses the login: {error}"
                ) from None
            raise
        except ValueError as error:
            raise _RefusedError("登录信息里有不允许的字符", str(error)) from None
        self.version = (protocol.framer.banner or "").rpartition("/")[2]
        self._authenticated = self._was_in = True

    async def _resync(self, protocol: AmiProtocol) -> None:
        """Read the lists while events are held back, and hand over both; try until it works or the link ends."""
        pace = self._pace
        denied = 0

        async def ask(name: str, fields: Mapping[str, str]) -> list[Packet]:
            return await _ask(protocol, name, fields, pace.answer)

        if not self._inbox.held:
            # What was told before the lists is heard before them: after an answer all of it is here.
            with suppress(AmiError):
                await ask("CoreStatus", {})
            await self._inbox.drain()
        self._inbox.held = True
        self._doubt, self._urgent = Latch(), Latch()
        while not self._ended.reason:
            try:
                roster = await read_roster(ask)
                self._on_roster(roster, self._inbox.take(), self._clock())
            except NotReadyError:
                pass
            except AmiError as error:
                denied += 1  # an Asterisk that is still starting may refuse once or twice what it allows later
                if not error.permanent or self._ended.reason:
                    raise
                if denied > 3 or self._booted.reason:
                    raise _RefusedError(
                        "账号权限不足：需要 read=system,call,agent,user 与 write=reporting",
                        f"The account needs read=system,call,agent,user and write=reporting: {error}",
                    ) from None
            except Exception as error:
                self._totals["callback_errors"] += 1
                _log.exception("the lists could not be taken in: %s", type(error).__name__)
            else:
                self._totals["resyncs"] += 1
                self._inbox.release()
                return
            await _first(pace.retry_first, self._ended)

    async def _audit(self, protocol: AmiProtocol) -> None:
        """Compare with the PBX's lists for ever; a difference that is certain has them all read anew."""

        async def ask(name: str, fields: Mapping[str, str]) -> list[Packet]:
            answer = await _ask(protocol, name, fields, self._pace.answer)
            await self._inbox.catch_up()  # a busy core is behind the wire, and a list is not: it waits for its place
            return answer

        def found(differences: int) -> None:
            _log.warning("%d differences from the PBX's lists: reading them all", differences)
            self._totals["audit_corrections"] += differences
            self._urgent.set("audit")

        if self._auditor is None:
            return
        try:
            await audit(ask, self._auditor, self._pace.audit, found)
        except Exception:
            self._totals["callback_errors"] += 1
            _log.exception("the audit ended")

    # -- packets ---------------------------------------------------------------------------------------------------

    def _received(self, packets: list[Packet]) -> None:
        """Packets that answer no action of ours, from the wire, in order."""
        admit = self.gate.admit
        good = [packet for packet in packets if admit(packet)]
        if len(good) != len(packets):
            self._doubt.set("rejected")
        for packet in good:
            if packet.event == "FullyBooted":
                if self._live:
                    self._urgent.set("booted")
                self._booted.set("booted")
        protocol = self._protocol
        if protocol is None:
            return  # nothing is expected before the login
        if protocol.broken != self._broken:
            self._broken = protocol.broken
            self._doubt.set("structure")
        if not self._inbox.put(good, self._clock()):
            self._totals["overruns"] += 1
            protocol.end("more events than could be kept up with")

    def _hand_on(self, packet: Packet, now: float) -> None:
        try:
            self._on_packet(packet, now)
        except Exception as error:
            self._totals["callback_errors"] += 1
            self._doubt.set("callback")
            _log.exception("%s could not be taken in: %s", packet.event[:40], type(error).__name__)

    def _connection_lost(self, why: str) -> None:
        self._authenticated = False
        self._ended.set(why or "closed")

    # -- state -----------------------------------------------------------------------------------------------------

    def _pause(self, attempt: int) -> float:
        """Seconds until the next attempt."""
        pace = self._pace
        if self.state.phase == "refused" and not (self._was_in and self._refusals <= 3):
            return pace.refused_retry * self._rng.uniform(0.8, 1.2)
        return self._rng.uniform(0, min(pace.retry_cap, pace.retry_first * 2.0 ** min(attempt, 16)))

    def _no_link(self, text: str, why: str) -> LinkState:
        where = f"{self.settings.host}:{self.settings.port}"
        return LinkState("lost", f"{text}（{where}）：{why}", f"No link to {where}: {why}")

    def _tell(self, state: LinkState) -> None:
        if state.phase != self.state.phase:
            level = logging.INFO if state.phase in ("live", "resyncing") else logging.WARNING
            _log.log(level, "link %s: %s", state.phase, state.text_en)
        self.state = state
        try:
            self._on_state(state, self._clock())
        except Exception:
            self._totals["callback_errors"] += 1
            _log.exception("a change of the link's state could not be taken in")


class Latch:
    """Something that happens at most once, for a reason."""

    def __init__(self) -> None:
        self.reason = ""
        self._event = asyncio.Event()

    def set(self, reason: str) -> None:
        """It happened; the first reason stays."""
        self.reason = self.reason or reason
        self._event.set()

    async def wait(self) -> str:
        """Wait until it has happened."""
        await self._event.wait()
        return self.reason


class _RefusedError(Exception):
    def __init__(self, text: str, text_en: str) -> None:
        super().__init__(text_en)
        self.text = text
        self.text_en = text_en


async def _first(seconds: float | None, *latches: Latch) -> None:
    """Wait for the first of them, at most so many seconds."""
    tasks = [asyncio.get_running_loop().create_task(latch.wait()) for latch in latches]
    try:
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


async def _ask(protocol: AmiProtocol, name: str, fields: Mapping[str, str], seconds: float) -> list[Packet]:
    answer = protocol.send({"Action": name, **fields})
    try:
        async with asyncio.timeout(seconds):
            packets = await answer
    except TimeoutError:
        raise AmiError(f"{name}: no answer in {seconds:g} s", permanent=False) from None
    response = packets[0].get("Response")
    if response not in ("Success", "Goodbye"):
        raise AmiError(packets[0].get("Message") or f"{name}: {response}", permanent=True)
    return packets
