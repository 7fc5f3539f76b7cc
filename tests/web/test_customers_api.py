"""Knowledge, prices, quotes, the catalogue and conversations as pages ask for them, over a real CRM."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import aiohttp
import pytest

from crm_bridge.chat.archive import ChatArchive
from crm_bridge.chat.message import Message
from crm_bridge.model import BusinessRecord
from cti.privacy import Sight
from cti.ticker import wall_clock
from cti.web.server import PREFIX
from tests.web.place import TOKEN, Site

DAY = 86_400.0


async def ask(
    site: Site, method: str, path: str, body: Any = None, *, role: str = "supervisor", **more: Any
) -> tuple[int, Any]:
    """(status, JSON) of one request."""
    status, _, raw = await site.call(method, PREFIX + path, role=role, body=body, **more)
    return status, json.loads(raw) if raw else None


async def test_an_article_is_found_while_typing_and_every_version_is_kept(site: Site) -> None:
    """One Chinese character finds it; a stale save is told with what stands; an old state comes back."""
    draft = {"category": "quote", "title": "免箱期怎么说", "body": "目的港 14 天，超期按天计", "tags": ["免箱"]}
    status, made = await ask(site, "POST", "/knowledge/articles", draft)
    assert status == 201
    key = made["article"]["id"]
    for typed in ("箱", "免箱", "超期", "目的港 14"):
        _, found = await ask(site, "GET", f"/knowledge?q={typed}", role="agent")
        assert [hit["article"]["id"] for hit in found["hits"]] == [key]
        assert len(found["categories"]) == 6
    status, _ = await ask(site, "PUT", f"/knowledge/articles/{key}", {**draft, "body": "改为 21 天", "version": 1})
    assert status == 200
    status, stale = await ask(site, "PUT", f"/knowledge/articles/{key}", {**draft, "version": 1})
    assert (status, stale["article"]["body"]) == (409, "改为 21 天")
    assert (await ask(site, "POST", f"/knowledge/articles/{key}/restore", {"old": 1, "version": 2}))[0] == 200
    _, told = await ask(site, "GET", f"/knowledge/articles/{key}")
    assert told["article"]["body"] == draft["body"]
    assert [version["version"] for version in told["versions"]] == [3, 2, 1]
    assert (await ask(site, "POST", f"/knowledge/articles/{key}/retire", {"version": 3}))[0] == 200
    assert (await ask(site, "GET", "/knowledge?q=免箱"))[1]["hits"] == []
    assert [a["id"] for a in (await ask(site, "GET", "/knowledge/articles?retired=1"))[1]["articles"]] == [key]
    status, refused = await ask(site, "POST", "/knowledge/articles", {**draft, "title": "", "category": "x"})
    assert (status, {problem["key"] for problem in refused["problems"]}) == (422, {"title", "category"})


@pytest.fixture
def deals(site: Site) -> Site:
    """Eight closed deals on a lane, one of them a slip of the pen, and two of another kind."""
    now = wall_clock()
    with site.customers.crm.loading() as loader:
        firm = loader.add_party("澈禾进出口", "sea", person=False)
        loader.add_business(
            firm,
            [
                BusinessRecord(
                    id=f"d{n}", at=now - n * DAY / 4, pol="宁波", pod="汉堡", container="40HQ×2", currency="USD",
                    price=price, floor_price=price - 100, closed="won",
                )
                for n, price in enumerate((2300.0, 2350.0, 2320.0, 2360.0, 2310.0, 2340.0, 2330.0, 23300.0))
            ]
            + [
                BusinessRecord(
                    id=f"e{n}", at=now - n * DAY, pol="宁波", pod="汉堡", container="20GP", price=1200.0, closed="won"
                )
                for n in range(2)
            ],
        )  # fmt: skip
    return site


async def test_a_lane_shows_its_prices_without_the_slip_of_the_pen(deals: Site) -> None:
    """In any spelling; n, quartiles and what was cut are said; two deals say nothing; the spread is by right."""
    _, told = await ask(deals, "GET", "/lanes/prices?pol=Ningbo&pod=DEHAM&per=month")
    prices = told["prices"]
    assert (prices["container"], prices["currency"], prices["n"], prices["cut"]) == ("40HQ", "USD", 7, 1)
    assert (prices["min"], prices["median"], prices["max"], prices["last"]) == (2300.0, 2330.0, 2360.0, 2300.0)
    assert {(kind["container"], kind["n"]) for kind in told["kinds"]} == {("40HQ", 8), ("20GP", 2)}
    assert any(period["spread"] == 100.0 for period in prices["periods"])
    _, few = await ask(deals, "GET", "/lanes/prices?pol=宁波&pod=汉堡&container=小柜&currency=美金")
    assert few["prices"] is None
    assert "3" in few["text"]
    deals.customers.eyes = Sight(False, False)
    _, hidden = await ask(deals, "GET", "/lanes/prices?pol=宁波&pod=汉堡&per=month", role="agent")
    assert {period["spread"] for period in hidden["prices"]["periods"]} == {None}
    _, lanes = await ask(deals, "GET", "/lanes")
    assert [(lane["pol"], lane["pod"], lane["n"]) for lane in lanes["lanes"]] == [("宁波", "汉堡", 10)]
    for wrong in ("pol=&pod=汉堡", "pol=宁波", "pol=宁波&pod=汉堡&per=year", "pol=宁波&pod=汉堡&periods=x"):
        assert (await ask(deals, "GET", f"/lanes/prices?{wrong}"))[0] == 400
    assert (await ask(deals, "GET", "/lanes/prices?pol=%25&pod=_'"))[1]["prices"] is None


async def test_an_enquiry_becomes_a_quote_with_totals_for_each_container(site: Site) -> None:
    """Taken down without a price, priced later, added up per container; one key is one quote; a stale save is told."""
    party = "1"
    taken = {"pol": "宁波", "pod": "汉堡", "containers": "20GP*1+40HQ*2", "note": "月底货好", "key": "k1"}
    status, made = await ask(site, "POST", f"/parties/{party}/quotes", taken, role="agent")
    assert status == 201
    assert made["total"] is None
    assert "20GP*1+40HQ*2" in made["quote"]["note"]
    again = await ask(site, "POST", f"/parties/{party}/quotes", taken, role="agent")
    assert again[1]["quote"]["id"] == made["quote"]["id"]
    charges = [
        {"code": "OF", "currency": "USD", "price": "2350", "container": "40HQ"},
        {"code": "海运费", "currency": "美金", "price": 1250, "container": "20GP"},
        {"code": "THC", "currency": "CNY", "price": "825.50"},
        {"code": "DOC", "currency": "CNY", "price": "450"},
    ]
    key = made["quote"]["id"]
    priced = {**taken, "charges": charges, "valid_until": wall_clock() + DAY, "version": made["version"]}
    priced.pop("key")
    status, quote = await ask(site, "PUT", f"/parties/{party}/quotes/{key}", priced)
    assert status == 200, quote
    assert [(line["container"], line["count"], line["freight"]) for line in quote["quote"]["lines"]] == [
        ("20GP", 1, 1250.0),
        ("40HQ", 2, 2350.0),
    ]
    assert {one["currency"]: one["amount"] for one in quote["total"]["total"]} == {"USD": "5950.00", "CNY": "2926.50"}
    status, stale = await ask(site, "PUT", f"/parties/{party}/quotes/{key}", priced)
    assert (status, stale["version"]) == (409, quote["version"])
    status, ended = await ask(site, "POST", f"/parties/{party}/quotes/{key}/status", {"status": "won", "note": "成了"})
    assert (status, ended["quote"]["status"]) == (200, "won")
    _, all_of_them = await ask(site, "GET", "/quotes?status=won&kind=quote")
    assert [(one["party"], one["quote"]["id"]) for one in all_of_them["offers"]] == [("屿衡国际", key)]
    assert (await ask(site, "GET", "/quotes?kind=enquiry"))[1]["offers"] == []
    for wrong in ({"charges": [{"code": "OF", "currency": "XXX", "price": "1"}]}, {"transit_days": -1}):
        assert (await ask(site, "POST", f"/parties/{party}/quotes", {"pol": "宁波", **wrong}))[0] == 422
    for wrong_price in ("NaN", "1e99", "Infinity"):
        body = {"containers": "40HQ", "charges": [{"code": "OF", "currency": "USD", "price": wrong_price}]}
        assert (await ask(site, "POST", "/quotes/totals", body))[0] == 422
    assert (await ask(site, "GET", f"/parties/999/quotes/{key}"))[0] == 404


async def test_a_field_is_added_without_code_and_shows_in_the_form_at_once(site: Site) -> None:
    """Labels in two languages, required, personal; who was second hears it; what is retired leaves the form."""
    _, before = await ask(site, "GET", "/catalogue", role="admin")
    field = {
        "category": "sea", "key": "booking_code", "label": "订舱代码", "label_en": "Booking code", "required": True,
        "pii": True, "show_in_pop": False, "version": before["version"],
    }  # fmt: skip
    status, after = await ask(site, "POST", "/catalogue/fields", field, role="admin")
    assert status == 201
    status, told = await ask(site, "POST", "/catalogue/fields", {**field, "key": "other"}, role="admin")
    assert (status, told["version"]) == (409, after["version"])
    (made,) = [f for f in site.customers.crm.form("sea") if f.key == "booking_code"]
    assert (made.label_en, made.required, made.pii, made.show_in_pop) == ("Booking code", True, True, False)
    path = "/catalogue/fields/sea/booking_code"
    assert (await ask(site, "PATCH", path, {"retired": True}, role="admin"))[0] == 200
    assert [f for f in site.customers.crm.form("sea") if f.key == "booking_code"] == []
    assert (await ask(site, "PATCH", path, {"retired": False, "label": "x"}, role="admin"))[0] == 422
    assert (await ask(site, "PATCH", "/catalogue/fields/%2A/birthday", {"show_in_pop": True}, role="admin"))[0] == 200
    air = {"key": "air", "label": "空运", "label_en": "Air freight"}
    assert (await ask(site, "POST", "/catalogue/categories", air, role="admin"))[0] == 201
    _, changes = await ask(site, "GET", "/catalogue/changes")
    assert changes["changes"][0]["category"] == "air"
    assert changes["changes"][0]["by"] == "admin"


async def test_a_conversation_nobody_is_known_for_is_given_to_a_customer_and_taken_back(site: Site) -> None:
    """It waits with suggestions; its messages move to the record; a wrong choice is undone."""
    archive = ChatArchive(site.customers.crm)
    said = [
        Message(
            at=1_780_000_000.0 + n, peer="屿衡国际-小周", peer_id=None, sender="屿衡国际-小周", sender_id=None,
            direction="in", kind="text", text=text, channel="qq",
        )
        for n, text in enumerate(("在吗", "<b>两个高柜</b>"))
    ]  # fmt: skip
    archive.add(said)
    _, waiting = await ask(site, "GET", "/conversations?linked=0", role="agent")
    (one,) = waiting["conversations"]
    assert (waiting["unlinked"], one["held"], one["last"]["text"], one["party"]) == (1, 2, "<b>两个高柜</b>", None)
    key = one["peer"]["id"]
    _, told = await ask(site, "GET", f"/conversations/{key}", role="agent")
    assert [suggestion["name"] for suggestion in told["suggestions"]] == ["屿衡国际"]
    assert len(told["messages"]) == 2
    party = told["suggestions"][0]["party_id"]
    status, moved = await ask(site, "POST", f"/conversations/{key}/link", {"party": party}, role="agent")
    assert (status, moved["moved"]) == (200, 2)
    assert site.customers.crm.chats(party).total == 2
    assert (await ask(site, "GET", "/conversations?linked=0"))[1]["conversations"] == []
    status, moved = await ask(site, "DELETE", f"/conversations/{key}/link", role="agent")
    assert (status, moved["moved"]) == (200, 2)
    assert site.customers.crm.chats(party).total == 0
    assert (await ask(site, "POST", "/conversations/nothing/link", {"party": party}))[0] == 404
    assert [action for _, action, *_ in site.customers.audited] == [
        "conversation.read", "conversation.link", "conversation.unlink",
    ]  # fmt: skip


PUSH = PREFIX + "/intake/chat/shop"
GOOD = {"Authorization": f"Bearer {TOKEN}", "X-Requested-With": "", "Origin": ""}
MESSAGE = {"at": 1_780_000_000, "peer_id": "v1", "peer": "访客", "text": "宁波到汉堡 40HQ*2 多少钱", "id": "m1"}


@pytest.mark.parametrize(
    ("headers", "data", "status"),
    [
        ({"Authorization": ""}, b"{}", 401),
        ({"Authorization": "Bearer wrong"}, b"{}", 401),
        ({"Authorization": f"Basic {TOKEN}"}, b"{}", 401),
        ({"Authorization": "Bearer " + "x" * 5000}, b"{}", 401),
        ({"Content-Type": "text/xml"}, b"<x/>", 415),
        ({}, b"", 400),
        ({}, b"   ", 400),
        ({}, b"{", 400),
        ({}, b"17", 400),
        ({}, b"\xff\xfe\x00", 400),
        ({}, b"[" * 200_000, 400),
        ({}, json.dumps({"messages": [MESSAGE] * 1001}).encode(), 413),
    ],
)
async def test_a_push_that_is_none_is_refused(site: Site, headers: dict[str, str], data: bytes, status: int) -> None:
    """Without its token, of another type, empty, no JSON, or too large: a status that says so, and nothing kept."""
    answered, _, _ = await site.call("POST", PUSH, data=data, headers={**GOOD, **headers})
    assert answered == status
    assert ChatArchive(site.customers.crm).peers() == []


async def test_a_body_without_end_is_cut_off(site: Site) -> None:
    """A push that never says how long it is and never stops is refused at its limit, not kept until the memory ends."""
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 50_000_000:
            sent += 100_000
            yield b"x" * 100_000

    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    with suppress(aiohttp.ClientConnectionError):
        async with site.http.post(site.base + PUSH, data=endless(), headers=headers) as answer:
            assert answer.status == 413
    assert sent < 20_000_000


async def test_what_is_valid_beside_nonsense_is_kept(site: Site) -> None:
    """A list with broken entries loses none of the good ones; the same again changes nothing; no session opens it."""
    body = json.dumps(
        {"messages": [17, None, {"at": "x"}, MESSAGE, {"peer_id": "v2", "text": "没有时间"}, []]}
    ).encode()
    status, _, raw = await site.call("POST", PUSH, data=body, headers=GOOD)
    assert (status, json.loads(raw)) == (200, {"taken": 1, "new": 1, "enquiries": 1})
    status, _, raw = await site.call("POST", PUSH, data=body, headers=GOOD)
    assert (status, json.loads(raw)) == (200, {"taken": 1, "new": 0, "enquiries": 0})
    status, _, _ = await site.call("POST", PUSH, data=body, role="admin")
    assert status == 401


async def test_a_masked_number_is_never_saved(site: Site) -> None:
    """What a page shows in place of a number must not overwrite it."""
    body = {"points": [{"kind": "phone", "value": "138****5678", "label": "手机"}], "version": 1}
    status, told = await ask(site, "PUT", "/parties/1/contacts", body)
    assert (status, told["error"]["code"]) == (422, "masked")
    body["points"] = [{"kind": "phone", "value": "13812345678", "label": "手机"}]
    assert (await ask(site, "PUT", "/parties/1/contacts", body))[0] == 200
    site.customers.eyes = Sight(False, False)
    _, told = await ask(site, "GET", "/parties/1", role="agent")
    assert [point["value"] for point in told["profile"]["contact_points"]] == ["138****5678"]
