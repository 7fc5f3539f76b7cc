"""A forwarder's customers as they really stand in a CRM: every number spelled another way, with traps beside them.

Everything follows from the seed. `truth` says who really has a number, so that a wrong match can be told.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from crm_bridge.numbers import Site, canonical

PLANTED = 200
AREA = "0574"
"Of the site."


@dataclass
class Firm:
    """A company."""

    id: int
    name: str
    phone: str = ""
    other: str = ""
    note: str = ""
    deleted: bool = False


@dataclass
class Person:
    """A person; `firm` is the id of a company."""

    id: int
    family: str
    given: str
    firm: int | None
    mobile: str = ""
    work: str = ""
    home: str = ""
    note: str = ""
    deleted: bool = False

    @property
    def name(self) -> str:
        """As it is shown."""
        return f"{self.family}{self.given}"


@dataclass
class Caller:
    """Somebody who rings: what the trunk presents, and who it is."""

    presented: str
    name: str
    level: str


@dataclass
class World:
    """All of it."""

    firms: list[Firm] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    callers: list[Caller] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    "Numbers that nobody has, each close to one that somebody has."
    truth: dict[str, set[str]] = field(default_factory=dict)
    "{E.164: names that may be told as exact}."


FAMILIES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许"
GIVEN = ["敏", "立", "建国", "晓燕", "志强", "海燕", "丽", "伟", "倩", "文博", "若兰", "知夏"]
CITIES = ["宁波", "杭州", "义乌", "温州", "上海", "苏州"]
TRADES = ["屿衡", "海拓", "恒远", "金帆", "佳运", "顺达", "联泰", "瑞丰"]


def mobile_spelled(rng: random.Random, number: str) -> str:
    """A mobile as somebody typed it; at most 30 characters, for the narrowest of the columns."""
    a, b, c = number[:3], number[3:7], number[7:]
    wide = number.translate(str.maketrans("0123456789", "０１２３４５６７８９"))
    return rng.choice(
        [
            number,
            f"{a}-{b}-{c}",
            f"{a} {b} {c}",
            f"+86{number}",
            f"+86 {a} {b} {c}",
            f"0086-{number}",
            f"86{number}",
            f"0{number}",
            wide,
            f"  {number} ",
            f"{number}(微信同号)",
            f"手机{number}",
            f"{number}/0574-8{number[4:]}",
            f"tel:+86-{a}-{b}-{c}",
            f"+86 (0){number}",
            f"17951{number}",
        ]
    )


def landline_spelled(rng: random.Random, area: str, local: str) -> str:
    """A landline with its area code as somebody typed it."""
    return rng.choice(
        [
            f"0{area}-{local}",
            f"(0{area}){local}",
            f"0{area} {local[:4]} {local[4:]}",
            f"+86-{area}-{local}",
            f"0086{area}{local}",
            f"0{area}{local}",
            f"0{area}—{local}",
            f"{area}{local}",
        ]
    )


def presented(rng: random.Random, key: str) -> str:
    """A number as one of the trunks presents it."""
    rest = key.removeprefix("+86")
    return rng.choice(
        [rest if len(rest) == 11 and rest[0] == "1" else f"0{rest}", f"+86{rest}", f"0{rest}", f"86{rest}"]
    )


def key_of(text: str) -> str:
    """E.164 of a caller as presented."""
    return canonical(text, Site(area_code=AREA)).key or ""


def make(seed: int = 13) -> World:
    """Two hundred planted callers among their colleagues, and everything that confuses a careless look-up."""
    rng = random.Random(seed)
    world = World()
    for n in range(1, 61):
        world.firms.append(Firm(n, f"{rng.choice(CITIES)}{rng.choice(TRADES)}{n}号国际贸易有限公司"))
    for n in range(1, 221):
        family, given = FAMILIES[n % len(FAMILIES)], f"{rng.choice(GIVEN)}{n}"
        world.people.append(Person(n, family, given, rng.choice([None, *range(1, 61)])))
    _plant(world, rng)
    _confuse(world, rng)
    rng.shuffle(world.firms)
    rng.shuffle(world.people)
    return world


def _owns(world: World, key: str, name: str) -> None:
    world.truth.setdefault(key, set()).add(name)


def _plant(world: World, rng: random.Random) -> None:
    used: set[str] = set()

    def mobile() -> str:
        while True:
            number = f"1{rng.choice(['38', '39', '50', '86', '99', '66', '77'])}{rng.randrange(10**8):08d}"
            if number not in used:
                used.add(number)
                return number

    for person in world.people[:150]:
        number = mobile()
        slot = rng.choice(["mobile", "mobile", "work", "home"])
        text = mobile_spelled(rng, number)
        setattr(person, slot, text)
        if "/0574-8" in text:
            _owns(world, f"+865748{number[4:]}", person.name)
        _owns(world, f"+86{number}", person.name)
        world.callers.append(Caller(presented(rng, f"+86{number}"), person.name, "exact"))
        world.strangers.append(f"1{'5' if number[1] != '5' else '8'}{number[2:]}")
    for n, firm in enumerate(world.firms[:40]):
        area = rng.choice(["574", "21", "571", "755"])
        local = f"8{rng.randrange(10**7):07d}" if area != "21" else f"6{rng.randrange(10**7):07d}"
        key = f"+86{area}{local}"
        if n < 10:
            firm.phone = local if area == "574" else landline_spelled(rng, area, local)
            level = "derived" if area == "574" else "exact"
        else:
            firm.phone, level = landline_spelled(rng, area, local), "exact"
        if level == "exact":
            _owns(world, key, firm.name)
        world.callers.append(Caller(presented(rng, key), firm.name, level))
        world.strangers.append(f"0{area}{(int(local) + 1) % 10**8:08d}")
    for person in world.people[150:160]:
        local = f"8{rng.randrange(10**7):07d}"
        person.work = f"0574-{local}转{rng.randrange(100, 9999)}"
        world.callers.append(Caller(f"0574{local}", person.name, "switchboard"))
    assert len(world.callers) == PLANTED


def _confuse(world: World, rng: random.Random) -> None:
    """Beside them: masked, short, broken, hostile, deleted, and numbers that stand in a text only."""
    rest = world.people[160:]
    known = [caller for caller in world.callers if caller.level == "exact"]
    for person, caller in zip(rest[:20], known, strict=False):
        digits = "".join(c for c in caller.presented if c.isdigit())[-11:]
        # The same seven last digits, a masked twin, a number one digit short: none of them is the caller's.
        person.mobile = rng.choice([f"{digits[:3]}****{digits[-4:]}", digits[1:], f"0512-{digits[-8:]}", digits[-7:]])
    hostile = ["1' OR '1'='1", "%", "_%", "'; DROP TABLE accounts; --", "\\", "???", "无", "13x", "138%", "N/A"]
    for person, text in zip(rest[20:30], hostile, strict=True):
        person.mobile = text
    for person in rest[30:40]:
        person.deleted = True
        person.mobile = f"1370000{person.id:04d}"
    for person in rest[40:50]:
        number = f"1360000{person.id:04d}"
        person.note = f"他太太电话 {number}，QQ:123456789，提单号 1380000{person.id:04d}"
    world.firms[50].deleted = True
    world.firms[50].phone = "0574-87000050"
