"""What a quote is made of: charge codes, how each is counted, and totals that never mix currencies (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final, Literal, get_args

import msgspec

from crm_bridge.freight import containers
from crm_bridge.freight.currencies import rounded

Part = Literal["ocean", "surcharge", "local", "destination", "other"]
"Ocean freight, what the carrier adds to it, charges at origin, charges at destination, the rest."
Basis = Literal["container", "teu", "bl", "shipment", "cbm", "ton", "wm", "kg"]
"What a price is for: a container, a TEU, a bill of lading, the shipment, m³, t, the greater of both (LCL), kg."
PARTS: Final[tuple[Part, ...]] = get_args(Part)
BASES: Final[tuple[Basis, ...]] = get_args(Basis)


class ChargeCode(msgspec.Struct, frozen=True, kw_only=True):
    """A charge as the trade names it."""

    code: str
    name: str
    name_en: str
    part: Part
    basis: Basis
    aliases: tuple[str, ...] = ()


_ROWS: Final = """
OF|海运费|Ocean freight|ocean|container|O/F,运费,海运费,基本运费
BAF|燃油附加费|Bunker adjustment|surcharge|container|FAF,BUC,EBA,燃油费
LSS|低硫附加费|Low sulphur surcharge|surcharge|container|LSF,低硫费
EBS|紧急燃油附加费|Emergency bunker surcharge|surcharge|container|EBC
CAF|币值附加费|Currency adjustment|surcharge|container|YAS
PSS|旺季附加费|Peak season surcharge|surcharge|container|旺季费
GRI|综合费率上涨|General rate increase|surcharge|container|涨价
PCS|港口拥挤费|Port congestion surcharge|surcharge|container|拥挤费,拥堵费
CIC|箱不平衡费|Container imbalance charge|surcharge|container|CIS,设备不平衡费
WRS|战争附加费|War risk surcharge|surcharge|container|WAR,战争险
PCC|巴拿马运河费|Panama canal charge|surcharge|container|PCA
SCS|苏伊士运河费|Suez canal surcharge|surcharge|container|SUE
ERS|空箱调运费|Equipment repositioning|surcharge|container|空调费
ISPS|港口设施安保费|Port security|surcharge|container|安保费,ISP
ACC|阿拉米达走廊费|Alameda corridor charge|surcharge|container|
IPI|内陆运费|Interior point intermodal|destination|container|RIPI
IAC|内陆附加费|Inland arbitrary|surcharge|container|
HWS|超重附加费|Heavy weight surcharge|surcharge|container|OWS,超重费
AMS|美国舱单费|Advance manifest (US)|local|bl|ACI,舱单费
ENS|欧盟舱单费|Entry summary (EU)|local|bl|ICS2
AFR|日本舱单费|Advance filing (Japan)|local|bl|
ORC|始发港收货费|Origin receiving charge|local|container|
THC|码头操作费|Terminal handling|local|container|OTHC,码头费
DOC|文件费|Documentation|local|bl|单证费,文件费
TLX|电放费|Telex release|local|bl|电放,TEL
SEAL|铅封费|Seal|local|container|封条费,封签费
EIR|设备交接单费|Equipment interchange receipt|local|container|打单费,设备费
VGM|称重费|Verified gross mass|local|container|
CUS|报关费|Customs clearance|local|bl|报关,CC
TRK|拖车费|Trucking|local|container|拖车,集卡费
CFS|拼箱费|Container freight station|local|wm|
BKG|订舱费|Booking|local|container|订舱
PRF|港建费|Port construction|local|container|
MAN|舱单录入费|Manifest|local|bl|舱单录入
INS|保险费|Insurance|other|shipment|保费
DTHC|目的港码头费|Destination terminal handling|destination|container|目的港THC
DDC|目的港交货费|Destination delivery charge|destination|container|
DO|换单费|Delivery order|destination|bl|D/O
STO|堆存费|Storage|other|container|滞港费
DEM|滞箱费|Demurrage|other|container|
DET|用箱超期费|Detention|other|container|DET
ABF|安保费（机场）|Airport security|other|shipment|
HDL|操作费|Handling|local|bl|HC,代理费
"""


def _code(row: str) -> ChargeCode:
    code, name, name_en, part, basis, aliases = row.split("|")
    return msgspec.convert(
        {
            "code": code,
            "name": name,
            "name_en": name_en,
            "part": part,
            "basis": basis,
            "aliases": [alias for alias in aliases.split(",") if alias],
        },
        ChargeCode,
    )


CODES: Final = {code.code: code for code in map(_code, _ROWS.strip().splitlines())}
"{code: charge}, ocean freight first."
_NAMES: Final[dict[str, str]] = {}
for _known in CODES.values():
    for _written in (_known.code, _known.name, _known.name_en.upper(), *_known.aliases):
        _NAMES.setdefault(_written.upper(), _known.code)


def code_of(text: str) -> str | None:
    """Code of a charge by its code, Chinese or English name, or an old name; None for one of the site's own.

    >>> code_of("O/F"), code_of("电放费"), code_of("thc"), code_of("咖啡")
    ('OF', 'TLX', 'THC', None)
    """
    return _NAMES.get(text.strip().upper())


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """One price of a quote."""

    code: str
    currency: str
    "ISO 4217."
    price: Decimal
    "Per unit of `basis`."
    basis: Basis = "container"
    part: Part = "ocean"
    container: str = ""
    "For this type only; '' for every type. Counts for the bases container and teu."
    minimum: Decimal | None = None
    "The least to be paid in all, such as for LCL."
    name: str = ""
    "As shown; '' for the usual name of the code."


class Cargo(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be shipped, as far as prices count it."""

    containers: tuple[tuple[str, int], ...] = ()
    "(type, count), as `containers.parse` gives it."
    bills: int = 1
    cbm: Decimal = Decimal(0)
    tons: Decimal = Decimal(0)


