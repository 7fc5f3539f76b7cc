"""A sample freight forwarder: customers with all six sections filled, past calls, messages, users. Same for same seed.

Everything is invented, dates are relative to `now`, and what is written is what the CRM and the store would have
written themselves: nothing here knows how they keep it.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from crm_bridge.embedded import EmbeddedCrm
from crm_bridge.embedded.load import Loader
from cti.auth import Account
from cti.demo import books, site, world
from cti.demo.history import Customer, business, chats, messages, quotes
from cti.demo.past_calls import calls
from cti.store import Store

SEED: Final = 13
COMPANIES: Final = 96
ZONE: Final = ZoneInfo("Asia/Shanghai")

UNKNOWN: Final = (
    "013505760071",
    "13305770172",
    "057688120273",
    "13205790374",
    "+8613105710475",
    "02164330576",
    "13505320677",
    "85225880178",
)
"Callers whom the CRM does not know."


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """A user of the demonstration, with the password to print."""

    login: str
    name: str
    role: str
    password: str
    interface: str | None


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """What the rest of the demonstration needs to know."""

    callers: tuple[str, ...]
    "Numbers as a trunk presents them; who is worth seeing stands several times."
    users: tuple[Login, ...]
    "Agents in the order of their phones, then the supervisor and the admin."


def fill(
    crm: EmbeddedCrm,
    store: Store,
    now: float,
    hash_password: Callable[[str], str],
    *,
    password: str | None = None,
    seed: int = SEED,
) -> Sample:
    """Fill an empty CRM and store. One that holds customers already keeps them; users get the new password."""
    rng = random.Random(seed)  # noqa: S311 - invents customers
    word = password or secrets.token_urlsafe(12)
    users = _users(store, hash_password(word), word)
    fresh = crm.is_empty()
    customers = _invent(rng, now)
    if fresh:
        with crm.loading() as loader:
            today = datetime.fromtimestamp(now, ZONE)
            for n, customer in enumerate(customers):
                _load(loader, customer, f"1988-{today:%m-%d}" if n == 1 else "")
            _strangers(loader, rng, now)
        books.fill(crm, now, site.SUPERVISOR[1])
        books.enquiries(crm, [customer.mobiles[0] for customer in customers[2:4]], site.AGENTS[0][1])
        store.save_calls(calls(customers, UNKNOWN, rng, now, ZONE), site.PBX)
        store.add_sms([message for customer in customers for message in customer.messages])
    return Sample(callers=tuple(_callers(customers)), users=users)


def _users(store: Store, password_hash: str, word: str) -> tuple[Login, ...]:
    made: list[Login] = []
    for interface, name, _, team in site.AGENTS:
        login = site.LOGINS[interface]
        store.add_user(
            Account(login=login, name=name, role="agent", password_hash=password_hash, interfaces=(interface,)), team
        )
        made.append(Login(login=login, name=name, role="agent", password=word, interface=interface))
    login, name = site.SUPERVISOR
    store.add_user(Account(login=login, name=name, role="supervisor", password_hash=password_hash))
    made.append(Login(login=login, name=name, role="supervisor", password=word, interface=None))
    login, name = site.ADMIN
    store.add_user(Account(login=login, name=name, role="admin", password_hash=password_hash))
    made.append(Login(login=login, name=name, role="admin", password=word, interface=None))
    return tuple(made)


def _invent(rng: random.Random, now: float) -> list[Customer]:
    """Customers with people and numbers, then their trade; the first is the one on the pictures."""
    customers: list[Customer] = []
    brands = world.BRANDS.split()
    for n in range(COMPANIES):
        city, _, area, mobiles = world.CITIES[0] if n < 3 else rng.choice(world.CITIES)
        ending, cargo, cargo_class = world.TRADES[0] if n == 0 else rng.choice(world.TRADES)
        brand = (
            "屿衡"
            if n == 0
            else brands[n - 1]
            if n <= len(brands)
            else brands[n % len(brands)] + rng.choice("源盛达和兴")
        )
        _, owner, queues, _ = site.AGENTS[1] if n == 0 else rng.choice(site.AGENTS)
        interface = next(phone for phone, name, *_ in site.AGENTS if name == owner)
        lanes = [lane for lane in world.LANES if lane.queue in queues] or list(world.LANES)
        weights = [lane.share for lane in lanes]
        chosen = [world.LANES[0], world.LANES[1]] if n == 0 else rng.choices(lanes, weights, k=rng.randint(1, 3))
        people: list[tuple[str, str]] = [("周敏", "采购经理"), ("王立", "财务")] if n == 0 else []
        while len(people) < (2 if n == 0 else rng.randint(1, 3)):
            person = rng.choice(world.SURNAMES) + rng.choice(world.GIVEN.split())
            if person not in [name for name, _ in people]:
                people.append((person, world.ROLES[len(people)] if not people else rng.choice(world.ROLES)))
        customers.append(
            Customer(
                name=f"{city}{brand}{ending}",
                brand=brand,
                city=city,
                cargo=cargo,
                cargo_class=cargo_class,
                tier="A" if n in (0, 1) else rng.choice(("A", "B", "B", "C", "C", "C")),
                owner=site.LOGINS[interface],
                owner_name=owner,
                lanes=list(dict.fromkeys(chosen)),
                people=people,
                # Every number is in the range of its city, so that its region is right; the last four are made up.
                mobiles=[
                    f"{mobiles[(n + i) % len(mobiles) if n else 0]}{1300 + n + 100 * i:04d}" for i in range(len(people))
                ],
                landline=f"{area}-{8 if area != '021' else 6}{n % 90 + 10:02d}{(n * 37) % 9000 + 1000:04d}0"[:13],
                rich=n == 0 or rng.random() < 0.7,
            )
        )
    business(customers, rng, now, ZONE)
    for customer in customers:
        quotes(customer, rng, now, ZONE)
        chats(customer, rng, now, ZONE)
        messages(customer, rng, now, ZONE)
    return customers


def _load(loader: Loader, customer: Customer, birthday: str = "") -> None:
    """One firm with its people and history; `birthday` is the first person's."""
    firm = loader.add_party(
        customer.name,
        "sea" if customer.tier != "C" else "customer",
        person=False,
        tier=customer.tier,
        owner=customer.owner,
        owner_name=customer.owner_name,
        tags=customer.tags,
        attrs=customer.attrs(),
        phones=[(customer.landline, "办公")],
        last_contact=customer.last_contact,
    )
    for n, (name, role) in enumerate(customer.people):
        phones = [(customer.mobiles[n], "手机")]
        if n and customer.rich:
            phones.append((f"{customer.landline}转{200 + n}", "办公"))
        loader.add_party(
            name,
            "sea" if customer.tier != "C" else "customer",
            company=firm,
            role=role,
            attrs={
                **({"preference": customer.preference} if n == 0 and customer.preference else {}),
                **({"birthday": birthday} if n == 0 and birthday else {}),
            },
            phones=phones,
            points=[("qq", str(80_000_000 + int(customer.mobiles[n][-6:])))] if n == 0 else [],
            last_contact=customer.last_contact if n == 0 else None,
        )
    loader.add_business(firm, customer.business)
    loader.add_quotes(firm, customer.quotes)
    loader.add_chats(firm, customer.chats)
    if customer.note:
        loader.add_note(firm, customer.note, customer.owner_name, (customer.last_contact or 0.0) - 86400 * 3)


