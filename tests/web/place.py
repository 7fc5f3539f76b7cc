"""A web server whose desk grants everything and remembers what it was asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from argon2 import PasswordHasher

from crm_bridge import model
from crm_bridge.chat.archive import ImportReport
from crm_bridge.chat.intake import Intake, Receipt
from crm_bridge.embedded import EmbeddedCrm
from crm_bridge.live import SiteCrm
from crm_bridge.writeback import Counts
from cti import privacy, wire
from cti.auth import Account, Auth, Identity, StoredSession
from cti.control.overflow import Engine, Rule
from cti.history.answers import CallList, Choices, Definitions, File, Names
from cti.history.figures import Tally, figures_of
from cti.history.query import BadQuestion
from cti.history.report import CauseReport, CauseRow, Report
from cti.history.story import Story
from cti.ticker import wall_clock
from cti.web.ports import Refusal
from cti.web.refusing import refusal_of
from cti.web.routes import Services
from cti.web.server import WebServer
from cti.wire import supervision as sv
from cti.wire.customers import ImportAnswer, WriteBackAnswer
from tests.web.messages_stub import Messages
from tests.web.watching_stub import Watching

T = TypeVar("T")

PASSWORD = "correct-horse-13"
TOKEN = "token-of-the-shop-13-13-13"
HASHER = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
PARTY = model.Party(id="p1", kind="person", name="周敏", category="sea", category_label="国际海运", version=1)
RULE = sv.RuleBody(name="r", queue="q", when=sv.When(wait_s=8), then=sv.Then(team="B"))
PROFILE = model.Profile(party=PARTY, fields=(), contact_points=(), notes=())


class Book:
    """Users and sessions in memory."""

    def __init__(self) -> None:
        self.accounts_by_login = {
            role: Account(login=role, name=role, role=role, password_hash=HASHER.hash(PASSWORD))
            for role in ("agent", "supervisor", "admin", "stranger")
        }
        self.sessions_by_hash: dict[str, StoredSession] = {}

    def account(self, login: str) -> Account | None:
        """The user of that login."""
        return self.accounts_by_login.get(login)

    def create_session(self, session: StoredSession) -> None:
        """Keep a session."""
        self.sessions_by_hash[session.token_hash] = session

    def session(self, token_hash: str) -> StoredSession | None:
        """The session with that hash."""
        return self.sessions_by_hash.get(token_hash)

    def sessions(self) -> list[StoredSession]:
        """All sessions."""
        return list(self.sessions_by_hash.values())

    def accounts(self) -> list[Account]:
        """All users."""
        return list(self.accounts_by_login.values())

    def touch_session(self, token_hash: str, at: float) -> None:
        """Used."""

    def end_session(self, token_hash: str) -> None:
        """Forget a session."""
        self.sessions_by_hash.pop(token_hash, None)


class Desk:
    """A desk that grants everything and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.refuse: Refusal | Exception | None = None

    def _ask(self, *what: Any) -> None:
        self.asked.append(what)
        if self.refuse is not None:
            raise self.refuse

    def me(self, identity: Identity) -> wire.Me:
        """The user."""
        return wire.Me(user=identity.login, name="", role=identity.role, language="zh", interfaces=(), rights=())

    async def logged_out(self, identity: Identity) -> None:
        """Noted."""
        self._ask("logged_out", identity.login)

    async def take_phone(self, identity: Identity, interface: str) -> None:
        """Noted."""
        self._ask("take_phone", interface)

    async def set_language(self, identity: Identity, language: str) -> None:
        """Noted."""
        self._ask("set_language", language)

    async def pause(self, identity: Identity, paused: bool, reason: str) -> None:
        """Noted."""
        self._ask("pause", paused, reason)

    async def history(
        self, identity: Identity, mine: bool, before: float | None, limit: int
    ) -> tuple[Sequence[wire.CallItem], float | None]:
        """Nothing."""
        self._ask("history", mine, before)
        return [], None

    async def dismiss(self, identity: Identity, pop: str) -> None:
        """Noted."""
        self._ask("dismiss", pop)

    async def choose(self, identity: Identity, pop: str, party: str | None) -> None:
        """Noted."""
        self._ask("choose", pop, party)

    def refresh(self, identity: Identity, pop: str, section: str) -> None:
        """Noted."""
        self._ask("refresh", pop, section)

    async def save_note(self, identity: Identity, call: str, text: str, version: int) -> wire.Note:
        """Saved."""
        self._ask("save_note", call, text, version)
        return wire.Note(text=text, saved_at=1.0, version=version + 1, by=identity.login)

    async def save_draft(self, identity: Identity, call: str, draft: Any, *, leaving: bool = False) -> None:
        """Noted."""
        self._ask("save_draft", call, draft)

    async def save_fields(
        self, identity: Identity, party: str, fields: Mapping[str, str], version: int
    ) -> model.Profile:
        """Saved."""
        self._ask("save_fields", party, dict(fields), version)
        return PROFILE

    async def create_party(
        self, identity: Identity, fields: Mapping[str, str], number: str | None, call: str | None
    ) -> model.Profile:
        """Made."""
        self._ask("create_party", dict(fields), number, call)
        return PROFILE

    async def add_business(self, identity: Identity, party: str, fields: Mapping[str, str]) -> model.BusinessRecord:
        """Made."""
        self._ask("add_business", party, dict(fields))
        return model.BusinessRecord(id="b1", at=1.0)

    async def add_note(self, identity: Identity, party: str, text: str, call: str | None) -> model.Note:
        """Made."""
        self._ask("add_note", party, text, call)
        return model.Note(id="n1", at=1.0, by=identity.login, text=text)

    async def search(self, identity: Identity, text: str) -> Sequence[model.Party]:
        """Found."""
        self._ask("search", text)
        return [PARTY]

    async def form(self, identity: Identity, category: str) -> tuple[Sequence[model.Field], Sequence[model.Category]]:
        """Empty."""
        self._ask("form", category)
        return [], []


