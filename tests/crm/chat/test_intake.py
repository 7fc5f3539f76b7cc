"""What platforms push: stored once, told to whoever shows the customer, an enquiry opens a record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from crm_bridge.chat.archive import ChatArchive, Stored
from crm_bridge.chat.enquiry import Enquiry, enquiry_in
from crm_bridge.chat.intake import Intake
from crm_bridge.chat.message import Options
from crm_bridge.chat.webhook import SHAPES, Shape, parse
from crm_bridge.embedded import EmbeddedCrm
from crm_bridge.model import CrmError
from tests.crm.chat.conftest import SHANGHAI

AT = 1_780_000_000
WECOM_PUSH = json.dumps(
    {
        "msgid": "1",
        "from": "wmA",
        "tolist": "lin",
        "msgtime": str(AT * 1000),
        "msgtype": "text",
        "text": {"content": "在"},
    }
)


@pytest.fixture
def crm(tmp_path: Path) -> Iterator[EmbeddedCrm]:
    """An empty CRM in a file."""
    made = EmbeddedCrm(f"sqlite:///{tmp_path}/crm.db", clock=lambda: AT + 60.0)
    yield made
    made.close()


def push(text: str, *, at: int = AT, visitor: str = "v1", **more: Any) -> bytes:
    """One message as the generic shape has it."""
    one = {"id": f"{visitor}-{at}", "at": at, "peer": "访客一号", "peer_id": visitor, "text": text, **more}
    return json.dumps({"messages": [one]}).encode()


def test_an_online_enquiry_opens_an_enquiry_record(crm: EmbeddedCrm) -> None:
    """A customer's question on the web site is an open enquiry with its lane and containers; once, however often."""
    party = crm.create_party({"name": "周敏", "category": "sea", "company": "屿衡"}, "13812345678", "lin").party.id
    intake = Intake(crm, zone=SHANGHAI)
    body = push("你好，我是 13812345678，宁波到汉堡 40HQ*2 什么价？")
    assert intake.push("generic", body).enquiries == 1
    (quote,) = crm.quotes(party).items
    assert (quote.pol, quote.pod, quote.status, quote.lines) == ("宁波", "汉堡", "open", ())
    assert quote.note.startswith("40HQ*2\n")
    assert "什么价" in quote.note
    assert quote.number.startswith("WX")
    again = intake.push("generic", body)
    assert (again.taken, again.new, again.enquiries) == (1, 0, 0)
    assert crm.quotes(party).items == (quote,)


def test_further_questions_belong_to_the_open_enquiry(crm: EmbeddedCrm) -> None:
    """Within three days a question goes on with the enquiry; after somebody has answered it, it is a new one."""
    party = crm.create_party({"name": "周敏", "category": "sea"}, "13812345678", "lin").party.id
    intake = Intake(crm, zone=SHANGHAI)
    intake.push("generic", push("13812345678 请报价"))
    intake.push("generic", push("宁波到汉堡多少钱", at=AT + 3600))
    (quote,) = crm.quotes(party).items
    assert (quote.pol, quote.pod) == ("宁波", "汉堡")
    assert quote.note.count("\n") == 1
    crm.set_quote_status(party, quote.id, "sent", "lin")
    intake.push("generic", push("青岛到釜山报价", at=AT + 7200))
    assert crm.quotes(party).total == 2
    intake.push("generic", push("上海到洛杉矶报价", at=AT + 5 * 86400))
    assert {q.pod for q in crm.quotes(party).items} == {"汉堡", "釜山", "洛杉矶"}


def test_a_stranger_who_asks_becomes_a_prospect(crm: EmbeddedCrm) -> None:
    """Somebody unknown who asks for a price becomes a customer with the enquiry; one who only greets does not."""
    intake = Intake(crm, zone=SHANGHAI)
    intake.push("generic", push("在吗"))
    assert crm.is_empty()
    intake.push("generic", push("宁波到汉堡报价，电话 13700001111", at=AT + 5))
    (found,) = crm.search("访客一号")
    assert found.tags == ("在线咨询",)
    assert [m.text for m in crm.chats(found.id).items] == ["宁波到汉堡报价，电话 13700001111", "在吗"]
    assert crm.quotes(found.id).total == 1
    assert crm.lookup("13700001111")[0].party.id == found.id
    assert ChatArchive(crm).peers()[0].how == "new"


