"""Bodies and answers of the customers' API: knowledge, prices, quotes, the catalogue, conversations, write-back.

What is asked for is mostly a struct of `crm_bridge` as it stands; those stand here under the names of the routes.
docs/reference/api-customers.md lists the routes.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from crm_bridge.chat.archive import ImportReport, Peer
from crm_bridge.chat.linking import Suggestion
from crm_bridge.embedded.lanes import Lane
from crm_bridge.embedded.quoting import Offer
from crm_bridge.embedded.shape import CatalogueChange
from crm_bridge.freight.charges import Basis, Charge, ChargeCode, Part, QuoteTotal
from crm_bridge.freight.containers import ContainerType
from crm_bridge.freight.currencies import Currency
from crm_bridge.freight.lanes import LanePrices
from crm_bridge.freight.ports import Port
from crm_bridge.knowledge import Article, ArticleKind, Hit, Version
from crm_bridge.model import (
    BusinessRecord,
    Category,
    ChatMessage,
    ContactPoint,
    FieldKind,
    Option,
    Party,
    Profile,
    Quote,
    QuoteStatus,
)
from crm_bridge.writeback import Counts, Entry


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of what comes in: an unknown key is refused."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Base of what goes out."""


# --- knowledge ---------------------------------------------------------------------------------------------------


class ArticleBody(Body, frozen=True, kw_only=True):
    """Of POST /knowledge/articles and PUT /knowledge/articles/{id}."""

    category: str
    title: str
    body: str
    kind: ArticleKind = "article"
    tags: tuple[str, ...] = ()
    version: int = 0
    "The version the text was made from; of no meaning for a new one."


class RestoreBody(Body, frozen=True, kw_only=True):
    """Of POST /knowledge/articles/{id}/restore."""

    old: int
    "The version to go back to."
    version: int
    "The current one."


class VersionBody(Body, frozen=True, kw_only=True):
    """Of POST /knowledge/articles/{id}/retire."""

    version: int


class HitsAnswer(Answer, frozen=True, kw_only=True):
    """Of GET /knowledge."""

    hits: tuple[Hit, ...]
    categories: tuple[Category, ...]


class ArticlesAnswer(Answer, frozen=True, kw_only=True):
    """Of GET /knowledge/articles."""

    articles: tuple[Article, ...]
    categories: tuple[Category, ...]
    next: int | None
    "Pass as `offset` for the next page; null at the end."


class ArticleAnswer(Answer, frozen=True, kw_only=True):
    """An article as it stands."""

    article: Article


class ArticleHistoryAnswer(Answer, frozen=True, kw_only=True):
    """Of GET /knowledge/articles/{id}: the article and every state it had, newest first."""

    article: Article
    versions: tuple[Version, ...]


# --- prices ------------------------------------------------------------------------------------------------------


class LanesAnswer(Answer, frozen=True, kw_only=True):
    """Of GET /lanes: lanes by number of closed deals."""

    lanes: tuple[Lane, ...]


class LaneKind(Answer, frozen=True, kw_only=True):
    """A container type and currency a lane can be shown for."""

    container: str
    currency: str
    n: int
    "Closed deals."


class PricesAnswer(Answer, frozen=True, kw_only=True):
    """Of GET /lanes/prices."""

    prices: LanePrices | None
    "Null where fewer than three closed deals tell; `text` then says so."
    kinds: tuple[LaneKind, ...]
    "What this lane can be shown for, the commonest first."
    text: str
    text_en: str


class PortsAnswer(Answer, frozen=True, kw_only=True):
    """Of GET /ports."""

    ports: tuple[Port, ...]


class FreightAnswer(Answer, frozen=True, kw_only=True):
    """Of GET /freight: what forms offer."""

    containers: tuple[ContainerType, ...]
    charges: tuple[ChargeCode, ...]
    currencies: tuple[Currency, ...]


# --- enquiries and quotes ----------------------------------------------------------------------------------------


class ChargeBody(Body, frozen=True, kw_only=True):
    """One price of a quote."""

    code: str
    "OF for ocean freight; GET /freight lists the others; the site's own are free text."
    currency: str
    price: Decimal
    "A string, such as 2350.00; a number is taken, too."
    basis: Basis | None = None
    "Null: the code's usual one."
    part: Part | None = None
    container: str = ""
    "For this type only; '' for every type."
    minimum: Decimal | None = None
    name: str = ""


class QuoteBody(Body, frozen=True, kw_only=True):
    """Of POST /parties/{id}/quotes and PUT /parties/{id}/quotes/{quote}."""

    pol: str = ""
    pod: str = ""
    containers: str = ""
    "As people write it: 20GP*1+40HQ*2."
    charges: tuple[ChargeBody, ...] = ()
    "None for an enquiry that has no price yet."
    currency: str = "USD"
    carrier: str = ""
    transit_days: int | None = None
    schedule: str = ""
    valid_until: float | None = None
    status: QuoteStatus = "open"
    note: str = ""
    key: str = ""
    "POST: made by the page; the same key sent twice is one quote."
    version: str = ""
    "PUT: the `version` the change was made from."


class StatusBody(Body, frozen=True, kw_only=True):
    """Of POST /parties/{id}/quotes/{quote}/status."""

    status: QuoteStatus
    note: str | None = None
    "The reason; null leaves the note as it is."


class TotalsBody(Body, frozen=True, kw_only=True):
    """Of POST /quotes/totals: what these charges come to, before anything is saved."""

    containers: str
    charges: tuple[ChargeBody, ...]