class Customers:
    """A real CRM in memory; it remembers that it was asked."""

    def __init__(self, desk: Desk) -> None:
        self._note = desk._ask
        self._crm: EmbeddedCrm | None = None
        self.eyes = privacy.ALL
        self.audited: list[tuple[str, ...]] = []

    @property
    def crm(self) -> EmbeddedCrm:
        """Made when it is first asked for: most tests have other things to ask."""
        if self._crm is None:
            self._crm = EmbeddedCrm("sqlite://")
            with self._crm.loading() as loader:
                loader.add_party("屿衡国际", "sea", person=False)
        return self._crm

    async def ask(self, call: Callable[[SiteCrm], T]) -> T:
        """Asked at once."""
        self._note("crm")
        try:
            return call(self.crm)
        except model.CrmError as error:
            raise refusal_of(error) from None

    def audit(self, identity: Identity, action: str, subject: str, detail: str = "") -> None:
        """Remembered."""
        self.audited.append((identity.login, action, subject, detail))

    def sight(self, identity: Identity) -> privacy.Sight:
        """As a test says."""
        return self.eyes

    def on_the_line(self, identity: Identity, party: str) -> bool:
        """Nobody is."""
        return False

    def changed(self, parties: Collection[str], sections: Collection[wire.SectionName]) -> None:
        """No pops."""

    def numbers_changed(self, party: str) -> None:
        """No calls."""

    def admit(self, platform: str, token: str) -> None:
        """One platform, one token."""
        if (platform, token) != ("shop", TOKEN):
            raise Refusal(401, "no_token", "", "")

    async def push(self, platform: str, body: bytes, content_type: str) -> Receipt:
        """Taken as the generic shape."""
        self._note("push")
        intake = Intake(self.crm, zone=UTC)
        return await self.ask(lambda crm: intake.push("generic", body, content_type))

    async def import_chats(self, path: Path, name: str, ours: Collection[str], account: str) -> ImportAnswer:
        """Nothing in it."""
        self._note("import", name)
        return ImportAnswer(report=ImportReport(), odd=0)

    async def writeback(self, state: str | None, limit: int) -> WriteBackAnswer:
        """Off."""
        self._note("writeback", state)
        counts = Counts(waiting=0, retrying=0, refused=0, done=0, oldest=None)
        return WriteBackAnswer(state="off", text="", text_en="", kinds=(), counts=counts, entries=())

    async def retry(self, key: str | None) -> int:
        """Nothing."""
        self._note("retry", key)
        return 0


