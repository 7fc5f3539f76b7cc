"""What a CRM tells about a customer, and the protocol by which it is asked (pure).

Times are epoch seconds. Texts are as stored; whoever shows them treats them as text. Every struct is frozen and goes
to the page as it stands, so a field's name here is its name on the wire. Labels come in Chinese (`label`) and
English (`label_en`). None of them can hold itself, so the collector need not look after them (`gc=False`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, Literal, Protocol, TypeVar, runtime_checkable

import msgspec

PartyKind = Literal["company", "person"]
MatchLevel = Literal["exact", "derived", "switchboard", "text", "learned"]
FieldKind = Literal["text", "number", "date", "choice", "bool", "long"]
QuoteStatus = Literal["open", "sent", "won", "lost", "expired"]
Closed = Literal["open", "won", "lost"]


class Party(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A company or a person: whom a call can belong to."""

    id: str
    "Opaque; stable for the life of the record."
    kind: PartyKind
    name: str
    company: str | None = None
    "Name of a person's company; None for a company and for a person without one."
    company_id: str | None = None
    role: str | None = None
    "What the person is there, such as 采购经理."
    category: str
    category_label: str
    category_label_en: str = ""
    tier: str | None = None
    "The site's grade of the customer, such as A."
    owner: str | None = None
    "Login of the colleague who looks after this customer."
    owner_name: str | None = None
    tags: tuple[str, ...] = ()
    version: int
    "Grows with every change of the record or of its company; a save carries the one it was made from."


