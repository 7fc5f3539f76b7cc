"""Text messages through the whole service: a pop, a fake platform, its callbacks, the pages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from cti.demo.sample import ZONE, Sample
from cti.settings import Settings
from cti.settings.sms import SmsHooks, SmsPlatform, SmsSettings, SmsToken
from cti.store.messages_rules import RuleRow, TemplateRow
from tests.app.service import KNOWN, Browser, Screen, Service, eventually, service
from tests.sms.fakes import FakeAliyun

SECRET = "0123456789abcdef0123456789abcdef"
TOKEN = "token-of-the-warehouse-program"
QUOTE = TemplateRow(
    id="quote", name="报价已发", purpose="service", text="{customer}您好，报价已发您邮箱。", codes={"aliyun": "SMS_1"}
)
OFFER = TemplateRow(
    id="offer", name="特价", purpose="marketing", text="欧线特价，拒收请回复R", codes={"aliyun": "SMS_2"}
)
SORRY = TemplateRow(
    id="sorry",
    name="未接致歉",
    purpose="service",
    text="抱歉未能接听，{minutes}分钟内回电。",
    codes={"aliyun": "SMS_3"},
)


@asynccontextmanager
async def with_platform(folder: Path, made: Sample) -> AsyncIterator[tuple[Service, FakeAliyun]]:
    """The service with one platform, its port for callbacks open, and templates."""
    fake = FakeAliyun()
    await fake.start()
    platform = SmsPlatform(
        name="aliyun",
        kind="aliyun",
        options={"key_id": "testId", "key_secret": FakeAliyun.SECRET, "url": fake.url},
        hook_secrets=(SECRET,),
        price=0.045,
        timeout=5.0,
    )
    sms = SmsSettings(
        signature="十三秒货运",
        order=("aliyun",),
        abroad=(),
        policy=msgspec.structs.replace(SmsSettings().policy, marketing_hours=(0, 1440)),
        hooks=SmsHooks(port=0, public_url="https://cti.example.com"),
        platforms=(platform,),
        tokens=(SmsToken(name="warehouse", secret=TOKEN, templates=("quote",)),),
    )

    def change(settings: Settings) -> Settings:
        return msgspec.structs.replace(settings, sms=sms)

    try:
        async with service(folder, made, change=change) as running:
            for row in (QUOTE, OFFER, SORRY):
                running.app.store.save_sms_template(row, "wang", 1.0)
            await eventually(lambda: running.app.messaging.hooks_ok)
            yield running, fake
    finally:
        await fake.stop()


async def callback(running: Service, body: Any, secret: str = SECRET) -> tuple[int, bytes]:
    """What the platform pushes."""
    assert running.app._hook_socket is not None
    port = running.app._hook_socket.getsockname()[1]
    url = f"http://127.0.0.1:{port}/hooks/sms/aliyun/{secret}"
    async with aiohttp.ClientSession() as http, http.post(url, data=json.dumps(body).encode()) as answer:
        return answer.status, await answer.read()


def messages(screen: Screen, pop: str) -> list[dict[str, Any]]:
    """The messages on a page."""
    section = screen.sections.get(pop, {}).get("sms")
    return section["items"] if section is not None else []


async def popped(running: Service, desks: dict[str, tuple[Browser, Screen]]) -> tuple[str, Browser, Screen, str]:
    """A call of a known customer, answered: (login, browser, screen, pop)."""
    running.call("answered")
    pop = await running.pop("talking")
    login = pop.users[0]
    browser, screen = desks[login]
    await screen.pop("talking")
    await screen.record(pop.id)
    return login, browser, screen, pop.id


async def not_there(other: Browser, pop: str) -> None:
    """Who does not see the pop neither reads nor sends; messages that are not his are not found."""
    wish = {"key": "click-0001", "to": "x", "template": "quote"}
    assert (await other.call("GET", f"/pops/{pop}/messages"))[0] == 404
    assert (await other.call("POST", f"/pops/{pop}/messages", wish))[0] == 404
    assert (await other.call("POST", "/messages/nothing/read"))[0] == 404
    assert (await other.call("POST", "/messages/nothing/retry"))[0] == 404


async def test_a_text_from_the_pop_is_sent_ticked_and_answered(folder: Path, made: Sample) -> None:
    """Sent once for two clicks; the tick follows the receipt; the reply stands in the open pop and goes to the owner;
    TD takes effect at once. To another agent none of it is there."""
    async with with_platform(folder, made) as (running, fake), running.agents() as desks:
        login, browser, screen, pop = await popped(running, desks)
        status, talk = await browser.call("GET", f"/pops/{pop}/messages")
        assert status == 200
        assert talk["can_send"], talk["why_en"]
        assert talk["counting"]["signature"] == "【十三秒货运】"
        draft = next(d for d in talk["drafts"] if d["template"] == "quote")
        assert draft["text"].startswith("周敏您好")
        to = talk["to"][0]["id"]
        assert KNOWN not in to

        await not_there(next(other for user, (other, _) in desks.items() if user != login), pop)
        _, size = await browser.call("POST", f"/pops/{pop}/messages/preview", {"to": to, "template": "quote"})
        assert (size["segments"], size["cost"], size["problems"]) == (1, 0.045, [])
        status, refused = await browser.call(
            "POST", f"/pops/{pop}/messages", {"key": "free-text-1", "to": to, "text": "您好"}
        )
        assert (status, refused["problems"][0]["code"]) == (422, "needs_template")

        wish = {"key": "click-0001", "to": to, "template": "quote"}
        answers = await asyncio.gather(*(browser.call("POST", f"/pops/{pop}/messages", wish) for _ in range(2)))
        assert {status for status, _ in answers} == {202}
        assert len({body["message"]["id"] for _, body in answers}) == 1
        id = answers[0][1]["message"]["id"]
        await screen.until(lambda s: any(m["id"] == id and m["status"] == "sent" for m in messages(s, pop)))
        assert [len(taken) for taken in fake.taken.values()] == [1]

        biz, number = fake.taken[id][0]
        receipt = {"phone_number": number, "success": True, "err_code": "DELIVERED", "biz_id": biz, "out_id": id}
        assert await callback(running, [receipt]) == (200, '{"code":0,"msg":"接收成功"}'.encode())
        await screen.until(lambda s: any(m["id"] == id and m["status"] == "delivered" for m in messages(s, pop)))

        reply = {
            "phone_number": number,
            "content": "收到，谢谢",
            "send_time": f"{datetime.fromtimestamp(running.app.pbx_now(), ZONE):%Y-%m-%d %H:%M:%S}",
            "sequence_id": "7",
        }
        assert (await callback(running, [reply, reply]))[0] == 200
        await screen.until(lambda s: any(m["text"] == "收到，谢谢" for m in messages(s, pop)))
        assert sum(m["text"] == "收到，谢谢" for m in messages(screen, pop)) == 1
        stored = next(m for m in running.app.store.sms_incoming(None) if m.text == "收到，谢谢")
        await eventually(lambda: running.app.store.sms_by_id(stored.id).owner is not None)  # type: ignore[union-attr]
        owner = running.app.store.sms_by_id(stored.id)
        assert owner is not None
        owners_browser, owners_screen = desks[owner.owner or login]
        frame = await owners_screen.until(lambda s: [f for f in s.frames if f["type"] == "sms"])
        assert frame[0]["incoming"]["message"]["text"] == "收到，谢谢"
        assert KNOWN not in json.dumps(frame)
        _, box = await owners_browser.call("GET", "/messages?unread=1")
        assert box["unread"] == 1
        assert (await owners_browser.call("POST", f"/messages/{stored.id}/read"))[0] == 204
        assert (await owners_browser.call("GET", "/messages"))[1]["unread"] == 0

        assert (await callback(running, [{**reply, "content": "TD", "sequence_id": "8"}]))[0] == 200
        await screen.until(lambda s: any(m["opted_out"] == "marketing" for m in messages(s, pop)))
        status, refused = await browser.call(
            "POST", f"/pops/{pop}/messages", {"key": "offer-0001", "to": to, "template": "offer"}
        )
        assert (status, [one["code"] for one in refused["problems"]]) == (422, ["opted_out"])
        assert (await callback(running, [receipt], secret="x" * 32))[0] == 404


async def test_a_missed_caller_gets_an_apology_and_a_program_may_send(folder: Path, made: Sample) -> None:
    """By the rule: one text, one task. A program sends with its token and its templates, and nothing else."""
    async with with_platform(folder, made) as (running, fake):
        store = running.app.store
        rule = RuleRow(trigger="missed", enabled=True, template="sorry", min_wait_s=0.0, delay_s=0.0, promise_s=1800.0)
        store.save_sms_rule(rule, "wang", 1.0)
        await running.call("abandoned")
        await eventually(lambda: fake.taken)
        login = next(user.login for user in made.users if user.role == "agent")
        async with running.browser(login) as browser:
            _, found = await browser.call("GET", "/messages/callbacks?state=open")
        task = found["callbacks"][0]
        assert task["name"] == "周敏"
        assert KNOWN not in json.dumps(found)
        sent = store.sms_of_number(["+86" + KNOWN], 1)[0]
        assert (sent.origin, sent.text) == ("rule", "抱歉未能接听，30分钟内回电。")
        assert len(fake.taken) == 1
        await program_sends(running, fake)


async def program_sends(running: Service, fake: FakeAliyun) -> None:
    """The right token, one of its templates, once for each key; no token, another template: refused."""
    async with Browser(running.base) as program:
        body = {"key": "order-4711", "number": KNOWN, "template": "quote", "values": {"customer": "周敏"}}
        right = {"Authorization": f"Bearer {TOKEN}"}
        answers = [await program.call("POST", "/messages/send", body, **right) for _ in range(2)]
        assert [status for status, _ in answers] == [202, 202]
        await eventually(lambda: answers[0][1]["id"] in fake.taken)
        assert answers[0][1]["id"] == answers[1][1]["id"]
        assert (await program.call("POST", "/messages/send", body))[0] == 401
        assert (await program.call("POST", "/messages/send", body, Authorization="Bearer wrong"))[0] == 401
        assert (await program.call("POST", "/messages/send", {**body, "template": "offer"}, **right))[0] == 403
        assert (await program.call("POST", "/messages/send", {**body, "key": "order-4712", "values": {}}, **right))[
            0
        ] == 422


async def test_supervisors_keep_templates_rules_and_refusals(folder: Path, made: Sample) -> None:
    """Saved with versions, refused with reasons; a conflict shows what stands; a refusal may be lifted in words."""
    async with with_platform(folder, made) as (running, _):
        login = next(user.login for user in made.users if user.role == "supervisor")
        async with running.browser(login) as wang:
            text = {"name": "新", "purpose": "service", "text": "{customer}您好", "codes": {"aliyun": "SMS_9"}}
            status, saved = await wang.call("PUT", "/messages/templates/new", text)
            assert (status, saved["template"]["version"], saved["template"]["variables"]) == (200, 1, ["customer"])
            status, conflict = await wang.call("PUT", "/messages/templates/new", text)
            assert (status, conflict["template"]["version"]) == (409, 1)
            bad = {**text, "purpose": "marketing", "version": 1}
            assert (await wang.call("PUT", "/messages/templates/new", bad))[0] == 422
            rule = {"enabled": True, "template": "new", "promise_s": 600.0}
            assert (await wang.call("PUT", "/messages/rules/missed", rule))[0] == 200
            assert (await wang.call("DELETE", "/messages/templates/new"))[0] == 409
            assert (await wang.call("PUT", "/messages/rules/nonsense", rule))[0] == 404
            _, rules = await wang.call("GET", "/messages/rules")
            assert [(r["trigger"], r["enabled"]) for r in rules["rules"]] == [
                ("missed", True),
                ("quote", False),
                ("arrival", False),
            ]
            made_ = await wang.call(
                "POST", "/messages/optouts", {"number": KNOWN, "scope": "all", "note": "电话里说的"}
            )
            assert made_[0] == 201
            _, listed = await wang.call("GET", f"/messages/optouts?q={KNOWN}")
            assert [o["scope"] for o in listed["optouts"]] == ["all"]
            lift = f"/messages/optouts/{listed['optouts'][0]['id']}/lift"
            assert (await wang.call("POST", lift, {"note": ""}))[0] == 422
            assert (await wang.call("POST", lift, {"note": "客户来电同意恢复"}))[0] == 204
            assert (await wang.call("GET", "/messages/statistics"))[0] == 200
            status, state = await wang.call("GET", "/messages/status")
            assert (status, state["hooks_ok"], [p["name"] for p in state["platforms"]]) == (200, True, ["aliyun"])
        actions = {row.action for row in running.app.store.audit()}
        assert {"sms.template", "sms.rule", "sms.optout", "sms.optout.lift"} <= actions
