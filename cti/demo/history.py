"""What the sample's customers did so far: shipments, quotes, chats, messages. See `demo.sample`."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from crm_bridge.model import BusinessRecord, ChatMessage, Closed, Quote, QuoteLine, QuoteStatus
from crm_bridge.numbers import canonical
from cti.demo import world
from cti.demo.world import Lane
from cti.sms.model import SmsMessage, Status

DAY: Final = 86400.0
WEEKS: Final = 44
"How far back business goes."


class Customer(msgspec.Struct, kw_only=True):
    """A firm with its people, and what will be written about it."""

    name: str
    brand: str
    city: str
    cargo: str
    cargo_class: str
    tier: str
    owner: str
    owner_name: str
    lanes: list[Lane]
    people: list[tuple[str, str]]
    mobiles: list[str]
    landline: str
    rich: bool
    tags: list[str] = []
    preference: str = ""
    note: str = ""
    last_contact: float | None = None
    business: list[BusinessRecord] = []
    quotes: list[Quote] = []
    chats: list[ChatMessage] = []
    messages: list[SmsMessage] = []

    def attrs(self) -> dict[str, str]:
        """The site's own fields of the firm."""
        pods = " / ".join(lane.pod for lane in self.lanes)
        limit = {"A": 200_000, "B": 100_000, "C": 30_000}[self.tier]
        used = (sum(map(ord, self.name)) * 37) % limit
        late = self.tier == "C" and used % 5 == 0
        return {
            "lanes": f"{self.lanes[0].pol}→{pods}",
            "cargo": self.cargo,
            "cargo_class": self.cargo_class,
            "terms": {"A": "月结 30 天", "B": "月结 15 天", "C": "票结"}[self.tier],
            "overdue": f"¥{used % 9000 + 800:,} · {used % 20 + 3} 天" if late else "无",
            "credit": f"¥{used:,} / {limit:,}",
            "source": ("老客户介绍", "展会", "搜索引擎", "同行转介")[used % 4],
        }


def price_at(lane: Lane, at: float, now: float, container: str) -> float:
    """The market's price of a lane: up a sixth over half a year, with a swell of seven weeks."""
    weeks = (now - at) / (7 * DAY)
    swell = ((weeks % 7) - 3.5) / 3.5
    level = lane.base * (1.17 - 0.0065 * weeks) + lane.base * 0.012 * swell
    return level * {"40HQ": 1.0, "40GP": 0.98, "20GP": 0.58}[container]


def business(customers: Sequence[Customer], rng: random.Random, now: float, zone: ZoneInfo) -> None:
    """Shipments and lost enquiries of all customers, lane by lane, so that every lane has a market to show."""
    for customer in customers:
        customer.tags = rng.sample(["重准时", "月结", "旺季约价", "要发票", "电放"], rng.randint(0, 2))
        customer.preference = rng.choice(world.PREFERENCES) if customer.rich else ""
        customer.note = rng.choice(world.NOTES) if customer.rich and rng.random() < 0.4 else ""
        customer.business, customer.quotes, customer.chats, customer.messages = [], [], [], []
    customers[0].preference = world.PREFERENCES[0]
    made = 0
    for lane in world.LANES:
        buyers = [customer for customer in customers if lane in customer.lanes]
        if not buyers:
            continue
        for week in range(WEEKS):
            often = 5.5 if week < 13 else 2.0
            for _ in range(max(1, round(often * lane.share * rng.uniform(0.6, 1.3)))):
                at = now - (week + rng.random()) * 7 * DAY
                favoured = customers[0] in buyers and rng.random() < 0.08
                customer = customers[0] if favoured else rng.choice(buyers)
                made += 1
                customer.business.append(_shipment(lane, customer, at, now, made, rng, zone))
    _late_one(customers[0], now, zone)
    for customer in customers:
        customer.business.sort(key=lambda record: -record.at)
        customer.last_contact = now - rng.uniform(0.2, 20) * DAY