class Match(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A party that a number may belong to, and why."""

    party: Party
    level: MatchLevel
    """learned: an agent chose it; exact: registered; derived: an area or country code was guessed; switchboard: the
    base number is shared; text: found in a note or chat only."""
    reason: str
    reason_en: str
    score: float
    "0 to 1, for ranking within one look-up only."
    last_contact: float | None = None


class Option(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One choice of a field."""

    value: str
    label: str
    label_en: str


class Field(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One fact about a party, with all a form needs to show and edit it."""

    key: str
    label: str
    label_en: str
    value: str
    "Always text: a number with a point, a date as YYYY-MM-DD, a bool as 1 or 0, '' where nothing is known."
    kind: FieldKind = "text"
    required: bool = False
    show_in_pop: bool = True
    pii: bool = False
    "Personal in the sense of PIPL: masked by role, erased on request."
    readonly: bool = False
    "Derived from other records: shown, never saved."
    options: tuple[Option, ...] = ()


class ContactPoint(msgspec.Struct, frozen=True, gc=False):
    """A way to reach a party: kind is phone, qq, wechat, wangwang, email or msn."""

    kind: str
    value: str
    label: str
    "Such as 手机, 办公, 传真."


class Note(msgspec.Struct, frozen=True, gc=False):
    """A remark about a party, written by a colleague."""

    id: str
    at: float
    by: str
    text: str


class Profile(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Everything about a party but its history."""

    party: Party
    fields: tuple[Field, ...]
    contact_points: tuple[ContactPoint, ...]
    notes: tuple[Note, ...]
    "Newest first."


class BusinessRecord(msgspec.Struct, frozen=True, gc=False):
    """One piece of business, shipped or only talked about: the twelve fields of 业务记录, and the shipment's state."""

    id: str
    at: float
    pol: str = ""
    "Port of loading 起运港; `pod` is the port of discharge 目的港. Chinese name, or free text."
    pod: str = ""
    origin: str = ""
    "Where the goods come from 货源地; `destination` is where they go 目的地."
    destination: str = ""
    container: str = ""
    "Types and counts, such as 40HQ×2."
    floor_price: float | None = None
    "底价, per container in `currency`; shown by role only."
    price: float | None = None
    "运价, per container in `currency`."
    currency: str = "USD"
    supplier: str = ""
    "上家: from whom the space was bought."
    price_date: float | None = None
    cargo: str = ""
    details: str = ""
    transit_days: int | None = None
    schedule: str = ""
    "航期, such as 周日开."
    closed: Closed = "open"
    status: str = ""
    "In the site's own words: 晚 2 天, 已提柜, 价格高."
    bl_no: str = ""
    vessel: str = ""
    etd: float | None = None
    eta: float | None = None
    eta_planned: float | None = None
    "The ETA first promised, where it has moved."
    by: str = ""


class ChatMessage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One message of an online chat."""

    id: str
    at: float
    channel: str
    "qq, wecom, wechat, wangwang, msn or web."
    direction: Literal["in", "out"]
    sender: str
    kind: str
    "text, image, file, voice, system."
    text: str
    answered: bool = True
    "False for a customer's message after which nobody of ours has written."


class QuoteLine(msgspec.Struct, frozen=True, gc=False):
    """Price of one container type."""

    container: str
    count: int
    freight: float
    "Ocean freight per container, in the quote's currency."
    all_in: float | None = None
    "With the local charges."


class Quote(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An offer made to a customer."""

    id: str
    number: str
    at: float
    pol: str
    pod: str
    carrier: str
    transit_days: int | None = None
    schedule: str = ""
    currency: str = "USD"
    lines: tuple[QuoteLine, ...] = ()
    valid_until: float | None = None
    status: QuoteStatus
    note: str = ""
    by: str = ""


class TrendPoint(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Prices of one week on one lane."""

    at: float
    "Beginning of the week."
    n: int
    median: float
    p25: float
    p75: float


class LastDeal(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The customer's own last deal on a lane."""

    at: float
    price: float


class Trend(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How the price of one lane and container type went over closed deals, in one currency. Never made of n < 3."""

    pol: str
    pod: str
    container: str
    currency: str
    n: int
    "Closed deals in the last four weeks."
    median: float
    "Of those."
    change: float | None
    "Relative change of that median against the four weeks before; None where those hold fewer than three deals."
    points: tuple[TrendPoint, ...]
    last: LastDeal | None
    ours: float | None
    "Price of the open offer, if there is one."


T = TypeVar("T")


class Section(msgspec.Struct, Generic[T], frozen=True, kw_only=True, gc=False):
    """Part of the unified record: the newest items, how many there are in all, and when they were read."""

    items: tuple[T, ...]
    total: int
    as_of: float
    trend: Trend | None = None
    "Quotes only."


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """All that a CRM tells of one customer, read together."""

    profile: Profile
    business: Section[BusinessRecord]
    chats: Section[ChatMessage]
    quotes: Section[Quote]


class Category(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A class of parties, such as 国际海运."""

    key: str
    label: str
    label_en: str


class CrmError(Exception):
    """A CRM could not do what was asked.

    `permanent` tells whether asking again can help: False for a database that is away, locked or slow, True for a
    question that is wrong. The text is for people and holds no number, name or SQL.
    """

    permanent: bool
    guarded: bool = False
    "Whoever raised it keeps a breaker of its own for what failed, and still answers from what it has."

    def __init__(self, text: str, *, text_en: str = "", permanent: bool) -> None:
        super().__init__(text)
        self.text = text
        self.text_en = text_en or text
        self.permanent = permanent


class NotFound(CrmError):
    """There is no such party."""

    def __init__(self) -> None:
        super().__init__("没有这个客户，可能已被删除", text_en="No such customer; it may be deleted", permanent=True)


class Conflict(CrmError):
    """Somebody else saved first: `profile` is how the record stands now. Nothing was overwritten."""

    def __init__(self, profile: Profile) -> None:
        super().__init__("资料刚被别人改过", text_en="The record was just changed by somebody else", permanent=True)
        self.profile = profile


class InvalidField(msgspec.Struct, frozen=True, kw_only=True):
    """Why a value was refused."""

    key: str
    text: str
    text_en: str


class Invalid(CrmError):
    """Values were refused; nothing was saved. `problems` holds one entry for each."""

    def __init__(self, problems: tuple[InvalidField, ...]) -> None:
        super().__init__(
            "；".join(p.text for p in problems),
            text_en="; ".join(p.text_en for p in problems),
            permanent=True,
        )
        self.problems = problems


@runtime_checkable
class Whole(Protocol):
    """A CRM that reads the record in one question for less than the four sections cost by themselves."""

    def record(self, party_id: str, limit: int = 20) -> Record:
        """What `profile`, `business`, `chats` and `quotes` of the same moment tell; raises NotFound."""


class Crm(Protocol):
    """A source of unified records.

    Every method is synchronous and safe to call from several threads at once; the caller runs them outside its event
    loop with a deadline of its own. All of them raise `CrmError`, with `permanent` set.
    """

    def lookup(self, number: str | None) -> list[Match]:
        """Every party that a caller's number, as presented, may belong to, best first; [] for none or withheld."""

    def party(self, party_id: str) -> Party | None:
        """One party, None where there is none."""

    def profile(self, party_id: str) -> Profile:
        """The profile section; raises NotFound."""

    def business(self, party_id: str, limit: int = 20) -> Section[BusinessRecord]:
        """Business records of the party and its company, newest first."""

    def chats(self, party_id: str, limit: int = 20) -> Section[ChatMessage]:
        """Chat messages with the party and its company, newest first."""

    def quotes(self, party_id: str, limit: int = 20) -> Section[Quote]:
        """Quotes, those still open first, then newest first; with the price trend of the likeliest lane."""

    def save_fields(self, party_id: str, values: Mapping[str, str], version: int, by: str) -> Profile:
        """Change some fields; raises Conflict when `version` is not the current one, Invalid on refused values."""

    def create_party(self, values: Mapping[str, str], number: str | None, by: str) -> Profile:
        """A new person, and its company where `company` is not known yet; name and category are required."""

    def add_note(self, party_id: str, text: str, by: str, call_id: str | None = None, at: float | None = None) -> Note:
        """Write a remark; the same call, author and text written twice is one note."""

    def add_business(self, party_id: str, values: Mapping[str, str], by: str) -> BusinessRecord:
        """Write a business record; the keys are BusinessRecord's, the values text as typed."""

    def learn(self, number: str, party_id: str, by: str) -> None:
        """Remember an agent's choice for a number: it ranks first from now on."""

    def search(self, text: str, limit: int = 10) -> list[Party]:
        """Parties by name, company, number or tag."""

    def form(self, category: str) -> tuple[Field, ...]:
        """The empty form of a new party of this category."""

    def categories(self) -> list[Category]:
        """All categories, in the order of the site."""