class TotalsAnswer(Answer, frozen=True, kw_only=True):
    """Of POST /quotes/totals."""

    containers: tuple[tuple[str, int], ...]
    "As they were understood."
    total: QuoteTotal


class QuotesAnswer(Answer, frozen=True, kw_only=True):
    """Of GET /parties/{id}/quotes."""

    quotes: tuple[Quote, ...]
    total: int


class OffersAnswer(Answer, frozen=True, kw_only=True):
    """Of GET /quotes: enquiries and quotes of all customers, newest first."""

    offers: tuple[Offer, ...]
    next: float | None
    "Pass as `before` for the next page; null at the end."


class QuoteAnswer(Answer, frozen=True, kw_only=True):
    """One enquiry or quote with its charges and what it comes to."""

    quote: Quote
    charges: tuple[Charge, ...]
    total: QuoteTotal | None
    "Null for an enquiry without a price."
    version: str
    "Changes with every change; a PUT carries it."


# --- customers ---------------------------------------------------------------------------------------------------


class PartyAnswer(Answer, frozen=True, kw_only=True):
    """Of GET /parties/{id}: what the role may see."""

    profile: Profile


class BusinessListAnswer(Answer, frozen=True, kw_only=True):
    """Of GET /parties/{id}/business."""

    records: tuple[BusinessRecord, ...]
    total: int


class ChatListAnswer(Answer, frozen=True, kw_only=True):
    """Of GET /parties/{id}/chats."""

    messages: tuple[ChatMessage, ...]
    total: int


class ContactsBody(Body, frozen=True, kw_only=True):
    """Of PUT /parties/{id}/contacts: all of them, in their order."""

    points: tuple[ContactPoint, ...]
    version: int


# --- catalogue ---------------------------------------------------------------------------------------------------


class CategoryBody(Body, frozen=True, kw_only=True):
    """Of POST /catalogue/categories."""

    key: str
    label: str
    label_en: str
    position: int | None = None
    version: int | None = None


class CategoryChange(Body, frozen=True, kw_only=True):
    """Of PATCH /catalogue/categories/{key}; null leaves a thing as it is."""

    label: str | None = None
    label_en: str | None = None
    position: int | None = None
    retired: bool | None = None
    version: int | None = None


class FieldBody(Body, frozen=True, kw_only=True):
    """Of POST /catalogue/fields."""

    category: str
    "Key of a category, * for every one."
    key: str
    label: str
    label_en: str
    kind: FieldKind = "text"
    scope: Literal["company", "person"] = "company"
    required: bool = False
    show_in_pop: bool = True
    pii: bool = False
    options: tuple[Option, ...] = ()
    position: int | None = None
    version: int | None = None


class FieldChange(Body, frozen=True, kw_only=True):
    """Of PATCH /catalogue/fields/{category}/{key}; null leaves a thing as it is."""

    label: str | None = None
    label_en: str | None = None
    required: bool | None = None
    show_in_pop: bool | None = None
    pii: bool | None = None
    options: tuple[Option, ...] | None = None
    position: int | None = None
    retired: bool | None = None
    version: int | None = None


class ChangesAnswer(Answer, frozen=True, kw_only=True):
    """Of GET /catalogue/changes: who changed what, newest first."""

    changes: tuple[CatalogueChange, ...]


# --- conversations -----------------------------------------------------------------------------------------------


class Conversation(Answer, frozen=True, kw_only=True):
    """A chat conversation and whose it is."""

    peer: Peer
    party: Party | None
    last: ChatMessage | None
    "The newest message, of a conversation that is not linked."
    held: int
    "Messages that wait for somebody to say whose they are."


class ConversationsAnswer(Answer, frozen=True, kw_only=True):
    """Of GET /conversations: those with the newest messages first."""

    conversations: tuple[Conversation, ...]
    unlinked: int
    "How many wait in all."


class ConversationAnswer(Answer, frozen=True, kw_only=True):
    """Of GET /conversations/{id}."""

    conversation: Conversation
    suggestions: tuple[Suggestion, ...]
    messages: tuple[ChatMessage, ...]
    "The newest fifty that are held, newest first."


class LinkBody(Body, frozen=True, kw_only=True):
    """Of POST /conversations/{id}/link."""

    party: str


class MovedAnswer(Answer, frozen=True, kw_only=True):
    """What linking, or taking it back, moved."""

    moved: int


class ImportAnswer(Answer, frozen=True, kw_only=True):
    """Of POST /chat/imports."""

    report: ImportReport
    odd: int
    "Pieces that could not be understood and were left out."


class IntakeAnswer(Answer, frozen=True, kw_only=True):
    """Of POST /intake/chat/{platform}."""

    taken: int
    "Messages that were understood."
    new: int
    enquiries: int


# --- write-back --------------------------------------------------------------------------------------------------


class WriteBackAnswer(Answer, frozen=True, kw_only=True):
    """Of GET /writeback."""

    state: Literal["off", "on", "away", "wrong"]
    "off: nothing is written back; away: the other CRM does not answer; wrong: its rules cannot be used."
    text: str
    text_en: str
    kinds: tuple[str, ...]
    counts: Counts
    entries: tuple[Entry, ...]


class RetryBody(Body, frozen=True, kw_only=True):
    """Of POST /writeback/retry."""

    key: str | None = None
    "One entry; null: all that were refused or wait."


class RetryAnswer(Answer, frozen=True, kw_only=True):
    """Of POST /writeback/retry."""

    retried: int
