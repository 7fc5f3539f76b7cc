"""Enquiries and quotes: written with their charges, added up per container."""

from __future__ import annotations

import hashlib
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any, Final, get_args

import msgspec
import sqlalchemy as sa

from crm_bridge import sql
from crm_bridge.embedded import rows, tables, writes
from crm_bridge.freight import containers, currencies
from crm_bridge.freight.charges import BASES, PARTS, Cargo, Charge, QuoteTotal, totals
from crm_bridge.model import CrmError, Invalid, InvalidField, NotFound, Quote, QuoteLine, QuoteStatus

MOST_CHARGES: Final = 80


class QuoteDraft(msgspec.Struct, frozen=True, kw_only=True):
    """An enquiry as taken, or a quote as it goes out."""

    pol: str = ""
    pod: str = ""
    containers: str = ""
    "As people write it: 20GP*1+40HQ*2."
    charges: tuple[Charge, ...] = ()
    "None for an enquiry that has no price yet."
    currency: str = "USD"
    "Of the ocean freight."
    carrier: str = ""
    transit_days: int | None = None
    schedule: str = ""
    valid_until: float | None = None
    status: QuoteStatus = "open"
    note: str = ""


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """An enquiry or quote in a list of all customers'."""

    quote: Quote
    party_id: str
    "The company, or the person who has none."
    party: str
    "Its name."


class QuoteSheet(msgspec.Struct, frozen=True, kw_only=True):
    """A quote with everything that was typed."""

    quote: Quote
    charges: tuple[Charge, ...]
    total: QuoteTotal | None
    "None without a price."
    version: str
    "A digest of all that can be changed."


class QuoteChanged(CrmError):
    """Somebody changed the quote first: `sheet` is how it stands. Nothing was overwritten."""

    def __init__(self, sheet: QuoteSheet) -> None:
        super().__init__("报价刚被别人改过", text_en="Somebody else just changed the quote", permanent=True)
        self.sheet = sheet