SWITCHBOARD: Final = "0574-87000013"
"One switchboard, several firms: the pop must ask who it is."


def _strangers(loader: Loader, rng: random.Random, now: float) -> None:
    """Peers, truckers and carriers; three firms behind one switchboard; a mobile that two people share."""
    for n, (name, category) in enumerate(world.PEERS):
        firm = loader.add_party(name, category, person=False, attrs={"service_grade": str(n % 3 + 1)})
        loader.add_party(
            rng.choice(world.SURNAMES) + "师傅" if category == "truck" else rng.choice(world.SURNAMES) + "经理",
            category,
            company=firm,
            role="调度" if category == "truck" else "客服",
            phones=[(f"1310574{1800 + n:04d}", "手机"), (f"0574-8655{7000 + n:04d}", "办公")],
        )
    first = loader.add_party("砺澄机械有限公司", "sea", person=False, attrs={"cargo": "注塑机配件", "terms": "票结"})
    loader.add_party(
        "许工",
        "sea",
        company=first,
        role="物流主管",
        phones=[(SWITCHBOARD, "办公")],
        last_contact=now - 86400,
        owner=site.LOGINS["PJSIP/8001"],
        owner_name="林知夏",
    )
    second = loader.add_party("湛禾电器有限公司", "sea", person=False, tier="A", attrs={"cargo": "小家电"})
    loader.add_party(
        "方倩",
        "sea",
        company=second,
        role="外贸部",
        phones=[(f"{SWITCHBOARD}转208", "办公")],
        last_contact=now - 25 * 86400,
        owner=site.LOGINS["PJSIP/8002"],
        owner_name="陈晓雯",
    )
    third = loader.add_party("朔榆卫浴有限公司", "peer", person=False)
    loader.add_note(third, f"总机 {SWITCHBOARD}，找采购部", "程小婉", now - 78 * 86400)
    for name, role in (("秦海燕", "业务员"), ("秦志刚", "总经理")):
        loader.add_party(name, "customer", role=role, phones=[("13505751999", "手机")], tags=["夫妻店"])


def _callers(customers: list[Customer]) -> list[str]:
    """Numbers as trunks present them: plain, with a 0 before a mobile from elsewhere, with +86, some withheld."""
    found: list[str] = []
    for n, customer in enumerate(customers):
        mobile = customer.mobiles[0]
        shown = (mobile, f"0{mobile}", f"+86{mobile}", mobile)[n % 4]
        found += [shown] * (3 if n == 0 else 2 if customer.rich else 1)
        if n % 6 == 0:
            found.append(customer.landline.replace("-", ""))
    found += [SWITCHBOARD.replace("-", "")] * 5 + ["13505751999"] * 2 + ["0131057418" + f"{n:02d}" for n in range(4)]
    return [*found, *UNKNOWN, "anonymous"]
