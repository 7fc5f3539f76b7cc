"""Chat records in the embedded CRM: stored once however often they come, linked to customers, held until they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from crm_bridge import sql
from crm_bridge.chat import linking
from crm_bridge.chat.identity import Ordinals, peer_key
from crm_bridge.chat.linking import Found, How, Suggestion
from crm_bridge.chat.message import SYSTEM_IDS, Message, clean_name
from crm_bridge.embedded import EmbeddedCrm, tables, writes
from crm_bridge.embedded.chat_tables import chat_held, chat_peer
from crm_bridge.embedded.crm import errors, to_id
from crm_bridge.model import ChatMessage, NotFound
from crm_bridge.numbers import numbers_in

BATCH: Final = 500
"Messages in one transaction."
MAX_PEERS: Final = 50_000
"Conversations in one import; messages of further ones are counted and left out."
_MAX_TEXTS: Final = 200
_COLUMNS: Final = ("direction", "sender", "kind", "text")


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation, and whose it is."""

    id: str
    channel: str
    account: str
    name: str
    platform_id: str
    group: bool
    party_id: str | None
    how: How
    last_at: float


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A message that was not known before."""

    peer_id: str
    party_id: str | None
    account_id: str | None
    "The company, or the person who has none: whose record shows it. None while nobody knows whose it is."
    message: ChatMessage
    enquiry: str | None = None
    "Id of the enquiry record that the message opened or went on with."
    prospect: bool = False
    "The party was made of this message: nobody knew who wrote it."


Also = Callable[[sa.Connection, Message, Stored], Stored]
"What else a new message brings about, in the transaction that stores it; gives the message as it then stands."


class ImportReport(msgspec.Struct, kw_only=True):
    """What an import did."""

    read: int = 0
    new: int = 0
    changed: int = 0
    "Known messages that the same key now tells differently, such as after our accounts were named."
    held: int = 0
    "New messages of conversations that are not linked."
    guessed: int = 0
    "Messages whose direction is a guess: name our accounts and import again."
    left_out: int = 0
    peers: int = 0
    unlinked: int = 0


class _Known(msgspec.Struct):
    """A conversation as it stands in a transaction."""

    id: str
    party_id: int | None
    account_id: int | None
    how: How
    platform_id: str
    name: str


class ChatArchive:
    """Stores and links chat records; safe to use from several threads. Raises CrmError."""

    def __init__(self, crm: EmbeddedCrm) -> None:
        self._crm = crm

    # Storing

    def add(
        self, messages: Iterable[Message], *, account: str = "", report: ImportReport | None = None
    ) -> ImportReport:
        """Store messages, linking their conversations where that is certain. Twice is the same as once.

        `account` is ours on the platform where one person's export must be told from another's.
        """
        told = report or ImportReport()
        ordinals = Ordinals()
        seen: set[str] = set()
        rest = iter(messages)
        while batch := list(islice(rest, BATCH)):
            self._batch(batch, account, told, ordinals, seen)
        told.peers = len(seen)
        told.unlinked = sum(self._still_open(seen))
        return told

    def receive(self, messages: Sequence[Message], *, account: str = "", also: Also | None = None) -> list[Stored]:
        """Store messages as they come; gives those that were not known before."""
        ordinals = Ordinals()
        stored: list[Stored] = []
        rest = iter(messages)
        while batch := list(islice(rest, BATCH)):
            stored += self._batch(batch, account, ImportReport(), ordinals, set(), also)
        return stored

    def _batch(
        self,
        batch: list[Message],
        account: str,
        report: ImportReport,
        ordinals: Ordinals,
        seen: set[str],
        also: Also | None = None,
    ) -> list[Stored]:
        by_peer: dict[str, list[Message]] = {}
        for message in batch:
            report.read += 1
            key = peer_key(message, account)
            if key not in seen and len(seen) >= MAX_PEERS:
                report.left_out += 1
                continue
            seen.add(key)
            report.guessed += message.guessed
            by_peer.setdefault(key, []).append(message)
        stored: list[Stored] = []
        with errors(), self._crm.database.write() as connection:
            for key, of_peer in by_peer.items():
                peer = self._peer(connection, key, of_peer, account)
                for message, one in self._rows(connection, peer, of_peer, ordinals, report):
                    stored.append(one if also is None else also(connection, message, one))
        return stored

    def _peer(self, connection: sa.Connection, key: str, messages: list[Message], account: str) -> _Known:
        """The conversation as it stands, made and linked where it was not."""
        first = messages[0]
        last_at = max(message.at for message in messages)
        row = connection.execute(sa.select(chat_peer).where(chat_peer.c.id == key)).first()
        platform_id = (row.platform_id if row else "") or _platform_id(messages)
        if row is None:
            connection.execute(
                sa.insert(chat_peer),
                {
                    "id": key,
                    "channel": first.channel,
                    "account": clean_name(account),
                    "key": first.peer_id or first.peer,
                    "name": first.peer,
                    "platform_id": platform_id,
                    "is_group": first.group,
                    "party_id": None,
                    "how": "",
                    "linked_by": "",
                    "last_at": last_at,
                },
            )
        elif row.platform_id != platform_id or row.last_at < last_at:
            connection.execute(
                sa.update(chat_peer)
                .where(chat_peer.c.id == key)
                .values(platform_id=platform_id, last_at=max(last_at, row.last_at))
            )
        peer = _Known(
            id=key,
            party_id=row.party_id if row else None,
            account_id=None,
            how=row.how if row else "",
            platform_id=platform_id,
            name=first.peer,
        )
        if peer.party_id is None and not first.group and (found := self._whose(connection, peer, first, messages)):
            self.link_within(connection, peer.id, found.party_id, found.how, "")
            peer.party_id, peer.how = found.party_id, found.how
        if peer.party_id is not None:
            peer.account_id = writes.account_of(connection, peer.party_id)
        return peer

    def _whose(self, connection: sa.Connection, peer: _Known, first: Message, messages: list[Message]) -> Found | None:
        site = self._crm.site
        theirs = [message.text for message in messages if message.direction == "in" and message.kind == "text"]
        return (
            linking.by_id(connection, first.channel, (peer.platform_id,))
            or linking.by_phones(connection, (peer.name,), site, how="name")
            or linking.by_phones(connection, theirs[:_MAX_TEXTS], site)
        )

    def _rows(
        self,
        connection: sa.Connection,
        peer: _Known,
        messages: list[Message],
        ordinals: Ordinals,
        report: ImportReport,
    ) -> list[tuple[Message, Stored]]:
        """Write what is new or told differently; rows that stand as they are are not touched."""
        rows: dict[str, dict[str, Any]] = {}
        told: dict[str, Message] = {}
        for message in messages:
            row = _row(message, ordinals.key(message, peer.id))
            rows[row["id"]] = row
            told[row["id"]] = message
        linked = peer.account_id is not None
        table = tables.chat if linked else chat_held
        owner: dict[str, Any] = {"account_id": peer.account_id} if linked else {"peer_id": peer.id}
        (column, value), *_ = owner.items()
        times = [row["at"] for row in rows.values()]
        old = {
            found.id: found
            for found in connection.execute(
                sa.select(table).where(
                    table.c[column] == value, table.c.at.between(min(times), max(times)), table.c.id.in_(list(rows))
                )
            )
        }
        new = [row for key, row in rows.items() if key not in old]
        changed = [
            row
            for key, row in rows.items()
            if key in old and any(getattr(old[key], name) != row[name] for name in _COLUMNS)
        ]
        extra = {"channel": messages[0].channel} if linked else {}
        sql.upsert(connection, table, [{**owner, **row, **extra} for row in new + changed])
        report.new += len(new)
        report.changed += len(changed)
        report.held += 0 if linked else len(new)
        if linked and new:
            self._mark(connection, peer, new)
        return [
            (
                told[row["id"]],
                Stored(
                    peer_id=peer.id,
                    party_id=None if peer.party_id is None else str(peer.party_id),
                    account_id=None if peer.account_id is None else str(peer.account_id),
                    message=ChatMessage(**row, channel=messages[0].channel, answered=row["direction"] == "out"),
                ),
            )
            for row in new
        ]

    def _mark(self, connection: sa.Connection, peer: _Known, new: list[dict[str, Any]]) -> None:
        """The customer was in touch; numbers in what it wrote become hints."""
        assert peer.party_id is not None  # noqa: S101 - the caller asked
        writes.touch(connection, peer.party_id, max(row["at"] for row in new))
        for row in new:
            if row["direction"] == "in" and row["kind"] == "text" and sum(map(str.isdigit, row["text"][:2000])) >= 7:
                for number in numbers_in(row["text"], self._crm.site):
                    writes.hint(connection, peer.party_id, number, "聊天", row["at"])

    # Linking

    def peers(self, *, linked: bool | None = None, limit: int = 200) -> list[Peer]:
        """Conversations, those with the newest messages first; `linked` False gives those that wait for a person."""
        query = (
            sa.select(chat_peer).order_by(chat_peer.c.last_at.desc(), chat_peer.c.id).limit(max(1, min(limit, 1000)))
        )
        if linked is not None:
            query = query.where(chat_peer.c.party_id.is_not(None) if linked else chat_peer.c.party_id.is_(None))
        with errors(), self._crm.database.read() as connection:
            return [_peer(row) for row in connection.execute(query)]

    def peer(self, peer_id: str) -> Peer:
        """One conversation; raises NotFound."""
        with errors(), self._crm.database.read() as connection:
            return _peer(_peer_row(connection, peer_id))

    def unlinked(self) -> int:
        """How many conversations nobody is known for."""
        query = sa.select(sa.func.count()).select_from(chat_peer).where(chat_peer.c.party_id.is_(None))
        with errors(), self._crm.database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def held(self, peer_id: str, limit: int = 50) -> tuple[list[ChatMessage], int]:
        """The newest messages of a conversation that is not linked, newest first, and how many there are in all."""
        here = chat_held.c.peer_id == peer_id[:64]
        query = sa.select(chat_held).where(here).order_by(chat_held.c.at.desc(), chat_held.c.id.desc())
        with errors(), self._crm.database.read() as connection:
            row = _peer_row(connection, peer_id)
            found = connection.execute(query.limit(max(1, min(limit, 500)))).all()
            total = connection.execute(sa.select(sa.func.count()).select_from(chat_held).where(here)).scalar_one()
        messages = [
            ChatMessage(channel=row.channel, **{name: getattr(one, name) for name in ("id", "at", *_COLUMNS)})
            for one in found
        ]
        return messages, int(total)

    def suggestions(self, peer_id: str, limit: int = 8) -> list[Suggestion]:
        """Customers that a conversation may belong to, likeliest first; raises NotFound."""
        with errors(), self._crm.database.read() as connection:
            row = _peer_row(connection, peer_id)
            texts = connection.execute(
                sa.select(chat_held.c.text)
                .where(chat_held.c.peer_id == peer_id, chat_held.c.direction == "in")
                .order_by(chat_held.c.at.desc())
                .limit(_MAX_TEXTS)
            ).scalars()
            return linking.suggestions(
                connection,
                row.channel,
                row.name,
                (row.platform_id,),
                list(texts),
                self._crm.site,
                max(1, min(limit, 50)),
            )

    def link(self, peer_id: str, party_id: str, by: str) -> int:
        """A person's choice: the conversation, what it held and what comes, belongs to this party.

        Returns how many messages moved. The platform's id becomes a contact point, so the next export links itself.
        """
        with errors(), self._crm.database.write() as connection:
            row = _peer_row(connection, peer_id)
            party = to_id(party_id)
            writes.account_of(connection, party)
            moved = self.link_within(connection, peer_id, party, "chosen", by)
            kind = linking.POINTS.get(row.channel, (row.channel,))[0]
            if (
                row.platform_id
                and not row.is_group
                and linking.by_id(connection, row.channel, (row.platform_id,)) is None
            ):
                connection.execute(
                    sa.insert(tables.contact_point),
                    {
                        "party_id": party,
                        "kind": "email" if "@" in row.platform_id and row.channel == "qq" else kind,
                        "value": row.platform_id,
                        "label": linking.LABELS.get(kind, kind),
                        "position": 6,
                    },
                )
            return moved

    def unlink(self, peer_id: str, by: str) -> int:
        """Take a wrong link back: its messages are held again. Returns how many moved."""
        with errors(), self._crm.database.write() as connection:
            _peer_row(connection, peer_id)
            return self.link_within(connection, peer_id, None, "", by)

    def link_within(self, connection: sa.Connection, peer_id: str, party: int | None, how: How, by: str) -> int:
        """Put a conversation and its messages to a party, or to nobody, in the caller's transaction."""
        row = _peer_row(connection, peer_id)
        connection.execute(
            sa.update(chat_peer)
            .where(chat_peer.c.id == peer_id)
            .values(party_id=party, how=how, linked_by=sql.clean(by, 80))
        )
        source: sa.Table
        if row.party_id is None:
            source, here = chat_held, chat_held.c.peer_id == peer_id
        else:
            old = writes.account_of(connection, row.party_id)
            source = tables.chat
            here = (tables.chat.c.account_id == old) & tables.chat.c.id.startswith(peer_id, autoescape=True)
        taken = connection.execute(sa.select(source).where(here)).all()
        connection.execute(sa.delete(source).where(here))
        names = ("at", "id", *_COLUMNS)
        if party is None:
            moved = [{"peer_id": peer_id, **{name: getattr(one, name) for name in names}} for one in taken]
            return _in_lots(connection, chat_held, moved)
        account = writes.account_of(connection, party)
        moved = [
            {"account_id": account, "channel": row.channel, **{name: getattr(one, name) for name in names}}
            for one in taken
        ]
        if moved:
            peer = _Known(
                id=peer_id, party_id=party, account_id=account, how=how, platform_id=row.platform_id, name=row.name
            )
            self._mark(connection, peer, moved)
        return _in_lots(connection, tables.chat, moved)

    def _still_open(self, seen: set[str]) -> Iterator[int]:
        keys = sorted(seen)
        with errors(), self._crm.database.read() as connection:
            for start in range(0, len(keys), 500):
                query = sa.select(sa.func.count()).where(
                    chat_peer.c.id.in_(keys[start : start + 500]), chat_peer.c.party_id.is_(None)
                )
                yield int(connection.execute(query).scalar() or 0)


