"""Messages as a platform pushes them: stored, shown at once where their customer's pop is open, and an online enquiry
opens an enquiry record.

Pushing the same again changes nothing: a message and the enquiry it opens are stored together, and once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, tzinfo
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from crm_bridge import sql
from crm_bridge.chat.archive import ChatArchive, Stored
from crm_bridge.chat.enquiry import Enquiry, enquiry_in
from crm_bridge.chat.message import Message, Options
from crm_bridge.chat.webhook import SHAPES, Shape, parse
from crm_bridge.embedded import EmbeddedCrm, tables, writes
from crm_bridge.model import CrmError
from crm_bridge.numbers import numbers_in

BY: Final = "在线咨询"
"Who wrote an enquiry that no colleague wrote."
SAME_ENQUIRY_S: Final = 3 * 86400.0
"A further question within this time belongs to the enquiry that is open."
_MAX_NOTE: Final = 4000
ONLINE: Final = frozenset({"web", "wangwang", "wechat", "wecom", "qq"})


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a push."""

    taken: int
    "Messages that were understood."
    new: int
    enquiries: int


class Intake:
    """Takes pushes; safe to use from several threads. Raises CrmError (BadPush for a body that is none).

    `accounts` are ids or nicks of our own people, by platform: what they send is ours.

    `on_arrival` is called after the message is stored, in the thread of the push: the service hands it on to its loop.
    `prospects` tells whether an enquiry of somebody unknown makes a new customer for it, for else nobody would see it.
    """

    def __init__(
        self,
        crm: EmbeddedCrm,
        *,
        zone: tzinfo,
        shapes: Mapping[str, Shape] | None = None,
        accounts: Mapping[str, Collection[str]] | None = None,
        on_arrival: Callable[[Stored], None] | None = None,
        prospects: bool = True,
        prospect_category: str = "customer",
    ) -> None:
        self._crm = crm
        self._archive = ChatArchive(crm)
        self._zone = zone
        self._shapes = {**SHAPES, **(shapes or {})}
        self._accounts = {platform: frozenset(ours) for platform, ours in (accounts or {}).items()}
        self._on_arrival = on_arrival
        self._prospects = prospects
        self._category = prospect_category

    def push(self, platform: str, body: bytes, content_type: str = "application/json") -> Receipt:
        """What a platform pushed. Raises BadPush, and CrmError for a platform whose shape nobody told."""
        shape = self._shapes.get(platform)
        if shape is None:
            raise CrmError("没有配置这个平台", text_en="No such platform is configured", permanent=True)
        ours = self._accounts.get(platform, frozenset())
        return self.receive(parse(body, shape, Options(zone=self._zone, ours=ours), content_type))

    def receive(self, messages: list[Message]) -> Receipt:
        """Messages of any platform."""
        stored = [
            one
            for message in messages
            # One at a time: a message may link the conversation of the next.
            for one in self._archive.receive([message], also=self._enquire)
        ]
        if self._on_arrival is not None:
            for one in stored:
                self._on_arrival(one)
        return Receipt(
            taken=len(messages), new=len(stored), enquiries=len({one.enquiry for one in stored if one.enquiry})
        )

    def _enquire(self, connection: sa.Connection, message: Message, stored: Stored) -> Stored:
        """Open the enquiry that a new message is, for a stranger together with a new customer."""
        asked = enquiry_in(message.text) if _may_ask(message) else None
        if asked is None or (stored.party_id is None and (message.group or not self._prospects)):
            return stored
        party = self._prospect(connection, message, stored) if stored.party_id is None else int(stored.party_id)
        account = writes.account_of(connection, party)
        return msgspec.structs.replace(
            stored,
            party_id=str(party),
            account_id=str(account),
            prospect=stored.party_id is None,
            enquiry=_enquiry(connection, account, message, stored.message.id, asked, self._zone),
        )

    def _prospect(self, connection: sa.Connection, message: Message, stored: Stored) -> int:
        """A new customer for somebody unknown who asks for a price."""
        name = f"{message.sender or message.peer}（在线访客）"
        party = writes.insert_party(
            connection, kind="person", name=name, category=self._category, by=BY, now=message.at, tags=[BY]
        )
        for number in numbers_in(message.text, self._crm.site):
            writes.add_phone(connection, party, number, writes.label_of(number))
        self._archive.link_within(connection, stored.peer_id, party, "new", BY)
        return party


def _may_ask(message: Message) -> bool:
    return message.direction == "in" and message.kind == "text" and message.channel in ONLINE


def _enquiry(connection: sa.Connection, account: int, message: Message, key: str, asked: Enquiry, zone: tzinfo) -> str:
    """The open online enquiry of an account, gone on with; else a new one."""
    quotes = tables.quote
    boxes = "+".join(f"{name}*{count}" for name, count in asked.boxes)
    line = f"{datetime.fromtimestamp(message.at, zone):%m-%d %H:%M} {message.text}"[:1000]
    row: Any = connection.execute(
        sa.select(quotes)
        .where(
            quotes.c.account_id == account,
            quotes.c.at.between(message.at - SAME_ENQUIRY_S, message.at + SAME_ENQUIRY_S),
            quotes.c.status == "open",
            quotes.c.by == BY,
        )
        .order_by(quotes.c.at.desc())
        .limit(1)
    ).first()
    if row is not None:
        same = (quotes.c.account_id == account) & (quotes.c.at == row.at) & (quotes.c.id == row.id)
        connection.execute(
            sa.update(quotes)
            .where(same)
            .values(
                note="\n".join(filter(None, (row.note, boxes, line)))[:_MAX_NOTE],
                pol=row.pol or sql.clean(asked.pol, 80),
                pod=row.pod or sql.clean(asked.pod, 80),
            )
        )
        return str(row.id)
    made = hashlib.sha256(f"enquiry {key}".encode()).hexdigest()[:32]
    connection.execute(
        sa.insert(quotes),
        {
            "account_id": account,
            "at": message.at,
            "id": made,
            "number": f"WX{datetime.fromtimestamp(message.at, zone):%y%m%d}-{made[:4].upper()}",
            "pol": sql.clean(asked.pol, 80),
            "pod": sql.clean(asked.pod, 80),
            "carrier": "",
            "transit_days": None,
            "schedule": "",
            "currency": "USD",
            "valid_until": None,
            "status": "open",
            "note": "\n".join(filter(None, (boxes, line))),
            "by": BY,
        },
    )
    return made