class History:
    """A history without calls that remembers what it was asked."""

    def __init__(self, desk: Desk) -> None:
        self._ask = desk._ask

    async def report(self, identity: Identity, params: Mapping[str, Sequence[str]]) -> Report:
        """Nothing."""
        self._ask("report", dict(params))
        if params.get("by") == ["nonsense"]:
            raise BadQuestion("不懂", "not understood")
        total = figures_of(Tally())
        return Report(by="total", unit="callers", variant="V2", since=0.0, until=1.0, rows=(), total=total)

    async def causes(self, identity: Identity, params: Mapping[str, Sequence[str]]) -> CauseReport:
        """Nothing."""
        self._ask("causes", dict(params))
        total = CauseRow(key="", start=None, calls={}, seconds={}, before_queue_s=0.0)
        return CauseReport(by="total", unit="callers", since=0.0, until=1.0, rows=(), total=total)

    async def calls(self, identity: Identity, params: Mapping[str, Sequence[str]]) -> CallList:
        """Nothing."""
        self._ask("calls", dict(params))
        return CallList(which="late", rows=(), next=None)

    async def story(self, identity: Identity, call: str) -> Story | None:
        """An empty one."""
        self._ask("story", call)
        return Story(call=call, direction="inbound", line="", caller=None, quality=0, steps=())

    async def choices(self, identity: Identity, params: Mapping[str, Sequence[str]]) -> Choices:
        """Nothing."""
        self._ask("choices", dict(params))
        return Choices(queues=(), lines=(), agents=(), teams=(), site=Names())

    async def export(self, identity: Identity, params: Mapping[str, Sequence[str]]) -> File:
        """A short file."""
        self._ask("export", dict(params))
        return File(name="thirteen-total-2026-11-21.csv", kind="text/csv; charset=utf-8", content=b"x")

    def definitions(self) -> Definitions:
        """None."""
        return Definitions(target_s=13.0, short_s=5.0, definitions=())


class Control:
    """A supervisor's part that grants everything and remembers what it was asked."""

    def __init__(self, desk: Desk) -> None:
        self._ask = desk._ask
        self._done = sv.ActionView(id="a1", kind="member_add", by="", by_name="", at=1.0)

    async def view(self, identity: Identity) -> sv.ControlView:
        """Nothing."""
        self._ask("control")
        return sv.ControlView(
            modes=(),
            notice=True,
            reason_needed=False,
            confirm_s=3.0,
            undo_s=300.0,
            reasons=(),
            phones=(),
            team="",
            able=sv.Able(members=True, callers=True, listen=True),
        )

    async def act(self, identity: Identity, wish: sv.AnyWish) -> sv.ActionView:
        """Noted."""
        self._ask("act", wish)
        return self._done

    async def listen(self, identity: Identity, body: sv.ListenBody) -> sv.ActionView:
        """Noted."""
        self._ask("listen", body)
        return self._done

    async def undo(self, identity: Identity, action: str, reason: str) -> sv.ActionView:
        """Noted."""
        self._ask("undo", action, reason)
        return self._done

    async def end(self, identity: Identity, action: str) -> sv.ActionView:
        """Noted."""
        self._ask("end", action)
        return self._done

    async def actions(self, identity: Identity, before: float | None, limit: int) -> sv.ActionsAnswer:
        """None."""
        self._ask("actions", before, limit)
        return sv.ActionsAnswer(actions=())

    async def mine(self, identity: Identity) -> sv.ActionsAnswer:
        """None."""
        self._ask("mine")
        return sv.ActionsAnswer(actions=())