def test_a_site_may_not_want_prospects(crm: EmbeddedCrm) -> None:
    """Where it is switched off, a stranger's messages wait for a person."""
    Intake(crm, zone=SHANGHAI, prospects=False).push("generic", push("宁波到汉堡报价"))
    assert crm.is_empty()
    assert [p.party_id for p in ChatArchive(crm).peers()] == [None]


def test_whoever_shows_the_customer_is_told(crm: EmbeddedCrm) -> None:
    """A new message is handed on with the account its pop shows, after it is stored; an old one is not."""
    party = crm.create_party({"name": "周敏", "category": "sea", "company": "屿衡"}, "13812345678", "lin").party
    told: list[Stored] = []

    def arrived(one: Stored) -> None:
        told.append(one)
        assert one.account_id is not None
        assert crm.chats(one.account_id).items[0] == one.message

    intake = Intake(crm, zone=SHANGHAI, on_arrival=arrived)
    for _ in range(2):
        intake.push("generic", push("我是 13812345678，船到了吗"))
    assert [(one.account_id, one.party_id, one.enquiry) for one in told] == [(party.company_id, party.id, None)]
    assert not told[0].message.answered


@pytest.mark.parametrize(
    ("shape", "body", "want"),
    [
        ("generic", {"messages": [{"time": AT * 1000, "visitor_id": "v", "content": "在"}]}, ("in", "v", "在", "text")),
        (
            "kf5",
            {
                "action": "chat",
                "user": {"name": "小刘", "openid": "o"},
                "message": {"id": 1, "type": "text", "from_user": "o", "content": "在", "create_time": AT},
            },
            ("in", "小刘", "在", "text"),
        ),
        (
            "dustess",
            {"msg_id": "m", "chat_id": "c", "sender_id": "s", "sender_type": 0, "send_time": AT * 1000, "msg_type": 1},
            ("out", "c", "", "image"),
        ),
        (
            "wecom",
            {"type": 101, "content": WECOM_PUSH},
            ("in", "wmA", "在", "text"),
        ),
    ],
)
def test_shapes_of_platforms(shape: str, body: dict[str, Any], want: tuple[str, ...]) -> None:
    """Each known shape is read: times in seconds and milliseconds, directions and kinds as numbers."""
    (message,) = parse(json.dumps(body).encode(), SHAPES[shape], Options(zone=SHANGHAI))
    assert (message.direction, message.peer, message.text, message.kind) == want
    assert message.at == AT


def test_a_new_platform_needs_no_code() -> None:
    """A shape from the configuration: other paths, a form instead of JSON, words for directions."""
    shape = Shape(
        channel="web",
        fields={"at": "when", "peer_id": "guest", "direction": "who", "text": "msg", "kind": "t"},
        incoming=("guest",),
        outgoing=("worker",),
        kinds={"p": "image"},
    )
    form = urlencode({"when": "2026-05-29 04:26:40", "guest": "g7", "who": "worker", "msg": "您好", "t": "p"}).encode()
    (message,) = parse(form, shape, Options(zone=SHANGHAI), "application/x-www-form-urlencoded; charset=utf-8")
    assert (message.direction, message.peer, message.kind, message.at) == ("out", "g7", "image", AT)


def test_an_unknown_platform_is_refused(crm: EmbeddedCrm) -> None:
    """A push for a platform nobody configured is told, and stores nothing."""
    with pytest.raises(CrmError):
        Intake(crm, zone=SHANGHAI).push("nobody", push("在"))
    assert ChatArchive(crm).peers() == []


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("请问上海到洛杉矶海运费多少", Enquiry(pol="上海", pod="洛杉矶")),
        ("从宁波到鹿特丹，一个高柜，报价", Enquiry(pol="宁波", pod="鹿特丹", boxes=(("40HQ", 1),))),
        ("Ningbo to Hamburg 2x40HC rate?", Enquiry(pol="Ningbo", pod="Hamburg", boxes=(("40HQ", 2),))),
        ("有没有去费利克斯托的小柜", Enquiry(pod="费利克斯托", boxes=(("20GP", 1),))),
        ("什么价格", Enquiry()),
        ("在吗", None),
        ("今天到港了吗", None),
        ("13812345678-8012 找我", None),
        ("谢谢", None),
    ],
)
def test_what_asks_for_a_price(text: str, want: Enquiry | None) -> None:
    """A price word, or containers with a destination, make an enquiry; a greeting or a question for news does not."""
    assert enquiry_in(text) == want
