"""SMPP against a small real centre: one submit a message, receipts kept before they hear a yes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from cti.sms.platform import Item, Outgoing, Receipt, Reply, SmsError
from cti.sms.smpp import SmppSender
from tests.sms.centre import Centre

OUT = Outgoing(id="m1", number="+8613800138000", text="您好", signature="十三秒货运")


class Line:
    """A sender, its centre, and what it kept."""

    sender: SmppSender

    def __init__(self) -> None:
        self.centre = Centre()
        self.kept: list[Item] = []

    async def keep(self, item: Item) -> None:
        """Keeps it."""
        self.kept.append(item)


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    """A bound line."""
    made = Line()
    await made.centre.start()
    made.sender = sender = SmppSender(
        "smpp",
        host="127.0.0.1",
        port=made.centre.port,
        user="u",
        password="p",
        sender="1069",
        timeout_s=5.0,
        keep=made.keep,
    )
    sender.start()
    async with asyncio.timeout(20):
        await made.centre.bound.wait()
    yield made
    await sender.close()
    await made.centre.stop()


async def test_a_text_is_one_submit_however_long(line: Line) -> None:
    """Chinese as UCS-2 with its signature, a long one in one PDU; the centre's id comes back."""
    sent = await line.sender.send(OUT)
    assert sent.provider_id == "id1"
    long = Outgoing(id="m2", number="+8613800138000", text="长" * 200, signature="签")
    assert (await line.sender.send(long)).provider_id == "id2"
    assert line.centre.texts == [
        ("8613800138000", "【十三秒货运】您好"),
        ("8613800138000", "【签】" + "长" * 200),
    ]


async def test_refusals_and_silence_are_told_apart(line: Line) -> None:
    """Throttled is later, an invalid number never, silence not sure: a silent centre may have it."""
    for status, permanent in ((0x58, False), (0x0B, True)):
        line.centre.status = status
        with pytest.raises(SmsError) as caught:
            await line.sender.send(OUT)
        assert (caught.value.permanent, caught.value.unsure) == (permanent, False)
    line.centre.silent = True
    line.sender._timeout_s = 0.3
    with pytest.raises(SmsError) as caught:
        await line.sender.send(OUT)
    assert caught.value.unsure
    assert await line.sender.find(OUT, 0.0) is None


async def test_receipts_and_replies_are_kept_before_the_centre_hears_a_yes(line: Line) -> None:
    """A receipt as centres write it, with dates and codes of any form and a vendor's parameter; a reply in UCS-2."""
    receipt = "id:id1 sub:001 dlvrd:000 submit date:20261121180000 done date:? stat:UNDELIV err:0X1 text:"
    line.centre.deliver("8613800138000", receipt, receipt=True, extra=b"\x14\x02\x00\x03abc")
    async with asyncio.timeout(20):
        await line.centre.delivered.wait()
    assert line.kept == [Receipt(provider_id="id1", number="+8613800138000", status="failed", error="UNDELIV:0X1")]
    line.centre.deliver("8613800138000", "退订")
    async with asyncio.timeout(20):
        await line.centre.delivered.wait()
    assert line.kept[1:] == [Reply(number="+8613800138000", text="退订", dest="1069")]


async def test_without_a_link_nothing_went_out_for_sure() -> None:
    """A centre that is not there: later, and no doubt about it."""
    sender = SmppSender(
        "smpp", host="127.0.0.1", port=1, user="u", password="p", timeout_s=0.3, keep=lambda item: asyncio.sleep(0)
    )
    with pytest.raises(SmsError) as caught:
        await sender.send(OUT)
    assert (caught.value.permanent, caught.value.unsure) == (False, False)
    await sender.close()
