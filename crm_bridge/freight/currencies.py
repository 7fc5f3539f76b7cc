"""Currencies of the trade: ISO 4217 codes and what people write for them (pure)."""

from __future__ import annotations

import unicodedata
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Final

import msgspec


class Currency(msgspec.Struct, frozen=True, kw_only=True):
    """A currency as ISO 4217 knows it."""

    code: str
    name: str
    name_en: str
    sign: str
    digits: int = 2
    "Decimal places of its smallest coin."


_ROWS: Final = """
CNY 人民币 Renminbi ¥ 2 RMB CNH RMB¥ 元 块 人民币元 软妹币 ￥
USD 美元 US-dollar $ 2 US$ 美金 美刀 刀 U$ USD$ US 美
EUR 欧元 Euro € 2 欧
GBP 英镑 Pound-sterling £ 2 STG
JPY 日元 Yen JP¥ 0 日圆 円 YEN
HKD 港币 Hong-Kong-dollar HK$ 2 港元 港纸
TWD 新台币 New-Taiwan-dollar NT$ 2 台币 NTD
KRW 韩元 Won ₩ 0 韩币 韩圆
SGD 新加坡元 Singapore-dollar S$ 2 新币 坡币
AUD 澳元 Australian-dollar A$ 2 澳币
NZD 新西兰元 New-Zealand-dollar NZ$ 2 纽币
CAD 加元 Canadian-dollar C$ 2 加币
CHF 瑞士法郎 Swiss-franc CHF 2 瑞郎
SEK 瑞典克朗 Swedish-krona SEK 2
NOK 挪威克朗 Norwegian-krone NOK 2
DKK 丹麦克朗 Danish-krone DKK 2
PLN 波兰兹罗提 Zloty zł 2 兹罗提
RUB 卢布 Rouble ₽ 2 俄罗斯卢布
TRY 土耳其里拉 Turkish-lira ₺ 2 里拉
AED 迪拉姆 Dirham AED 2 阿联酋迪拉姆
SAR 沙特里亚尔 Riyal SAR 2 里亚尔
INR 印度卢比 Indian-rupee ₹ 2 卢比
PKR 巴基斯坦卢比 Pakistani-rupee PKR 2
BDT 塔卡 Taka ৳ 2 孟加拉塔卡
LKR 斯里兰卡卢比 Sri-Lankan-rupee LKR 2
THB 泰铢 Baht ฿ 2 铢
VND 越南盾 Dong ₫ 0
MYR 林吉特 Ringgit RM 2 马币 令吉
IDR 印尼盾 Rupiah Rp 2 印尼卢比
PHP 菲律宾比索 Philippine-peso ₱ 2
MXN 墨西哥比索 Mexican-peso MX$ 2
BRL 雷亚尔 Real R$ 2 巴西雷亚尔
ZAR 兰特 Rand R 2 南非兰特
EGP 埃及镑 Egyptian-pound EGP 2
NGN 奈拉 Naira ₦ 2
KES 肯尼亚先令 Kenyan-shilling KSh 2
""".strip()


def _read() -> tuple[dict[str, Currency], dict[str, str]]:
    by_code: dict[str, Currency] = {}
    names: dict[str, str] = {}
    for row in _ROWS.splitlines():
        code, name, name_en, sign, digits, *aliases = row.split()
        by_code[code] = Currency(code=code, name=name, name_en=name_en.replace("-", " "), sign=sign, digits=int(digits))
        for written in (code, name, sign, *aliases):
            names.setdefault(unicodedata.normalize("NFKC", written).upper(), code)
    return by_code, names


CURRENCIES, _NAMES = _read()
"{ISO code: currency}."


def code_of(text: str) -> str | None:
    """ISO code of a currency as people write it; None for what is none.

    >>> code_of("rmb"), code_of("美金"), code_of("US$"), code_of("pieces of eight")
    ('CNY', 'USD', 'USD', None)
    """
    return _NAMES.get(unicodedata.normalize("NFKC", text[:40]).strip().upper())


def rounded(amount: Decimal, currency: str) -> Decimal:
    """An amount in its currency's smallest coin, halves up: 0.5 yen is 1 yen."""
    known = CURRENCIES.get(currency)
    return amount.quantize(Decimal(1).scaleb(-(known.digits if known else 2)), ROUND_HALF_UP)


def amount(text: str | float | int | Decimal) -> Decimal:
    """A price as typed or stored, exactly; raises ValueError for what is none, infinite or absurd.

    >>> amount("2,350.50"), amount("￥1 200"), amount(0.1)
    (Decimal('2350.50'), Decimal('1200'), Decimal('0.1'))
    """
    plain = unicodedata.normalize("NFKC", str(text)[:60]).strip()
    for sign in ("US$", "USD", "RMB", "CNY", "EUR", "$", "¥", "€", "元"):
        plain = plain.replace(sign, "")
    try:
        value = Decimal(plain.replace(",", "").replace(" ", ""))
    except InvalidOperation:
        raise ValueError("not an amount") from None
    if not value.is_finite() or abs(value) >= 10**12:
        raise ValueError("not an amount")
    return value