class Money(msgspec.Struct, frozen=True, kw_only=True):
    """An amount in one currency, in its smallest coin."""

    currency: str
    amount: Decimal


class ContainerTotal(msgspec.Struct, frozen=True, kw_only=True):
    """What one container of a type costs."""

    container: str
    count: int
    parts: tuple[tuple[Part, tuple[Money, ...]], ...]
    "Of one container, by part and currency; parts without a price are left out."
    each: tuple[Money, ...]
    "All of one container, one sum a currency."
    all: tuple[Money, ...]
    "Of all containers of this type."


class QuoteTotal(msgspec.Struct, frozen=True, kw_only=True):
    """What a quote comes to. Two currencies are two sums; only `converted` makes one of them."""

    containers: tuple[ContainerTotal, ...]
    shared: tuple[Money, ...]
    "Per bill, per shipment, by volume or weight: what belongs to no single container."
    total: tuple[Money, ...]
    unpriced: tuple[str, ...]
    "Container types of the cargo for which there is no ocean freight: their totals are not the whole price."


def totals(charges: Iterable[Charge], cargo: Cargo) -> QuoteTotal:
    """Add a quote up, per container and in all, by currency.

    Charges for a container type that the cargo does not hold count nothing. Raises ValueError for a price that is no
    finite number.
    """
    given = list(charges)
    if any(not charge.price.is_finite() for charge in given):
        raise ValueError("a price is not a number")
    boxes = _boxes(cargo)
    found: list[ContainerTotal] = []
    grand: dict[str, Decimal] = {}
    unpriced: list[str] = []
    for kind, count in boxes.items():
        by_part: dict[Part, dict[str, Decimal]] = {}
        each: dict[str, Decimal] = {}
        for charge in given:
            price = _per_box(charge, kind)
            if price is not None:
                _add(by_part.setdefault(charge.part, {}), charge.currency, price)
                _add(each, charge.currency, price)
        every = {currency: price * count for currency, price in each.items()}
        for currency, price in every.items():
            _add(grand, currency, price)
        if "ocean" not in by_part:
            unpriced.append(kind)
        found.append(
            ContainerTotal(
                container=kind,
                count=count,
                parts=tuple((part, _money(by_part[part])) for part in PARTS if part in by_part),
                each=_money(each),
                all=_money(every),
            )
        )
    shared: dict[str, Decimal] = {}
    for charge in given:
        units = _units(charge, cargo, boxes)
        if units is not None:
            price = charge.price * units
            if charge.minimum is not None and units:
                price = max(price, charge.minimum)
            _add(shared, charge.currency, price)
            _add(grand, charge.currency, price)
    return QuoteTotal(containers=tuple(found), shared=_money(shared), total=_money(grand), unpriced=tuple(unpriced))


def converted(sums: Sequence[Money], to: str, rates: Mapping[str, Decimal]) -> Money:
    """Several sums as one in currency `to`; `rates` give units of `to` for one unit of each other currency.

    Raises ValueError where a rate is missing or is none: a sum is never left out in silence.
    """
    whole = Decimal(0)
    for one in sums:
        rate = Decimal(1) if one.currency == to else rates.get(one.currency)
        if rate is None or not rate.is_finite() or rate <= 0:
            raise ValueError(f"no rate from {one.currency} to {to}")
        whole += one.amount * rate
    return Money(currency=to, amount=rounded(whole, to))


def margin(sell: QuoteTotal, buy: QuoteTotal) -> tuple[Money, ...]:
    """What is left, currency by currency: a gain in one never hides a loss in another."""
    left: dict[str, Decimal] = {}
    for sums, sign in ((sell.total, 1), (buy.total, -1)):
        for one in sums:
            _add(left, one.currency, sign * one.amount)
    return _money(left)


def _boxes(cargo: Cargo) -> dict[str, int]:
    boxes: dict[str, int] = {}
    for kind, count in cargo.containers:
        if count > 0:
            name = containers.canonical(kind)
            boxes[name] = boxes.get(name, 0) + count
    return boxes


def _per_box(charge: Charge, kind: str) -> Decimal | None:
    """Price of one container of this type by this charge; None where the charge is not one per container."""
    if charge.basis not in ("container", "teu"):
        return None
    if charge.container and containers.canonical(charge.container) != kind:
        return None
    if charge.basis == "container":
        return charge.price
    known = containers.BY_CODE.get(kind)
    return charge.price * Decimal(str(known.teu)) if known is not None else None


def _units(charge: Charge, cargo: Cargo, boxes: Mapping[str, int]) -> Decimal | None:
    """How often a charge counts that is not one per container; None for one that is."""
    if charge.basis in ("container", "teu"):
        return None
    if charge.container and containers.canonical(charge.container) not in boxes:
        return Decimal(0)
    if charge.basis == "bl":
        return Decimal(max(0, cargo.bills))
    if charge.basis == "shipment":
        return Decimal(1)
    if charge.basis == "cbm":
        return cargo.cbm
    if charge.basis == "ton":
        return cargo.tons
    if charge.basis == "kg":
        return cargo.tons * 1000
    # LCL: the greater of tons and cubic metres, at least one.
    units = max(cargo.cbm, cargo.tons)
    return max(units, Decimal(1)) if units > 0 else Decimal(0)


def _add(sums: dict[str, Decimal], currency: str, amount: Decimal) -> None:
    sums[currency] = sums.get(currency, Decimal(0)) + amount


def _money(sums: Mapping[str, Decimal]) -> tuple[Money, ...]:
    return tuple(Money(currency=currency, amount=rounded(sums[currency], currency)) for currency in sorted(sums))
