"""SMPP 3.4: the one door to aiosmpplib. One submit_sm a message; receipts and replies are kept before they hear a yes.

A long text goes as `message_payload`, which the centre cuts itself: one message, one id, one receipt. The library's
own log holds texts and numbers, so it goes nowhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiosmpplib import (
    ESME,
    NPI,
    TON,
    AbstractBroker,
    AbstractHook,
    DeliverSm,
    PhoneNumber,
    SmppCommand,
    SmppCommandStatus,
    SmppMessage,
    SubmitSm,
    SubmitSmResp,
)
from aiosmpplib.protocol import MESSAGE_TYPE_MAP

from cti.sms.forms import word
from cti.sms.model import Status
from cti.sms.platform import MAX_TEXT, Found, Item, Outgoing, Receipt, Reply, Sent, SmsError, refused
from cti.sms.text import measure

BUSY: Final = frozenset({SmppCommandStatus.ESME_RTHROTTLED, SmppCommandStatus.ESME_RMSGQFUL})
UNSURE: Final = frozenset({SmppCommandStatus.ESME_RSYSERR, SmppCommandStatus.ESME_RSUBMITFAIL})
_STATES: Final[dict[str, Status]] = {
    "DELIVRD": "delivered",
    "ACCEPTD": "sent",
    "ENROUTE": "sent",
    "EXPIRED": "failed",
    "DELETED": "failed",
    "UNDELIV": "failed",
    "REJECTD": "failed",
    "UNKNOWN": "failed",
}
_FIELD: Final = re.compile(r"(id|sub|dlvrd|submit date|done date|stat|err):\s*([^\s:]*)", re.IGNORECASE)


class _Delivered(DeliverSm):  # type: ignore[misc]
    """A deliver_sm whose receipt is read as centres really write it: any date, any error code, any order."""

    def parse_receipt(self) -> dict[str, Any]:
        """Fields of a receipt's text; nothing raises."""
        if not self.is_receipt():
            return {}
        found: dict[str, Any] = {key.lower(): value for key, value in _FIELD.findall(self.short_message or "")}
        for parameter in self.optional_params or ():
            if parameter.tag == 0x001E and not found.get("id"):
                found["id"] = str(parameter.value)
        return found


# The library's own parser raises on what many centres send, and then drops the link: the same comes again, for ever.
MESSAGE_TYPE_MAP[SmppCommand.DELIVER_SM] = _Delivered


class _Job:
    """A message on its way."""

    __slots__ = ("answer", "message", "on_wire")

    def __init__(self, message: SubmitSm, answer: asyncio.Future[SubmitSmResp]) -> None:
        self.message = message
        self.answer = answer
        self.on_wire = False


class _Queue(AbstractBroker):  # type: ignore[misc]
    """Messages that wait for the link; what was given up meanwhile is not sent."""

    def __init__(self, wanted: Callable[[SmppMessage], object]) -> None:
        self._wanted = wanted
        self._messages: asyncio.Queue[SmppMessage] = asyncio.Queue(maxsize=500)

    async def enqueue(self, message: SmppMessage) -> None:
        """Raises asyncio.QueueFull at once: nobody waits for room."""
        self._messages.put_nowait(message)

    async def dequeue(self) -> SmppMessage:
        while not self._wanted(message := await self._messages.get()):
            pass
        return message