class Quoting(ABC):
    """Methods of `EmbeddedCrm`. All raise CrmError; Invalid tells all that is wrong with a draft."""

    _clock: Callable[[], float]
    _zone: tzinfo

    @abstractmethod
    def _read(self) -> AbstractContextManager[sa.Connection]:
        """One consistent view. Raises CrmError."""

    @abstractmethod
    def _write(self) -> AbstractContextManager[sa.Connection]:
        """One transaction. Raises CrmError."""

    def add_quote(self, party_id: str, draft: QuoteDraft, by: str, *, key: str | None = None) -> Quote:
        """Write an enquiry or quote of a customer; the same `key` written twice is one record, the first.

        A line's all-in price is set only where every charge of the container is in the quote's currency.
        """
        boxes, currency = _checked(draft)
        now = self._clock()
        with self._write() as connection:
            account = writes.account_of(connection, _row(party_id))
            quote_id = uuid.uuid5(uuid.NAMESPACE_OID, f"quote {account} {key}").hex if key else uuid.uuid4().hex
            known = connection.execute(
                sa.select(tables.quote).where(tables.quote.c.account_id == account, tables.quote.c.id == quote_id)
            ).first()
            if known is not None:
                return _quote(connection, known, now)
            lines = _lines(boxes, draft.charges, currency)
            quote = Quote(
                id=quote_id,
                number=_number(connection, now, self._zone),
                at=now,
                pol=sql.clean(draft.pol.strip(), 80),
                pod=sql.clean(draft.pod.strip(), 80),
                carrier=sql.clean(draft.carrier.strip(), 80),
                transit_days=draft.transit_days,
                schedule=sql.clean(draft.schedule.strip(), 80),
                currency=currency,
                lines=lines,
                valid_until=draft.valid_until,
                status=draft.status,
                note=_note(draft, priced=bool(lines)),
                by=sql.clean(by, 80),
            )
            row = {name: getattr(quote, name) for name in quote.__struct_fields__ if name != "lines"}
            connection.execute(sa.insert(tables.quote), {**row, "account_id": account})
            _put_parts(connection, quote_id, lines, draft.charges)
            writes.touch(connection, _row(party_id), now)
        return quote

    def save_quote(self, party_id: str, quote_id: str, draft: QuoteDraft, version: str, by: str) -> QuoteSheet:
        """Change an enquiry or quote; an enquiry that gets prices is a quote from then on.

        Raises QuoteChanged where `version` is not the current one, NotFound for a quote of somebody else, Invalid.
        """
        boxes, currency = _checked(draft)
        now = self._clock()
        with self._write() as connection:
            account = writes.account_of(connection, _row(party_id))
            mine = (tables.quote.c.account_id == account) & (tables.quote.c.id == quote_id)
            found = connection.execute(sa.select(tables.quote).where(mine).with_for_update()).first()
            if found is None:
                raise NotFound
            sheet = _sheet(connection, found, now)
            if sheet.version != version:
                raise QuoteChanged(sheet)
            lines = _lines(boxes, draft.charges, currency)
            values = {
                "pol": sql.clean(draft.pol.strip(), 80),
                "pod": sql.clean(draft.pod.strip(), 80),
                "carrier": sql.clean(draft.carrier.strip(), 80),
                "transit_days": draft.transit_days,
                "schedule": sql.clean(draft.schedule.strip(), 80),
                "currency": currency,
                "valid_until": draft.valid_until,
                "status": draft.status,
                "note": _note(draft, priced=bool(lines)),
                "by": sql.clean(by, 80),
            }
            connection.execute(sa.update(tables.quote).where(mine).values(**values))
            for part in (tables.quote_line, tables.quote_charge):
                connection.execute(sa.delete(part).where(part.c.quote_id == quote_id))
            _put_parts(connection, quote_id, lines, draft.charges)
            writes.touch(connection, _row(party_id), now)
            return _sheet(connection, connection.execute(sa.select(tables.quote).where(mine)).one(), now)

    def quote_sheet(self, party_id: str, quote_id: str) -> QuoteSheet:
        """A quote of a customer with its charges and total; raises NotFound for one of somebody else."""
        with self._read() as connection:
            account = writes.account_of(connection, _row(party_id))
            mine = (tables.quote.c.account_id == account) & (tables.quote.c.id == quote_id)
            found = connection.execute(sa.select(tables.quote).where(mine)).first()
            if found is None:
                raise NotFound
            return _sheet(connection, found, self._clock())

    def offers(
        self,
        *,
        status: QuoteStatus | None = None,
        priced: bool | None = None,
        before: float | None = None,
        limit: int = 50,
    ) -> list[Offer]:
        """Enquiries (`priced` False) and quotes (True) of all customers that were made here, newest first."""
        now, quote = self._clock(), tables.quote
        query = (
            sa.select(*quote.c, tables.party.c.name.label("party_name"))
            .join(tables.party, tables.party.c.id == quote.c.account_id)
            .order_by(quote.c.at.desc(), quote.c.id)
            .limit(max(1, min(limit, 200)))
        )
        if before is not None:
            query = query.where(quote.c.at < before)
        over = quote.c.valid_until < now
        if status == "expired":
            query = query.where((quote.c.status == "expired") | (quote.c.status.in_(("open", "sent")) & over))
        elif status in ("open", "sent"):
            query = query.where(quote.c.status == status, quote.c.valid_until.is_(None) | ~over)
        elif status is not None:
            query = query.where(quote.c.status == status)
        if priced is not None:
            has = sa.select(tables.quote_line.c.quote_id).where(tables.quote_line.c.quote_id == quote.c.id).exists()
            query = query.where(has if priced else ~has)
        with self._read() as connection:
            return [
                Offer(quote=_quote(connection, row, now), party_id=str(row.account_id), party=row.party_name)
                for row in connection.execute(query).all()
            ]

    def quote_charges(self, quote_id: str) -> tuple[Charge, ...]:
        """Every charge of a quote, in its order; () for a quote that holds only prices per container."""
        with self._read() as connection:
            return _charges(connection, quote_id)

    def quote_total(self, quote_id: str, cargo: Cargo | None = None) -> QuoteTotal:
        """What a quote comes to, per container and in all, by currency; of its own containers unless `cargo` says else.

        Raises NotFound for a quote without lines and charges.
        """
        with self._read() as connection:
            currency = connection.execute(
                sa.select(tables.quote.c.currency).where(tables.quote.c.id == quote_id)
            ).scalar()
            total = _total(connection, quote_id, currency or "USD", cargo)
        if total is None:
            raise NotFound
        return total

    def set_quote_status(
        self, party_id: str, quote_id: str, status: QuoteStatus, by: str, note: str | None = None
    ) -> Quote:
        """How an offer ended, with the reason in `note`; raises NotFound for a quote of somebody else."""
        if status not in get_args(QuoteStatus):
            raise Invalid((InvalidField(key="status", text="没有这种状态", text_en="There is no such status"),))
        values: dict[str, Any] = {"status": status, "by": sql.clean(by, 80)}
        if note is not None:
            values["note"] = sql.clean(note.strip(), 4000)
        with self._write() as connection:
            account = writes.account_of(connection, _row(party_id))
            mine = (tables.quote.c.account_id == account) & (tables.quote.c.id == quote_id)
            connection.execute(sa.update(tables.quote).where(mine).values(**values))
            found = connection.execute(sa.select(tables.quote).where(mine)).first()
            if found is None:
                raise NotFound
            return _quote(connection, found, self._clock())