def _shipment(
    lane: Lane, customer: Customer, at: float, now: float, n: int, rng: random.Random, zone: ZoneInfo
) -> BusinessRecord:
    _, letters, schedule, vessels = rng.choice(world.CARRIERS)
    container = rng.choices(("40HQ", "40GP", "20GP"), (8, 1, 2))[0]
    price = round(price_at(lane, at, now, container) * rng.gauss(1.0, 0.025) / 10) * 10.0
    won = rng.random() < 0.82
    etd = _day(at + rng.uniform(6, 14) * DAY, zone)
    planned = etd + lane.days * DAY
    delay = rng.choice((0, 0, 0, 0, 1, 2, 4)) * DAY if won else 0.0
    eta = planned + delay
    if not won:
        closed, status = ("lost", rng.choice(world.LOST)) if at < now - 10 * DAY else ("open", "待定")
    else:
        closed, status = "won", _status(etd, eta, delay, now)
    shipped = won
    return BusinessRecord(
        id=f"sample-b{n:05d}",
        at=at,
        pol=lane.pol,
        pod=lane.pod,
        origin=customer.city,
        destination=f"{lane.pod}门点" if n % 9 == 0 else lane.pod,
        container=f"{container}×{rng.choices((1, 2, 3, 4), (4, 4, 2, 1))[0]}",
        floor_price=round(price * rng.uniform(0.92, 0.97) / 10) * 10.0,
        price=price,
        currency="USD",
        supplier=rng.choice(world.SUPPLIERS),
        price_date=_day(at, zone),
        cargo=customer.cargo,
        details=rng.choice(("整柜，客户自送货到港区", "工厂装柜，需早上到厂", "含目的港拖车", "分两票出单", "")),
        transit_days=lane.days,
        schedule=schedule,
        closed=_closed(closed),
        status=status,
        bl_no=f"{letters}{lane.code}{datetime.fromtimestamp(at, zone):%y%m}{n * 7919 % 1000:03d}" if shipped else "",
        vessel=f"{rng.choice(vessels)} {20 + int((now - at) // (20 * DAY)) % 40:03d}W" if shipped else "",
        etd=etd if shipped else None,
        eta=eta if shipped else None,
        eta_planned=planned if shipped and delay else None,
        by=customer.owner_name,
    )


def _day(at: float, zone: ZoneInfo) -> float:
    """Midnight of that day."""
    return datetime.fromtimestamp(at, zone).replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


def _closed(word: str) -> Closed:
    return "won" if word == "won" else "lost" if word == "lost" else "open"


def _status(etd: float, eta: float, delay: float, now: float) -> str:
    if now < etd:
        return "已订舱"
    if now < eta:
        return f"晚 {round(delay / DAY)} 天" if delay else "在途"
    return "已提柜" if now < eta + 10 * DAY else "已完结"


def _late_one(customer: Customer, now: float, zone: ZoneInfo) -> None:
    """The shipment on the pictures: under way, two days late."""
    lane = customer.lanes[0]
    customer.business = [record for record in customer.business if (record.etd or 0.0) < now - 20 * DAY]
    etd = _day(now - 18 * DAY, zone)
    customer.business.append(
        BusinessRecord(
            id="sample-b00000",
            at=now - 28 * DAY,
            pol=lane.pol,
            pod=lane.pod,
            origin=customer.city,
            destination=lane.pod,
            container="40HQ×3",
            floor_price=2080.0,
            price=2180.0,
            supplier="北渡直订",
            price_date=_day(now - 28 * DAY, zone),
            cargo=customer.cargo,
            details="工厂装柜，需早上到厂",
            transit_days=lane.days,
            schedule="周日开",
            closed="won",
            status="晚 2 天",
            bl_no=f"BDL{lane.code}{datetime.fromtimestamp(etd, zone):%y%m}418",
            vessel="北渡汉堡 047W",
            etd=etd,
            eta=etd + (lane.days + 2) * DAY,
            eta_planned=etd + lane.days * DAY,
            by=customer.owner_name,
        )
    )


def quotes(customer: Customer, rng: random.Random, now: float, zone: ZoneInfo) -> None:
    """Offers: of a rich customer one or two open, the older ones won, lost or expired."""
    today_six = datetime.fromtimestamp(now, zone).replace(hour=18, minute=0, second=0, microsecond=0).timestamp()
    if today_six < now + 1800:
        today_six = _day(now + DAY, zone) + 12 * 3600
    first = customer.brand == "屿衡"
    live = 2 if first else rng.choice((0, 1, 1, 2)) if customer.rich else 0
    key = sum(map(ord, customer.name)) % 10_000
    for n in range(live + (3 if first else rng.randint(1, 4))):
        lane = customer.lanes[n % len(customer.lanes)]
        carrier, _, schedule, _ = world.CARRIERS[0] if first and n == 0 else rng.choice(world.CARRIERS)
        open_now = n < live
        age = rng.uniform(1, 8) if open_now else 20 + 26 * (n - live) + rng.uniform(0, 12)
        at = now - age * DAY
        container = "40HQ" if n != 3 else "20GP"
        freight = round(price_at(lane, at, now, container) * rng.gauss(1.02, 0.02) / 10) * 10.0
        status: QuoteStatus = "sent" if open_now else rng.choice(("won", "won", "lost", "expired"))
        lines = [QuoteLine(container=container, count=rng.randint(1, 3), freight=freight, all_in=freight + 450)]
        if n % 3 == 1:
            small = round(price_at(lane, at, now, "20GP") / 10) * 10.0
            lines.append(QuoteLine(container="20GP", count=1, freight=small, all_in=small + 270))
        until = at + 14 * DAY
        if open_now:
            until = today_six if n == 0 and (first or rng.random() < 0.3) else now + rng.randint(2, 12) * DAY
        customer.quotes.append(
            Quote(
                id=f"sample-q{key:04d}-{n}-{customer.mobiles[0][-4:]}",
                number=f"Q{datetime.fromtimestamp(at, zone):%y%m%d}-{(key + n) % 90 + 10:02d}",
                at=at,
                pol=lane.pol,
                pod=lane.pod,
                carrier=carrier,
                transit_days=lane.days,
                schedule=schedule,
                lines=tuple(lines),
                valid_until=until,
                status=status,
                note=rng.choice(world.LOST) if status == "lost" else "",
                by=customer.owner_name,
            )
        )