class SmppSender(AbstractHook):  # type: ignore[misc]
    """One account at a message centre. The link is opened by `start`, and again whenever it breaks."""

    needs_code = False

    def __init__(
        self,
        name: str,
        *,
        host: str,
        port: int,
        user: str,
        password: str,
        sender: str = "",
        system_type: str = "",
        timeout_s: float = 10.0,
        keep: Callable[[Item], Awaitable[None]],
    ) -> None:
        """`keep` returns when a receipt or a reply is on the disk; what it raises makes the centre send it again."""
        self.name = name
        self._timeout_s = timeout_s
        self._sender = sender
        self._keep = keep
        self._jobs: dict[str, _Job] = {}
        self._by_sequence: dict[int, _Job] = {}
        self._queue = _Queue(self._job_of)
        self._link = ESME(
            smsc_host=host,
            smsc_port=port,
            system_id=user,
            password=password,
            system_type=system_type,
            broker=self._queue,
            hook=self,
            log_handler=logging.NullHandler(),
            log_level=logging.CRITICAL,
        )
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Open the link, and keep it."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._link.start())

    async def send(self, message: Outgoing) -> Sent:
        """See `Sender.send`."""
        self.start()
        measured = measure(message.text, message.signature, domestic=message.domestic)
        pdu = SubmitSm(
            short_message=measured.text,
            source=PhoneNumber(self._sender, TON.ALPHANUMERIC if not self._sender.isdigit() else TON.UNKNOWN),
            destination=PhoneNumber(message.number.removeprefix("+"), TON.INTERNATIONAL, NPI.ISDN),
            encoding="gsm0338" if measured.encoding == "gsm7" else "ucs2",
            registered_delivery=1,
            log_id=message.id,
        )
        job = _Job(pdu, asyncio.get_running_loop().create_future())
        self._jobs[message.id] = job
        try:
            await self._queue.enqueue(pdu)
            async with asyncio.timeout(self._timeout_s):
                answer = await job.answer
        except asyncio.QueueFull:
            raise _away() from None
        except TimeoutError:
            raise _late() if job.on_wire else _away() from None
        finally:
            self._jobs.pop(message.id, None)
            self._by_sequence = {key: one for key, one in self._by_sequence.items() if one is not job}
        status = answer.command_status
        if status == SmppCommandStatus.ESME_ROK:
            return Sent(provider_id=answer.message_id[:120])
        if status in UNSURE:
            raise _late()
        raise refused(status.name, "", permanent=status not in BUSY)

    async def find(self, message: Outgoing, tried_at: float) -> tuple[Found, ...] | None:
        """A centre cannot be asked by our id: its receipt has to tell."""
        return None

    async def close(self) -> None:
        """Unbind, and let go."""
        if self._task is None:
            return
        writer = self._link._writer  # the library unbinds, but leaves the socket open
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None
        if writer is not None:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _job_of(self, message: SmppMessage) -> _Job | None:
        """Whoever waits for this very message; None once that was given up."""
        job = self._jobs.get(message.log_id)
        return job if job is not None and job.message is message else None

    # --- what the library tells --------------------------------------------------------------------------------

    async def sending(self, smpp_message: SmppMessage, pdu: bytes, client_id: str) -> None:
        """A message is about to be written: from here on it may have gone out."""
        if isinstance(smpp_message, SubmitSm) and not isinstance(smpp_message, DeliverSm):
            job = self._job_of(smpp_message)
            if job is None:
                raise ValueError("given up")  # which the library takes as: leave this one, go on
            job.on_wire = True
            self._by_sequence[smpp_message.sequence_num] = job

    async def received(self, smpp_message: SmppMessage | None, pdu: bytes, client_id: str) -> None:
        """The library answers a deliver_sm after this returns."""
        if isinstance(smpp_message, DeliverSm):
            item = item_of(smpp_message)
            if item is not None:
                await self._keep(item)
        elif isinstance(smpp_message, SubmitSmResp):
            job = self._by_sequence.pop(smpp_message.sequence_num, None)
            if job is not None and not job.answer.done():
                job.answer.set_result(smpp_message)

    async def send_error(self, smpp_message: SmppMessage, error: Exception, client_id: str) -> None:
        """It was not written, or nobody answered: whoever waits for it hears that by his own deadline."""


def item_of(message: DeliverSm) -> Item | None:
    """A receipt or a customer's message; None for what says nothing."""
    number = _number(message.source)
    if message.is_receipt():
        said = message.parse_receipt()
        provider, state = word(said.get("id")), word(said.get("stat")).upper()
        if not provider or state not in _STATES:
            return None
        failed = _STATES[state] == "failed"
        code = word(said.get("err"), 20)
        return Receipt(
            provider_id=provider,
            number=number,
            status=_STATES[state],
            error=(state if code.strip("0") == "" else f"{state}:{code}") if failed else "",
        )
    text = message.short_message or message.message_payload
    if not number or not isinstance(text, str):
        return None
    return Reply(number=number, text=text[:MAX_TEXT], dest=str(message.destination.number)[:40])


def _number(source: PhoneNumber) -> str:
    digits = word(str(source.number), 40)
    return f"+{digits}" if source.ton == TON.INTERNATIONAL and not digits.startswith("+") else digits


def _away() -> SmsError:
    return SmsError("连不上短信中心", "The message centre cannot be reached", permanent=False, code="away")


def _late() -> SmsError:
    return SmsError(
        "短信中心没有及时答复", "The centre did not answer in time", permanent=False, unsure=True, code="timeout"
    )