class Overflow:
    """Rules that are all the same."""

    def __init__(self, desk: Desk) -> None:
        self._ask = desk._ask
        engine = Engine([Rule(id="r1", body=RULE)])
        found = engine.view("r1")
        assert found is not None
        self._rule = found

    async def rules(self, identity: Identity) -> sv.RulesAnswer:
        """None."""
        self._ask("rules")
        return sv.RulesAnswer(rules=())

    async def add_rule(self, identity: Identity, body: sv.RuleBody) -> sv.RuleView:
        """Noted."""
        self._ask("add_rule", body)
        return self._rule

    async def change_rule(self, identity: Identity, rule: str, body: sv.RuleEdit) -> sv.RuleView:
        """Noted."""
        self._ask("change_rule", rule, body)
        return self._rule

    async def set_rule_mode(self, identity: Identity, rule: str, mode: sv.RuleMode, version: int) -> sv.RuleView:
        """Noted."""
        self._ask("rule_mode", rule, mode, version)
        return self._rule

    async def withdraw_rule(self, identity: Identity, rule: str) -> sv.RuleView:
        """Noted."""
        self._ask("withdraw_rule", rule)
        return self._rule

    async def drop_rule(self, identity: Identity, rule: str) -> None:
        """Noted."""
        self._ask("drop_rule", rule)

    async def rule_log(self, identity: Identity, rule: str) -> sv.RuleLogAnswer:
        """Nothing."""
        self._ask("rule_log", rule)
        return sv.RuleLogAnswer(entries=())


class Condition:
    """Whatever a test says."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def ready(self) -> list[str]:
        """Why not."""
        return self.reasons

    def notes(self) -> list[str]:
        """Nothing."""
        return []

    def metrics(self) -> str:
        """Something."""
        return "thirteen_ready 1\n"


class Place:
    """Where the pages stand."""

    plain = False
    push_origins = ("ws://127.0.0.1:1",)

    def __init__(self) -> None:
        self.origins = frozenset({"http://here.example"})

    def push_url(self, origin: str | None, host: str) -> str:
        """Somewhere."""
        return "ws://127.0.0.1:1/push"


class Site:
    """A web server over all of that."""

    def __init__(self) -> None:
        self.book, self.desk, self.condition = Book(), Desk(), Condition()
        self.customers = Customers(self.desk)
        self.auth = Auth(self.book, clock=wall_clock, secure=False, hasher=HASHER)
        self.server = WebServer(
            Services(
                auth=self.auth,
                desk=self.desk,
                history=History(self.desk),
                customers=self.customers,
                control=Control(self.desk),
                overflow=Overflow(self.desk),
                watching=Watching(self.desk._ask),
                messages=Messages(self.desk._ask),
                condition=self.condition,
                site=Place(),
                version="1",
                clock=wall_clock,
            )
        )
        self.base = ""
        self.tokens: dict[str, str] = {}
        self.http: aiohttp.ClientSession

    async def call(
        self,
        method: str,
        path: str,
        *,
        role: str | None = None,
        body: Any = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, dict[str, str], bytes]:
        """One request as our own page makes it: (status, headers, body)."""
        sent = {"Origin": "http://here.example", "X-Requested-With": "thirteen"}
        if role is not None:
            if role not in self.tokens:
                self.tokens[role], _ = await self.auth.login(role, PASSWORD, "")
            sent["Cookie"] = f"cti={self.tokens[role]}"
        for key, value in (headers or {}).items():
            sent.pop(key, None)
            if value:
                sent[key] = value
        raw = data if data is not None else json.dumps(body).encode() if body is not None else None
        if raw is not None:
            sent.setdefault("Content-Type", "application/json")
        async with self.http.request(method, self.base + path, data=raw, headers=sent, allow_redirects=False) as answer:
            return answer.status, dict(answer.headers), await answer.read()