def _words(customer: Customer, rng: random.Random, zone: ZoneInfo) -> dict[str, str]:
    record = next((r for r in customer.business if r.bl_no), None)
    lane = customer.lanes[0]
    price = customer.quotes[0].lines[0].freight if customer.quotes else lane.base
    return {
        "pol": lane.pol,
        "pod": lane.pod,
        "price": f"{price:,.0f}",
        "days": str(lane.days),
        "carrier": customer.quotes[0].carrier if customer.quotes else "北渡",
        "schedule": customer.quotes[0].schedule if customer.quotes else "周日开",
        "quote": customer.quotes[0].number if customer.quotes else "",
        "brand": customer.brand,
        "bl": record.bl_no if record else "这票",
        "eta": f"{datetime.fromtimestamp(record.eta, zone):%m-%d}" if record and record.eta else "月底",
        "boxes": rng.choice(("两个高柜", "三个高柜", "一个小柜")),
    }


def chats(customer: Customer, rng: random.Random, now: float, zone: ZoneInfo) -> None:
    """QQ and WeCom messages of the last weeks; of some the last one is still unanswered."""
    if not customer.rich and rng.random() < 0.6:
        return
    words = _words(customer, rng, zone)
    start = rng.randrange(4)
    lines = world.CHATS[start : start + rng.randint(5, 9)]
    at = now - rng.uniform(8, 16) * DAY
    channel = "qq" if customer.brand == "屿衡" else rng.choice(("qq", "qq", "wecom"))
    step = (now - 3 * 3600 - at) / len(lines)
    for n, (direction, kind, text) in enumerate(lines):
        customer.chats.append(
            _message(
                customer, n, at + (n + rng.uniform(0.2, 0.6)) * step, channel, direction, kind, text.format(**words)
            )
        )
    if customer.brand == "屿衡" or rng.random() < 0.35:
        text = world.UNANSWERED[0] if customer.brand == "屿衡" else rng.choice(world.UNANSWERED)
        customer.chats.append(_message(customer, 90, now - rng.uniform(0.3, 1.5) * 3600, channel, "in", "text", text))


def _message(customer: Customer, n: int, at: float, channel: str, direction: str, kind: str, text: str) -> ChatMessage:
    return ChatMessage(
        id=f"sample-c{customer.mobiles[0]}-{n}",
        at=at,
        channel=channel,
        direction="in" if direction == "in" else "out",
        sender=customer.people[0][0] if direction == "in" else customer.owner_name,
        kind=kind,
        text=text,
    )


def messages(customer: Customer, rng: random.Random, now: float, zone: ZoneInfo) -> None:
    """Text messages with the customer's first number."""
    if not customer.rich and rng.random() < 0.5:
        return
    words = _words(customer, rng, zone)
    key = canonical(customer.mobiles[0]).key or ""
    for n, (direction, text) in enumerate(world.SMS[: rng.randint(2, 5)]):
        status: Status = (
            "received" if direction == "in" else rng.choices(("delivered", "sent", "failed"), (12, 1, 1))[0]
        )
        customer.messages.append(
            SmsMessage(
                id=f"sample-s{customer.mobiles[0]}-{n}",
                at=now - (13 - 2.6 * n + rng.uniform(0, 2)) * DAY,
                direction="in" if direction == "in" else "out",
                number=customer.mobiles[0],
                key=key,
                text=text.format(**words),
                status=status,
                by=customer.people[0][0] if direction == "in" else customer.owner_name,
            )
        )
