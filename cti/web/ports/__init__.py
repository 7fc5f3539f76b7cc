"""What the API needs from the rest of the service, and how a wish is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from crm_bridge import model
from cti import wire
from cti.auth import Identity
from cti.history.answers import CallList, Choices, Definitions, File
from cti.history.report import CauseReport, Report
from cti.history.story import Story


class Refusal(Exception):
    """A wish that is not granted: HTTP status, a code for programs, a sentence for people, and what else to say."""

    def __init__(self, status: int, code: str, text: str, text_en: str, **more: Any) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.text = text
        self.text_en = text_en
        self.more = more


def not_found() -> Refusal:
    """There is no such thing, or it is not yours: the two look the same."""
    return Refusal(404, "not_found", "没有找到", "Not found")


class Desk(Protocol):
    """What people at the pages may ask for. Every method checks that the thing is theirs, and raises Refusal."""

    def me(self, identity: Identity) -> wire.Me:
        """The user as the page shows him."""

    async def logged_out(self, identity: Identity) -> None:
        """The session ended: its phone is free, its pages go."""

    async def take_phone(self, identity: Identity, interface: str) -> None:
        """The user sits at this phone."""

    async def set_language(self, identity: Identity, language: str) -> None:
        """The user's language."""

    async def pause(self, identity: Identity, paused: bool, reason: str) -> None:
        """Ask the PBX to pause or unpause the user's own memberships."""

    async def history(
        self, identity: Identity, mine: bool, before: float | None, limit: int
    ) -> tuple[Sequence[wire.CallItem], float | None]:
        """Calls, newest first, and where to go on."""

    async def dismiss(self, identity: Identity, pop: str) -> None:
        """Put a pop away for good."""

    async def choose(self, identity: Identity, pop: str, party: str | None) -> None:
        """Say who the caller is; None for nobody of these."""

    def refresh(self, identity: Identity, pop: str, section: str) -> None:
        """Read one section again."""

    async def save_note(self, identity: Identity, call: str, text: str, version: int) -> wire.Note:
        """The call's note."""

    async def save_draft(self, identity: Identity, call: str, draft: Any, *, leaving: bool = False) -> None:
        """What was typed and not saved; `leaving`: the user's other pages take it over where nothing was typed."""

    async def save_fields(
        self, identity: Identity, party: str, fields: Mapping[str, str], version: int
    ) -> model.Profile:
        """Change a party's fields."""

    async def create_party(
        self, identity: Identity, fields: Mapping[str, str], number: str | None, call: str | None
    ) -> model.Profile:
        """A new customer, chosen for the call at once."""

    async def add_business(self, identity: Identity, party: str, fields: Mapping[str, str]) -> model.BusinessRecord:
        """A business record."""

    async def add_note(self, identity: Identity, party: str, text: str, call: str | None) -> model.Note:
        """A remark about a party."""

    async def search(self, identity: Identity, text: str) -> Sequence[model.Party]:
        """Parties by name, company, number or tag."""

    async def form(self, identity: Identity, category: str) -> tuple[Sequence[model.Field], Sequence[model.Category]]:
        """The empty form of a category, and all categories."""


class History(Protocol):
    """Reports about the past; agents get their own figures only. Raises Refusal, BadQuestion for what makes no sense.

    `params` are the query's values by name: `cti.history.query` says which there are.
    """

    async def report(self, identity: Identity, params: Mapping[str, Sequence[str]]) -> Report:
        """Figures by what was asked."""

    async def causes(self, identity: Identity, params: Mapping[str, Sequence[str]]) -> CauseReport:
        """Why calls were late."""

    async def calls(self, identity: Identity, params: Mapping[str, Sequence[str]]) -> CallList:
        """The calls behind a number."""

    async def story(self, identity: Identity, call: str) -> Story | None:
        """One call step by step; None where there is none, or not his."""

    async def choices(self, identity: Identity, params: Mapping[str, Sequence[str]]) -> Choices:
        """Queues, lines, agents and teams of a period."""

    async def export(self, identity: Identity, params: Mapping[str, Sequence[str]]) -> File:
        """A report or a list as a file."""

    def definitions(self) -> Definitions:
        """What every number means."""


class Condition(Protocol):
    """How the service is, for those who watch it."""

    def ready(self) -> list[str]:
        """Why it is not ready, one sentence each; [] where it is."""

    def notes(self) -> list[str]:
        """What is to be known of one that is ready, one sentence each."""

    def metrics(self) -> str:
        """Counters in Prometheus' text format; labels from configured names only."""


class Site(Protocol):
    """Where the pages stand."""

    @property
    def origins(self) -> frozenset[str]:
        """Exact origins that pages come from."""

    @property
    def plain(self) -> bool:
        """True where pages go beyond this machine without TLS: they carry a warning."""

    def push_url(self, origin: str | None, host: str) -> str:
        """Where a page from here connects to."""

    @property
    def push_origins(self) -> Sequence[str]:
        """ws: and wss: origins for the Content-Security-Policy."""