def _in_lots(connection: sa.Connection, table: sa.Table, rows: list[dict[str, Any]]) -> int:
    for start in range(0, len(rows), BATCH):
        sql.upsert(connection, table, rows[start : start + BATCH])
    return len(rows)


def _row(message: Message, key: str) -> dict[str, Any]:
    return {
        "at": message.at,
        "id": key,
        "direction": message.direction,
        "sender": message.sender or message.sender_id or "",
        "kind": message.kind[:16],
        "text": message.text,
    }


def _platform_id(messages: list[Message]) -> str:
    """The peer's id: the file's head says it, or the customer's own messages bear it."""
    if messages[0].peer_id:
        return messages[0].peer_id
    if messages[0].group:
        return ""
    ids = {m.sender_id for m in messages if m.direction == "in" and m.sender_id and m.sender_id not in SYSTEM_IDS}
    return ids.pop() if len(ids) == 1 else ""


def _peer_row(connection: sa.Connection, peer_id: str) -> Any:
    row = connection.execute(sa.select(chat_peer).where(chat_peer.c.id == peer_id[:64])).first()
    if row is None:
        raise NotFound
    return row


def _peer(row: Any) -> Peer:
    return Peer(
        id=row.id,
        channel=row.channel,
        account=row.account,
        name=row.name,
        platform_id=row.platform_id,
        group=row.is_group,
        party_id=None if row.party_id is None else str(row.party_id),
        how=row.how,
        last_at=row.last_at,
    )