def _row(party_id: str) -> int:
    if not (party_id.isascii() and party_id.isdigit() and len(party_id) <= 18):
        raise NotFound
    return int(party_id)


def _quote(connection: sa.Connection, row: Any, now: float) -> Quote:
    lines = connection.execute(rows.line_query, {"ids": [row.id]})
    return rows.to_quote(
        row,
        tuple(
            QuoteLine(container=line.container, count=line.pieces, freight=line.freight, all_in=line.all_in)
            for line in lines
        ),
        now,
    )


def _total(connection: sa.Connection, quote_id: str, currency: str, cargo: Cargo | None = None) -> QuoteTotal | None:
    """What a quote comes to, of its own containers unless `cargo` says else; None without lines and charges."""
    lines = connection.execute(rows.line_query, {"ids": [quote_id]}).all()
    given = _charges(connection, quote_id)
    if not lines and not given:
        return None
    if not given:
        given = tuple(
            Charge(code="OF", currency=currency, price=currencies.amount(line.freight), container=line.container)
            for line in lines
        )
    return totals(given, cargo or Cargo(containers=tuple((line.container, line.pieces) for line in lines)))


def _sheet(connection: sa.Connection, row: Any, now: float) -> QuoteSheet:
    quote = _quote(connection, row, now)
    charges = _charges(connection, row.id)
    told = msgspec.json.encode([msgspec.structs.replace(quote, status=row.status), charges])
    return QuoteSheet(
        quote=quote,
        charges=charges,
        total=_total(connection, row.id, row.currency),
        version=hashlib.sha256(told).hexdigest()[:16],
    )


def _put_parts(connection: sa.Connection, quote_id: str, lines: Sequence[QuoteLine], charges: Sequence[Charge]) -> None:
    """Lines and charges of a quote that has none."""
    if lines:
        connection.execute(
            sa.insert(tables.quote_line),
            [{"quote_id": quote_id, "position": n, **msgspec.structs.asdict(line)} for n, line in enumerate(lines)],
        )
    if charges:
        connection.execute(
            sa.insert(tables.quote_charge),
            [{"quote_id": quote_id, "position": n, **_stored(charge)} for n, charge in enumerate(charges)],
        )


def _note(draft: QuoteDraft, *, priced: bool) -> str:
    """What was asked for stands in the note until there is a price a container."""
    said, boxes = draft.note.strip(), draft.containers.strip()
    if not priced and boxes and not said.startswith(boxes):
        said = " ".join(filter(None, (boxes, said)))
    return sql.clean(said, 4000)


def _checked(draft: QuoteDraft) -> tuple[list[tuple[str, int]], str]:
    problems: list[InvalidField] = []
    currency = currencies.code_of(draft.currency)
    if currency is None:
        problems.append(InvalidField(key="currency", text="没有这个币种", text_en="There is no such currency"))
    if not (draft.pol.strip() or draft.pod.strip() or draft.containers.strip() or draft.note.strip()):
        problems.append(InvalidField(key="pol", text="至少填一项", text_en="At least one field must be filled"))
    boxes = containers.parse(draft.containers)
    if draft.charges and draft.containers.strip() and not boxes:
        problems.append(InvalidField(key="containers", text="看不懂柜型", text_en="The containers are not understood"))
    if len(draft.charges) > MOST_CHARGES:
        problems.append(InvalidField(key="charges", text="费用太多", text_en="Too many charges"))
    for place, charge in enumerate(draft.charges[:MOST_CHARGES]):
        wrong = (
            not charge.code.strip()
            or currencies.code_of(charge.currency) != charge.currency
            or not charge.price.is_finite()
            or abs(charge.price) >= Decimal(10) ** 12
            or charge.basis not in BASES
            or charge.part not in PARTS
        )
        if wrong:
            text, text_en = (
                "费用代码、币种、金额或计费方式不对",
                "Code, currency, amount or basis of the charge is wrong",
            )
            problems.append(InvalidField(key=f"charges.{place}", text=text, text_en=text_en))
    if draft.status not in get_args(QuoteStatus):
        problems.append(InvalidField(key="status", text="没有这种状态", text_en="There is no such status"))
    if problems or currency is None:
        raise Invalid(tuple(problems))
    return boxes, currency


def _lines(boxes: Sequence[tuple[str, int]], charges: Sequence[Charge], currency: str) -> tuple[QuoteLine, ...]:
    found: list[QuoteLine] = []
    for box in totals(charges, Cargo(containers=tuple(boxes))).containers:
        ocean = next((sums for part, sums in box.parts if part == "ocean"), ())
        freight = next((one.amount for one in ocean if one.currency == currency), None)
        if freight is None:
            continue
        whole = box.each[0].amount if [one.currency for one in box.each] == [currency] else None
        found.append(
            QuoteLine(
                container=box.container,
                count=box.count,
                freight=float(freight),
                all_in=None if whole is None else float(whole),
            )
        )
    return tuple(found)


def _number(connection: sa.Connection, now: float, zone: tzinfo) -> str:
    """Q260528-07: the day, and one more than that day's quotes so far."""
    moment = datetime.fromtimestamp(now, zone)
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    query = (
        sa.select(sa.func.count()).select_from(tables.quote).where(tables.quote.c.number.like(f"Q{moment:%y%m%d}-%"))
    )
    made = connection.execute(query.where(tables.quote.c.at >= day)).scalar_one()
    return f"Q{moment:%y%m%d}-{made + 1:02d}"


def _stored(charge: Charge) -> dict[str, Any]:
    return {
        "code": sql.clean(charge.code.strip(), 16),
        "name": sql.clean(charge.name.strip(), 80),
        "part": charge.part,
        "basis": charge.basis,
        "container": containers.canonical(charge.container)[:16] if charge.container else "",
        "currency": charge.currency,
        "price": str(charge.price)[:24],
        "minimum": "" if charge.minimum is None else str(charge.minimum)[:24],
    }


def _charges(connection: sa.Connection, quote_id: str) -> tuple[Charge, ...]:
    query = sa.select(tables.quote_charge).where(tables.quote_charge.c.quote_id == quote_id)
    return tuple(
        Charge(
            code=row.code,
            name=row.name,
            part=row.part,
            basis=row.basis,
            container=row.container,
            currency=row.currency,
            price=Decimal(row.price),
            minimum=Decimal(row.minimum) if row.minimum else None,
        )
        for row in connection.execute(query.order_by(tables.quote_charge.c.position))
    )
